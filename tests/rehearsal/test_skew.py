"""Tests of rehearsal.skew."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedro_autolog_pipeline.datasets.noted_rows import NotedRows, note_rows
from kedro_autolog_pipeline.pairing.counterparts import Counterpart
from kedro_autolog_pipeline.rehearsal.live_pipeline import Written
from kedro_autolog_pipeline.rehearsal.skew import SkewReport, find_skew

COUNTERPART = Counterpart("predict", "answers", "train", "trained", ("table",))

TABLE = pd.DataFrame({"x": [float(x * x % 7) for x in range(400)], "n": range(400), "label": range(400)})

REQUEST = pd.DataFrame({"x": [1.0], "n": [3]})


def noted(values: Mapping[str, Any]) -> dict[str, NotedRows]:
    """Note values as a training does."""
    found: dict[str, NotedRows] = {}
    for name, value in values.items():
        labels = {label for each in found.values() for label in each.rows.index}
        rows = note_rows(value, labels)
        assert rows is not None
        found[name] = rows
    return found


def compare(
    training: Callable[[pd.DataFrame], Any], inference: Callable[[pd.DataFrame], Any], table: pd.DataFrame = TABLE
) -> SkewReport:
    """Compare what one function makes of a table in training with what another one makes of it in inference."""
    values = noted({"table": table, "trained": training(table)})
    return find_skew(
        [COUNTERPART], values, REQUEST, lambda rows: {"answers": Written("predict", inference(rows.copy()))}
    )


def difference(report: SkewReport) -> str | None:
    """Give what is said of the values; None when there is no skew, which something has shown."""
    if report.divergence is None:
        assert report.why_nothing is None
        return None
    return report.divergence.difference


@pytest.mark.parametrize(
    ("training", "inference", "said"),
    [
        (lambda rows: rows, lambda rows: rows, None),
        (lambda rows: rows.dropna().sample(frac=0.9, random_state=1), lambda rows: rows, None),
        (lambda rows: rows.sample(frac=1, random_state=1).reset_index(drop=True), lambda rows: rows, None),
        (lambda rows: rows["x"] * 2, lambda rows: rows["x"] * 2, None),
        (lambda rows: rows[["x"]].to_numpy(), lambda rows: rows[["x"]].to_numpy(), None),
        (lambda rows: rows[["x"]], lambda rows: rows[rows["x"] > 1][["x"]], None),
        (
            lambda rows: rows.assign(x=rows["x"] / 8),
            lambda rows: rows.assign(x=(rows["x"] / 8).round(1)),
            "column 'x' differs in 171 of 300 rows, first at index 1: 0.1 (inference) and 0.125 (training)",
        ),
        (
            lambda rows: rows.assign(x=rows["x"].astype("float32")),
            lambda rows: rows,
            "column 'x' has dtype float64 (inference) and float32 (training)",
        ),
        (
            lambda rows: rows[["n", "x"]],
            lambda rows: rows[["x", "n"]],
            "column 'x' is at position 0 in inference and at 1 in training",
        ),
        (lambda rows: rows.assign(z=1), lambda rows: rows, "column 'z' is missing in inference"),
        (lambda rows: rows, lambda rows: rows.assign(z=1), "column 'z' is not there in training"),
        (
            lambda rows: rows["x"].to_numpy() * 2,
            lambda rows: rows["x"].to_numpy(),
            "the output differs in 257 of 300 elements, first at [1]: 1.0 (inference) and 2.0 (training)",
        ),
    ],
)
def test_the_first_column_that_differs_is_named(
    training: Callable[[pd.DataFrame], Any], inference: Callable[[pd.DataFrame], Any], said: str | None
) -> None:
    """Filters, splits and shuffles are no skew; the label, which a request does not have, does not count."""
    assert said == difference(compare(training, inference))


@pytest.mark.parametrize(
    ("training", "inference"),
    [
        (lambda rows: rows[["x"]].iloc[:200].reset_index(drop=True), lambda rows: rows[["x"]]),
        (lambda rows: rows["x"], lambda rows: rows[["x"]]),
        (lambda rows: rows[["x"]], lambda rows: rows[["n"]]),
        (lambda rows: rows[["x"]], lambda rows: rows[["x"]].head(7).reset_index(drop=True).add_prefix("y")),
    ],
    ids=["index made anew", "another kind", "other columns", "fewer rows of other columns"],
)
def test_rows_that_cannot_be_matched_are_no_agreement(
    training: Callable[[pd.DataFrame], Any], inference: Callable[[pd.DataFrame], Any]
) -> None:
    """The report says that nothing was compared."""
    report = compare(training, inference)

    assert ((), None, "no rows of training could be matched with what is in 'answers'.") == (
        report.compared,
        report.divergence,
        report.why_nothing,
    )


def test_what_does_not_give_the_same_twice_is_not_compared() -> None:
    """Noise differs from training's, and from its own."""
    noise = np.random.default_rng(1)

    report = compare(lambda rows: rows[["x"]], lambda rows: rows[["x"]] + noise.normal(size=(len(rows), 1)))

    assert report.why_nothing == "no rows of training could be matched with what is in 'answers'."


def test_one_use_of_a_function_that_agrees_is_enough() -> None:
    """Training has used it for something else, too; and a request begins after training's first step."""
    raw = TABLE.assign(x=TABLE["x"] * 100)
    values = noted({"raw": raw, "table": TABLE, "other": TABLE[["x"]] * 5, "trained": TABLE[["x"]] + 1})
    counterparts = [
        Counterpart("predict", "answers", "first", "other", ("raw", "table")),
        Counterpart("predict", "answers", "second", "trained", ("raw", "table")),
    ]

    report = find_skew(counterparts, values, REQUEST, lambda rows: {"answers": Written("predict", rows[["x"]] + 1)})

    assert SkewReport(("answers",)) == report


@pytest.mark.parametrize("request_data", [[1, 2], {"x": 1}, pd.Series([1])])
def test_a_request_that_is_no_table_is_not_compared(request_data: Any) -> None:
    """Nobody knows then which rows of training are requests."""
    report = find_skew([COUNTERPART], {}, request_data, lambda _: {})

    assert "Nothing was compared with training: the request is no pandas table" in str(report)


_STEPS: list[Callable[[pd.DataFrame], pd.DataFrame]] = [
    lambda rows: rows.assign(x=rows["x"] * 3 - 1),
    lambda rows: rows.assign(x=rows["x"].fillna(2.5)),
    lambda rows: rows.rename(columns={"x": "y"}),
    lambda rows: rows.assign(n=rows["n"].astype("float64")),
    lambda rows: rows.assign(word=rows["n"].map(str)),
    lambda rows: rows[rows["n"] % 3 > 0],
    lambda rows: rows.iloc[:, ::-1],
]


@given(
    steps=st.permutations(range(len(_STEPS))).flatmap(
        lambda order: st.integers(1, len(order)).map(lambda number: order[:number])
    ),
    values=st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=1, max_size=30),
    is_shuffled=st.booleans(),
    data=st.data(),
)
def test_pipelines_that_share_their_functions_have_no_skew(
    steps: list[int], values: list[float | None], data: st.DataObject, *, is_shuffled: bool
) -> None:
    """Whatever they do to each row by itself, whatever training holds, in whatever order."""
    labels = data.draw(st.permutations(range(len(values)))) if is_shuffled else range(len(values))
    table = pd.DataFrame({"x": pd.Series(values, dtype="float64"), "n": range(len(values)), "label": 0}).iloc[
        list(labels)
    ]

    def pipeline(rows: pd.DataFrame) -> pd.DataFrame:
        for number in steps:
            try:
                rows = _STEPS[number](rows)
            except KeyError:
                # A step before has renamed its column.
                continue
        return rows

    report = compare(pipeline, pipeline, table)

    assert report.divergence is None
