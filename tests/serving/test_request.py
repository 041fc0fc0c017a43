"""Tests of serving.request."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from kedro_autolog_pipeline.errors import PredictionError
from kedro_autolog_pipeline.serving.frames import Frame
from kedro_autolog_pipeline.serving.request import answer, request_values

FRAME = pd.DataFrame({"v": [1, 2]})


@pytest.mark.parametrize("data", [3, "text", [1, 2], {"y": 1}, None, FRAME], ids=lambda data: type(data).__name__)
def test_one_input_is_taken_as_it_is(data: Any) -> None:
    """A model of one input takes whatever its pipeline takes, a dictionary included."""
    assert data is request_values(data, ["x"], frames={})["x"]


@pytest.mark.parametrize(
    "data",
    [
        {"v": [1, 2]},
        {"v": np.array([1, 2])},
        [{"v": 1}, {"v": 2}],
        np.array({"v": [1, 2]}, dtype=object),
        np.array([{"v": 1}, {"v": 2}], dtype=object),
        FRAME,
    ],
    ids=["columns", "arrays", "rows", "columns in an array", "rows in an array", "frame"],
)
def test_what_json_has_becomes_the_frame_that_it_stands_for(data: Any) -> None:
    """MLflow's server gives dictionaries and lists, in NumPy's arrays, where the pipeline takes a DataFrame."""
    values = request_values({"a": data, "b": [1]}, ["a", "b"], frames={"a": Frame()})

    assert FRAME.equals(values["a"])
    assert [1] == values["b"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (FRAME, "the model has 2 inputs, and got one 'DataFrame'. Give a dictionary with the keys 'a', 'b'."),
        ({"a": 1}, "the request does not give 'b'. Give a dictionary with the keys 'a', 'b'."),
        ({"a": 1, "b": 2, "bb": 3}, "the model has no input 'bb'. Did you mean 'b'?"),
        ({"a": 1, "b": 2, "zz": 3}, "the model has no input 'zz'. There are: 'a', 'b'."),
    ],
    ids=["bare", "missing", "misspelt", "unknown"],
)
def test_a_request_that_does_not_fit_is_told(data: Any, message: str) -> None:
    """What is missing or too much is named."""
    with pytest.raises(PredictionError) as raised:
        request_values(data, ["a", "b"], frames={})
    assert str(raised.value) == f"Cannot predict: {message}"


def test_columns_have_the_types_that_they_had_in_the_project() -> None:
    """What MLflow and JSON have no type for is made of what arrives; a column that is not given is no concern."""
    types = {"v": "Int64", "kind": "category", "at": "datetime64[us, UTC]", "absent": "int8"}
    arrived = pd.DataFrame({"v": [1, None], "kind": ["a", "b"], "at": ["2024-01-01T00:00:00+00:00"] * 2}, dtype=object)

    restored = request_values(arrived, ["x"], frames={"x": Frame(column_types=types)})["x"]

    assert ["Int64", "category", "datetime64[us, UTC]"] == [str(kind) for kind in restored.dtypes]
    assert [1, pd.NA] == restored["v"].tolist()
    assert restored is request_values(restored, ["x"], frames={"x": Frame(column_types=types)})["x"]
    with pytest.raises(PredictionError) as raised:
        request_values(pd.DataFrame({"v": ["one"]}), ["x"], frames={"x": Frame(column_types=types)})
    assert str(raised.value) == (
        "Cannot predict: column 'v' does not hold values of type Int64. Send values that pandas reads as Int64."
    )
    assert 3 == request_values(3, ["x"], frames={"x": Frame(column_types=types)})["x"]


def test_columns_that_make_no_frame_are_told() -> None:
    """Columns of two lengths name the dataset."""
    with pytest.raises(PredictionError, match=r"'x' is a DataFrame, and its columns do not make one"):
        request_values({"v": [1, 2], "w": [1]}, ["x"], frames={"x": Frame()})
    assert "not columns" == request_values("not columns", ["x"], frames={"x": Frame()})["x"]


def test_several_tables_of_polars_come_from_json() -> None:
    """Each becomes what its node takes, be it sent as columns or as rows."""
    table = pl.DataFrame({"n": pl.Series([1, None], dtype=pl.Int8)})
    frame = Frame.of(table, {})
    assert frame is not None
    sent = {"a": {"n": np.asarray([1, None], dtype=object)}, "b": [{"n": 1}, {"n": None}]}

    values = request_values(sent, ["a", "b"], frames={"a": frame, "b": frame})

    assert table.equals(values["a"])
    assert table.equals(values["b"])


def test_answers_are_tables_of_pandas_unless_others_were_sent() -> None:
    """MLflow carries those of pandas alone, and who sends Polars' wants them back."""
    table = pl.DataFrame({"n": [1]})

    assert isinstance(answer({"y": table}, [1])["y"], pd.DataFrame)
    assert isinstance(answer({"y": table}, {"a": [1], "b": 2})["y"], pd.DataFrame)
    assert answer({"y": table}, table)["y"] is table
    assert answer({"y": table}, {"a": table, "b": 2})["y"] is table
