"""Tests of serving.tracing: real traces in a real store."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from kedro.pipeline import Pipeline, node
from mlflow import MlflowClient
from mlflow.entities import Trace

from kedro_autolog_pipeline.serving.tracing import TRACE_VARIABLE, VALUES_VARIABLE
from model_package import predictor, write_model_package


def _scale(rows: pd.DataFrame, scaler: dict[str, float]) -> Iterator[pd.Series]:
    yield rows["x"] * 0
    yield rows["x"] - scaler["mean"]


def _split(scaled: pd.Series, offset: float) -> tuple[np.ndarray[Any, Any], str]:
    if offset < 0:
        raise ValueError("offset is negative")
    return scaled.to_numpy() + offset, "secret words"


def _count(values: np.ndarray[Any, Any]) -> dict[str, int]:
    return {"n": len(values)}


PIPELINE = Pipeline(
    [
        node(_scale, ["rows", "scaler"], "scaled", name="scale"),
        node(_split, {"scaled": "scaled", "offset": "params:offset"}, ["values", "words"], name="split"),
        node(_count, "values", {"n": "number"}, name="count"),
    ]
)
ROWS = pd.DataFrame({"x": [1.5, 2.5], "name": ["Ada", "Bob"]})


@pytest.fixture
def store(clean_mlflow: None, database: Path, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    """Give a store in which MLflow has written each trace when its prediction returns, and tracing is asked for."""
    monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", "false")
    monkeypatch.setenv(TRACE_VARIABLE, "true")
    mlflow.set_tracking_uri(f"sqlite:///{database}")
    return MlflowClient()


def traces(store: MlflowClient) -> list[Trace]:
    """Give all traces."""
    return list(store.search_traces([each.experiment_id for each in store.search_experiments()]))


def loaded(directory: Path, **options: Any) -> Callable[..., Any]:
    """Load a package of the pipeline."""
    values: dict[str, Any] = {"parameters": {"params:offset": 1.0}, "artifacts": {"scaler": {"mean": 0.5}}}
    return predictor(write_model_package(directory / "package", PIPELINE, request=["rows"], **values, **options))


@pytest.mark.parametrize("runner", [None, "SequentialRunner"])
def test_a_prediction_is_a_trace_with_a_span_for_each_node(
    tmp_path: Path, store: MlflowClient, runner: str | None
) -> None:
    """Spans tell names, durations, and the types and shapes of what goes in and out; no value is in them."""
    outputs = loaded(tmp_path, runner=runner)(ROWS)

    assert {"number": 2, "words": "secret words"} == outputs
    (trace,) = traces(store)
    root, *nodes = trace.data.spans
    assert "predict" == root.name
    assert ["scale", "split", "count"] == [span.name for span in nodes]
    assert {root.span_id} == {span.parent_id for span in nodes}
    assert all(span.end_time_ns is not None for span in nodes)
    rows = {"type": "DataFrame", "shape": [2, 2], "columns": {"x": "float64", "name": str(ROWS["name"].dtype)}}
    series = {"type": "Series", "shape": [2], "dtype": "float64"}
    array = {"type": "ndarray", "shape": [2], "dtype": "float64"}
    words = {"type": "str", "length": 12}
    assert {"rows": rows} == root.inputs
    assert {"number": {"type": "int"}, "words": words} == root.outputs
    assert [
        {"rows": rows, "scaler": {"type": "dict", "length": 1}},
        {"scaled": series, "params:offset": {"type": "float"}},
        {"values": array},
    ] == [span.inputs for span in nodes]
    assert [{"scaled": series}, {"values": array, "words": words}, {"number": {"type": "int"}}] == [
        span.outputs for span in nodes
    ]
    assert "Ada" not in trace.to_json()
    assert "secret words" not in trace.to_json()


def test_values_are_in_a_trace_when_they_are_asked_for(
    tmp_path: Path, store: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request, what overrides a parameter, and what each node made of them."""
    monkeypatch.setenv(VALUES_VARIABLE, "1")

    loaded(tmp_path)(ROWS, {"offset": 3.0})

    (trace,) = traces(store)
    root, *_, count = trace.data.spans
    assert "Ada" in str(root.inputs["rows"])
    assert 3.0 == root.inputs["params:offset"]
    assert {"number": 2, "words": "secret words"} == root.outputs
    assert {"number": 2} == count.outputs


def test_a_node_that_fails_is_seen_in_the_trace(tmp_path: Path, store: MlflowClient) -> None:
    """Its span and the prediction's have the status ERROR, and the caller gets the error as without traces."""
    with pytest.raises(ValueError, match="offset is negative"):
        loaded(tmp_path)(ROWS, {"offset": -1.0})

    (trace,) = traces(store)
    assert ["ERROR", "OK", "ERROR"] == [span.status.status_code.value for span in trace.data.spans]


def test_nodes_of_threads_that_do_not_know_the_prediction_have_no_span(tmp_path: Path, store: MlflowClient) -> None:
    """With Kedro's ThreadRunner, a prediction is one trace and not one for each node."""
    loaded(tmp_path, runner="ThreadRunner")(ROWS)

    (trace,) = traces(store)
    assert "predict" == trace.data.spans[0].name


def test_without_the_variable_there_is_no_trace_and_nothing_in_a_call(
    tmp_path: Path, store: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not one line of the tracing module runs in a prediction."""
    monkeypatch.delenv(TRACE_VARIABLE)
    predict = loaded(tmp_path)
    files: set[str] = set()

    def note(frame: FrameType, event: str, argument: object) -> None:
        """Note where what is called is written."""
        files.add(Path(frame.f_code.co_filename).name)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        predict(ROWS)
    finally:
        sys.setprofile(before)

    assert "executor.py" in files
    assert "tracing.py" not in files
    assert [] == traces(store)
