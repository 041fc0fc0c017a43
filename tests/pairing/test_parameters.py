"""Tests of pairing.parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kedro.io import DataCatalog, MemoryDataset

from kedro_autolog_pipeline.pairing.parameters import ParameterValues, callers_name, read_parameters

ARRAY = np.array([1.0, 2.0])
TABLE = pd.DataFrame({"a": [1, 2]})


@dataclass
class Options:
    """Typed parameters."""

    depth: int


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def catalog(value: Any) -> DataCatalog:
    """Return a catalog with one parameter."""
    return DataCatalog({"params:p": MemoryDataset(value)})


@given(value=JSON.filter(lambda value: value is not None))
def test_plain_data_is_kept_as_it_is(value: Any) -> None:
    """Any JSON value is read as the run had it."""
    assert read_parameters(["params:p"], catalog(value), dict) == ParameterValues({"params:p": value}, {})


@pytest.mark.parametrize(
    "value", [(1, 2), {1: "a"}, [{"a": (1,)}], {1, 2}, date(2026, 1, 1), b"bytes", Options, len], ids=repr
)
def test_what_json_would_change_is_kept_as_it_is(value: Any) -> None:
    """A value that would come back different is told from plain data, and not changed."""
    assert read_parameters(["params:p"], catalog(value), dict) == ParameterValues({}, {"params:p": value})


def test_tables_and_arrays_are_kept_as_they_are() -> None:
    """They are no plain data either."""
    tables = DataCatalog({"params:a": MemoryDataset(ARRAY), "params:t": MemoryDataset(TABLE)})

    read = read_parameters(["params:a", "params:t"], tables, dict)

    assert {} == read.plain
    np.testing.assert_array_equal(ARRAY, read.objects["params:a"])
    pd.testing.assert_frame_equal(TABLE, read.objects["params:t"])


def test_scalars_of_numpy_are_plain_numbers() -> None:
    """What a resolver has computed is a number as any other, also within a dictionary or a list."""
    value = {"a": np.float64(0.1), "b": [np.int32(3), np.bool_(True)], "c": np.float32(0.5), "d": np.str_("x")}  # noqa: FBT003 - NumPy's own

    plain = read_parameters(["params:p"], catalog(value), dict).plain["params:p"]

    assert {"a": 0.1, "b": [3, True], "c": 0.5, "d": "x"} == plain
    assert [float, list, float, str] == [type(item) for item in plain.values()]
    assert [int, bool] == [type(item) for item in plain["b"]]


def test_a_scalar_of_numpy_that_is_no_plain_one_stays() -> None:
    """A date of NumPy's stays what it is."""
    day = np.datetime64("2026-01-01")

    assert {"params:p": day} == read_parameters(["params:p"], catalog(day), dict).objects


@pytest.mark.parametrize("value", [math.nan, [math.nan, 1.0], {"a": {"b": math.nan}}], ids=repr)
def test_not_a_number_is_kept(value: Any) -> None:
    """It survives JSON as Python has it, although it is not equal to itself."""
    read = read_parameters(["params:p"], catalog(value), dict)

    assert repr(value) == repr(read.plain["params:p"])
    assert {} == read.objects


def test_a_typed_value_is_read_from_the_files_that_it_was_made_of() -> None:
    """Kedro 1.3+ may hold an object in the catalog; the package keeps the plain data behind it."""
    files = {"model": {"options": {"depth": 3}}, "other": 1}
    names = ["params:model.options", "params:missing.options", "parameters"]
    typed = {"params:model.options": Options(3), "params:missing.options": Options(4), "parameters": {"m": Options(3)}}
    objects = DataCatalog({name: MemoryDataset(value) for name, value in typed.items()})

    read = read_parameters(names, objects, lambda: files)

    assert read.plain == {"params:model.options": {"depth": 3}, "parameters": files}
    assert read.objects == {"params:missing.options": Options(4)}


def test_a_hook_that_puts_an_object_beside_the_files_is_heard() -> None:
    """What the catalog holds counts, where Kedro did not make it of the files."""
    read = read_parameters(["params:p"], catalog((1, 2)), lambda: {"p": [1, 2]})

    assert {"params:p": (1, 2)} == read.objects


@pytest.mark.parametrize(
    ("name", "expected"),
    [("params:a.b", "a.b"), ("parameters", "parameters"), ("params:params:x", "params:x")],
)
def test_a_caller_names_a_parameter_without_kedros_prefix(name: str, expected: str) -> None:
    """`params:threshold` is `threshold` to whoever calls predict."""
    assert expected == callers_name(name)
