"""Tests of run.metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import node

from kedro_autolog_pipeline.run.journal import Journal
from kedro_autolog_pipeline.run.metrics import MetricNotes, measured_on, read_metrics
from kedro_autolog_pipeline.tracking.run_inputs import RunInput

TABLE = RunInput("test", "1a2b", "code", "{}", None, '{"num_rows": 3}', "eval")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (0.5, [("metrics", 0.5, 0)]),
        (np.float32(0.5), [("metrics", 0.5, 0)]),
        (np.array(2), [("metrics", 2.0, 0)]),
        ([3, 2], [("metrics", 3.0, 0), ("metrics", 2.0, 1)]),
        ({"rmse[%]": 1}, [("rmse___", 1.0, 0)]),
        ({"a": {"b": 1, "c": [1.5, True]}, 2: 4}, [("a.b", 1.0, 0), ("a.c", 1.5, 0), ("a.c", 1.0, 1), ("2", 4.0, 0)]),
    ],
)
def test_numbers_are_named_by_their_path_and_lists_are_steps(data: Any, expected: list[Any]) -> None:
    """A number without a name has that of its dataset; what MLflow refuses in a name is replaced."""
    noted = read_metrics("metrics", data, [])

    assert ([], expected) == (noted.faults, [(each.key, each.value, each.step) for each in noted.values])


@pytest.mark.parametrize(
    ("data", "faults", "logged"),
    [
        ({"a": "good", "b": 1}, ["'a' of 'metrics' holds the text 'good', which is no number and is not logged."], 1),
        ({"a": None}, ["'a' of 'metrics' holds a value of type 'NoneType', which is no number and is not logged."], 0),
        ([1, "x", "y"], ["'metrics' holds the text 'x', which is no number and is not logged."], 1),
        (10**400, ["'metrics' holds a value of type 'int', which is no number and is not logged."], 0),
        ({"a": float("nan")}, ["'a' of 'metrics' is nan, which is not logged."], 0),
        ([1, float("-inf"), 2], ["'metrics' is -inf, which is not logged."], 2),
        ({}, ["'metrics' holds no number, so nothing is logged of it."], 0),
        ({"a": []}, ["'metrics' holds no number, so nothing is logged of it."], 0),
        (np.zeros(2), ["'metrics' holds a value of type 'ndarray', which is no number and is not logged."], 0),
        ([0.0] * 10_001, ["'metrics' has 10001 steps, of which the first 10000 are logged."], 10_000),
    ],
)
def test_what_is_no_finite_number_is_told(data: Any, faults: list[str], logged: int) -> None:
    """The others are logged all the same."""
    noted = read_metrics("metrics", data, [])

    assert (faults, logged) == (noted.faults, len(noted.values))


def test_metrics_are_noted_when_their_node_has_given_them(tmp_path: Path) -> None:
    """With what the node has read; other datasets are none of ours, and a full disk does not stop the training."""
    journal = Journal(tmp_path / "journal")
    evaluate = node(lambda *_: None, ["test@pandas", "model"], ["metrics", "report"], name="evaluate")

    catalog = DataCatalog({"metrics": MemoryDataset()})
    MetricNotes(catalog, frozenset({"metrics"}), journal).note(evaluate, {"metrics": {"rmse": 0.1}, "report": 3})
    MetricNotes(catalog, frozenset({"metrics"}), Journal(tmp_path)).note(evaluate, {"metrics": 1})

    (noted,) = journal.read().metrics.values()
    assert (["rmse"], ["test", "model"]) == ([each.key for each in noted.values], noted.read_with)


@pytest.mark.parametrize(
    ("read_with", "expected"), [(["test", "model"], TABLE), (["test", "other"], None), (["model"], None), (["x"], None)]
)
def test_metrics_are_measured_on_the_only_table(read_with: list[str], expected: RunInput | None) -> None:
    """Of several nobody can tell which it is."""
    model = RunInput("model", "3c4d", "local", "{}", None, None, "training")
    inputs = {"test": TABLE, "other": TABLE, "model": model}

    assert expected == measured_on(read_metrics("metrics", 1, read_with), inputs)
