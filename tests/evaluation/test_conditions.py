"""Tests of the conditions of a promotion."""

from __future__ import annotations

import math

import pytest

from kedro_autolog_pipeline.config.schema import ThresholdConfig
from kedro_autolog_pipeline.evaluation.conditions import Champion, find_failed

AT_MOST = ThresholdConfig(greater_is_better=False, threshold=4.0)
LESS = ThresholdConfig(greater_is_better=False, min_absolute_change=0.5)
MORE = ThresholdConfig(greater_is_better=True, min_relative_change=0.1)


@pytest.mark.parametrize(
    ("condition", "value", "before"),
    [
        (AT_MOST, 4.0, None),
        (AT_MOST, 4.0, 1.0),
        (ThresholdConfig(greater_is_better=True, threshold=0.9), 0.9, None),
        (LESS, 9.0, None),
        (LESS, 3.5, 4.0),
        (MORE, 1.25, 1.0),
    ],
    ids=["threshold", "threshold alone", "greater", "first version", "absolute", "relative"],
)
def test_a_condition_that_holds(condition: ThresholdConfig, value: float, before: float | None) -> None:
    """The first version has its thresholds alone to reach."""
    champion = None if before is None else Champion("2", {"error": before})

    assert () == find_failed({"error": condition}, {"error": value}, champion)


@pytest.mark.parametrize(
    ("condition", "value", "before", "said"),
    [
        (AT_MOST, 4.5, None, "error is 4.5, and must be at most 4."),
        (AT_MOST, 4.00000001, None, "error is 4.00000001, and must be at most 4."),
        (AT_MOST, math.nan, None, "error is not a number."),
        (LESS, 3.75, 4.0, "error is 3.75, and must be less than the 4 of version 2, by at least 0.5."),
        (MORE, 1.0625, 1.0, "error is 1.0625, and must be more than the 1 of version 2, by at least 0.1 of that."),
        (
            MORE,
            1.0,
            math.nan,
            "error cannot be compared with that of version 2: it has none on the same rows. Compare a metric of "
            "'evaluate'.",
        ),
    ],
    ids=["threshold", "digits", "not a number", "absolute", "relative", "nothing to compare"],
)
def test_a_condition_that_fails_is_told_with_both_numbers(
    condition: ThresholdConfig, value: float, before: float | None, said: str
) -> None:
    """The sentence goes on from the name of the metric."""
    champion = None if before is None else Champion("2", {"error": before})

    assert (said,) == find_failed({"error": condition}, {"error": value}, champion)


def test_what_cannot_be_judged_fails() -> None:
    """A metric that is not there, and a champion of which nothing is known, each with the reason."""
    failed = find_failed(
        {"erorr": AT_MOST, "error": LESS}, {"error": 1.0}, Champion("2", None, "it cannot be evaluated here.")
    )

    assert (
        "there is no metric 'erorr' of the evaluation or of the run. Did you mean 'error'?",
        "error cannot be compared with that of version 2: it cannot be evaluated here.",
    ) == failed
