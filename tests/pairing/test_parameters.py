"""Tests of packaging.parameters."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kedro.io import DataCatalog, MemoryDataset

from kedro_autolog_pipeline.pairing.parameters import callers_name, read_parameters

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def catalog(value: Any) -> DataCatalog:
    """Give a catalog with one parameter."""
    return DataCatalog({"params:p": MemoryDataset(value)})


@given(value=JSON.filter(lambda value: value is not None))
def test_plain_data_is_kept_as_it_is(value: Any) -> None:
    """Any JSON value is read as the run had it."""
    assert read_parameters(["params:p"], catalog(value), dict) == ({"params:p": value}, [])


@pytest.mark.parametrize(
    "value", [(1, 2), {1: "a"}, [{"a": (1,)}], {1, 2}, date(2026, 1, 1), NotImplemented, b"bytes"], ids=repr
)
def test_what_json_would_change_is_refused_by_name(value: Any) -> None:
    """A value that would come back different is named, not changed."""
    assert read_parameters(["params:p"], catalog(value), dict) == ({}, ["params:p"])


@pytest.mark.parametrize("value", [math.nan, [math.nan, 1.0], {"a": {"b": math.nan}}], ids=repr)
def test_not_a_number_is_kept(value: Any) -> None:
    """It survives JSON as Python has it, although it is not equal to itself."""
    values, refused = read_parameters(["params:p"], catalog(value), dict)

    assert repr(value) == repr(values["params:p"])
    assert refused == []


def test_a_value_that_is_too_deep_for_json_is_refused() -> None:
    """It is refused like any other value that cannot be kept."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    catalog_of_it = DataCatalog({"params:p": MemoryDataset(deep, copy_mode="assign")})

    assert read_parameters(["params:p"], catalog_of_it, dict) == ({}, ["params:p"])


def test_a_typed_value_is_read_from_the_files_that_it_was_made_of() -> None:
    """Kedro 1.3+ may hold an object in the catalog; the package keeps the plain data behind it."""
    files = {"model": {"options": {"depth": 3}}, "other": 1}
    names = ["params:model.options", "params:missing.options", "parameters"]
    objects = DataCatalog({name: MemoryDataset(object(), copy_mode="assign") for name in names})

    values, refused = read_parameters(names, objects, lambda: files)

    assert values == {"params:model.options": {"depth": 3}, "parameters": files}
    assert refused == ["params:missing.options"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("params:a.b", "a.b"), ("parameters", "parameters"), ("params:params:x", "params:x")],
)
def test_a_caller_names_a_parameter_without_kedros_prefix(name: str, expected: str) -> None:
    """`params:threshold` is `threshold` to whoever calls predict."""
    assert expected == callers_name(name)
