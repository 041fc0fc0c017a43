"""Tests of ``verification/questions.py``."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from kedro.pipeline import Pipeline, node
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

from kedro_autolog_pipeline.rehearsal.comparison import first_difference
from kedro_autolog_pipeline.rehearsal.in_place_changes import digest
from kedro_autolog_pipeline.serving.model import PackagedPipelineModel
from kedro_autolog_pipeline.verification import optional_columns, questions
from kedro_autolog_pipeline.verification.optional_columns import find_columns, find_optional_columns
from kedro_autolog_pipeline.verification.questions import Interview, Search, as_request, made_up_request
from model_package import write_model_package

TABLE = pd.DataFrame({"x": [1, 2, 3], "y": [4.0, 5.0, 6.0]})


class Loaded:
    """A package without MLflow around it."""

    def __init__(self, package: Path) -> None:
        self._pipeline = PackagedPipelineModel.from_package(package)
        self._pipeline.load_context(None)  # type: ignore[arg-type]  # a package needs no context
        self.metadata = Model()

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        """Ask the pipeline."""
        return self._pipeline.predict(None, data, params)  # type: ignore[arg-type]  # nor here

    def unwrap_python_model(self) -> PackagedPipelineModel:
        """Give the pipeline."""
        return self._pipeline


def asked(
    directory: Path, function: Callable[..., Any], sample: Any = TABLE, budget: float = 60.0, **artifacts: Any
) -> dict[str, Any]:
    """Ask a model of one node, and give what it has answered."""
    pipeline = Pipeline([node(function, ["x", *artifacts], "y")])
    return answers_of(Loaded(write_model_package(directory / "package", pipeline, artifacts=artifacts)), sample, budget)


def answers_of(model: Loaded, sample: Any = TABLE, budget: float = 60.0) -> dict[str, Any]:
    """Ask a model all that its users will ask, and give what it has answered."""
    answers: dict[str, Any] = {}
    interview = Interview(
        model,
        sample,
        model.predict(sample),
        seconds=0.0,
        budget=budget,
        differ=first_difference,
        digest=digest,
        note=answers.__setitem__,
    )
    interview.ask(Search(find_optional_columns, find_columns))
    return answers


def test_what_a_call_changes_such_that_the_next_one_differs_is_copied(tmp_path: Path) -> None:
    """What a library adds to an artifact and would compute again changes no answer, and is shared."""

    def count(x: Any, seen: list[int], cache: dict[str, int]) -> Any:
        seen.append(len(x))
        cache["rows"] = len(x)
        return x * len(seen)

    answers = asked(tmp_path, count, seen=[], cache={})

    assert (["seen"], True) == (answers["copied"], answers["repeats"])
    assert "same" == answers["http"]


def test_what_only_remembers_is_shared(tmp_path: Path) -> None:
    """State that a prediction adds lazily is no reason to copy."""

    def predict(x: Any, cache: dict[str, int]) -> Any:
        cache.setdefault("rows", len(x))
        return x

    answers = asked(tmp_path, predict, cache={})

    assert ([], True) == (answers["copied"], answers["repeats"])


def test_a_model_that_does_not_repeat_itself_is_asked_no_more_about_values(tmp_path: Path) -> None:
    """Another random answer would tell nothing, and no column can be left out."""

    def noise(x: Any) -> Any:
        return x + int.from_bytes(os.urandom(4), "big")

    answers = asked(tmp_path, noise)

    assert ([], False) == (answers["copied"], answers["repeats"])
    assert {"http", "single_row", "empty"}.isdisjoint(answers)
    assert [] == answers["optional"]


def test_each_question_has_its_answer(tmp_path: Path) -> None:
    """Columns that are not needed, one row alone, no rows and a request in JSON are all tried."""
    answers = asked(tmp_path, lambda x: x[["x"]] * 2)

    assert {
        "copied": [],
        "repeats": True,
        "http": "same",
        "single_row": "same",
        "empty": "same",
        # The stand-in has no signature to make a request of.
        "example": None,
        "optional": ["y"],
        "optional_note": None,
        # Null in x is null in the answer.
        "nullable": ["y"],
        # Nor parameters.
        "parameters": None,
    } == answers


@pytest.mark.parametrize(
    ("declared", "function", "expected"),
    [
        (2, lambda x, factor: x * factor, "same"),
        (3, lambda x, factor: x * factor, "'factor' differs: "),
        (
            "two",
            lambda x, factor: x * int(factor),
            "'factor' fails: PredictionError: Cannot predict: the parameter 'factor' is an",
        ),
    ],
    ids=["the same", "another value", "another type"],
)
def test_each_parameter_is_given_the_value_that_it_has(
    tmp_path: Path, declared: Any, function: Callable[..., Any], expected: str
) -> None:
    """A caller who names it must get what is got without naming it."""
    pipeline = Pipeline([node(function, ["x", "params:factor"], "y")])
    model = Loaded(write_model_package(tmp_path / "package", pipeline, parameters={"params:factor": 2}))
    kind = DataType.string if isinstance(declared, str) else DataType.long
    model.metadata = Model(signature=ModelSignature(params=ParamSchema([ParamSpec("factor", kind, declared)])))

    assert answers_of(model)["parameters"].startswith(expected)


@pytest.mark.parametrize(
    ("function", "nullable"),
    [
        (lambda x: x[["n", "flag"]].fillna(0).astype("float64"), ["n", "m", "flag", "name"]),
        (lambda x: x["n"].map(str), ["m", "flag", "name"]),
        (lambda x: x["n"].astype("int64"), ["m", "flag", "name"]),
        (lambda x: x.dropna()[["n"]], []),
        (lambda x: x["n"] - x["n"].mean(), ["m", "flag", "name"]),
        (lambda x: {"n": x[["n"]].fillna(0), "m": [1] * len(x)}, ["n", "m", "flag", "name"]),
        (lambda x: x["flag"].map({True: 1, False: 0}), ["n", "m", "name"]),
    ],
    ids=["filled", "text of a number", "refused", "a row fewer", "other rows change", "several outputs", "lost"],
)
def test_null_may_stand_where_the_row_is_answered(
    tmp_path: Path, function: Callable[..., Any], nullable: list[str]
) -> None:
    """An error, a row fewer, a value that is lost, or another answer to another row: null may not stand there."""
    table = pd.DataFrame({"n": [1, 2, 5], "m": [3, 4, 6], "flag": [True, False, True], "name": ["a", "b", "c"]})

    answers = asked(tmp_path, function, table)

    assert nullable == answers["nullable"]


def test_a_single_row_with_null_tells_nothing_of_integers_that_floats_change(tmp_path: Path) -> None:
    """In a request with null, the integers beside it are floats."""
    answers = asked(tmp_path, lambda x: x["n"].map(str), pd.DataFrame({"n": [7]}))

    assert [] == answers["nullable"]


def test_null_over_http_is_tried_before_a_column_is_left_open(tmp_path: Path) -> None:
    """A single row with null, of which pandas knows no type, must be answered too."""

    def predict(x: Any) -> Any:
        if len(x) == 1 and x["n"].isna().any():
            message = "a batch of nothing"
            raise ValueError(message)
        return x[["n"]].fillna(0)

    pipeline = Pipeline([node(predict, "x", "y")])
    model = Loaded(write_model_package(tmp_path / "package", pipeline))
    schema = Schema([ColSpec(DataType.long, "n"), ColSpec(DataType.double, "m")])
    model.metadata = Model(signature=ModelSignature(inputs=schema))

    answers = answers_of(model, pd.DataFrame({"n": [1, 2], "m": [1.0, 2.0]}))

    assert ["m"] == answers["nullable"]


def test_a_request_is_made_up_of_the_types_of_the_columns() -> None:
    """Nobody's values; an open column takes a number; what names no columns gives none."""
    schema = Schema([ColSpec(kind, kind.name) for kind in DataType if kind is not DataType.binary])

    request = made_up_request(schema)

    assert request is not None
    (row,) = json.loads(request)["dataframe_split"]["data"]
    assert [False, 1, 1, 1.0, 1.0, "text", "2024-01-01T00:00:00"] == row
    assert made_up_request(None) is None
    assert made_up_request(Schema([ColSpec(DataType.double)])) is None


def test_what_differs_or_fails_is_said(tmp_path: Path) -> None:
    """The first error is named, without the data that MLflow adds to it."""

    def centre(x: Any) -> Any:
        if x.empty:
            message = "no rows\nat all"
            raise ValueError(message)
        return {"centred": x - x.mean()}

    answers = asked(tmp_path, centre)

    assert answers["http"].startswith("cannot be written: JSON has no form for its output (")
    assert answers["http"].endswith("); end the pipeline in one table, or in dictionaries and lists")
    assert "differs: row 0: key 'centred', item 0, key 'x' is -1.0 (live) and 0.0 (packaged)" == answers["single_row"]
    assert "fails: ValueError: no rows" == answers["empty"]


def test_a_question_without_an_end_is_answered_by_that(tmp_path: Path) -> None:
    """A node that catches whatever is raised and goes on is stopped as well."""

    def wait(x: Any) -> Any:
        while "y" not in x:
            try:
                time.sleep(10**6)
            except BaseException:
                if len(calls) > 1:
                    raise
                calls.append(1)
        return x[["y"]]

    calls: list[int] = []

    assert ["x"] == asked(tmp_path, wait)["optional"]


def test_what_is_printed_is_not_kept(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither what Python writes nor what a library writes past it."""

    def shout(x: Any) -> Any:
        if not loud or loud.pop():
            os.write(1, b"loud")
        return x

    loud = [False]
    asked(tmp_path, shout)

    assert "loud" not in capfd.readouterr().out


def test_a_question_for_which_there_is_no_time_is_left_out(tmp_path: Path) -> None:
    """What is not asked has no answer."""
    answers = asked(tmp_path, lambda x: x, budget=-1.0)

    assert {"http", "single_row", "empty"}.isdisjoint(answers)


def test_a_slow_model_is_asked_a_second_time_and_little_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a prediction of 20 seconds there are three: the columns that were not tried stay required, with a note."""
    clock = [0.0]
    stand_in = SimpleNamespace(monotonic=lambda: clock[0])
    monkeypatch.setattr(questions, "time", stand_in)
    monkeypatch.setattr(optional_columns, "time", stand_in)

    class Slow(Loaded):
        def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
            clock[0] += 20
            return super().predict(data, params)

    package = write_model_package(tmp_path / "package", Pipeline([node(lambda x: x, "x", "y")]))
    answers = answers_of(Slow(package), budget=5.0)

    # The first is the proof's, before any question.
    assert clock[0] <= 3 * 20
    assert (True, []) == (answers["repeats"], answers["optional"])
    assert {"http", "single_row", "empty", "parameters"}.isdisjoint(answers)
    assert answers["optional_note"].startswith("2 of 2 columns are required without a test: ")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            pd.DataFrame({"n": pd.array([1, None], dtype="Int64"), "when": pd.to_datetime(["2024-01-01", None])}),
            {"dataframe_split": {"columns": ["n", "when"], "data": [[1, "2024-01-01T00:00:00"], [None, None]]}},
        ),
        (
            pd.DataFrame({"price": [Decimal("1.5")], "tags": [["a", "b"]], "x": [np.nan]}),
            {"dataframe_split": {"columns": ["price", "tags", "x"], "data": [[1.5, ["a", "b"], None]]}},
        ),
        (np.eye(2), {"inputs": [[1.0, 0.0], [0.0, 1.0]]}),
        ({"a": pd.DataFrame({"x": [1]}), "b": 2}, {"inputs": {"a": {"x": [1]}, "b": 2}}),
    ],
    ids=["missing", "objects", "array", "several"],
)
def test_a_sample_is_written_as_a_client_would(data: Any, expected: Any) -> None:
    """Dates are ISO 8601, what is missing is null."""
    assert expected == json.loads(as_request(data))


@pytest.mark.parametrize(
    "data", [{1: 2}, [object()], {"a": float("inf")}], ids=["a number as key", "an object", "infinity"]
)
def test_what_json_has_no_form_for_is_refused(data: Any) -> None:
    """It cannot be sent."""
    with pytest.raises((TypeError, ValueError)):
        as_request(data)
