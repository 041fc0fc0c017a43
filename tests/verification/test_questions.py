"""Tests of packaging.mutation."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from kedro.pipeline import Pipeline, node
from sklearn.preprocessing import LabelEncoder

from kedro_autolog_pipeline.rehearsal.in_place_changes import changed_constants


def constants() -> dict[str, Any]:
    """Give constants of several kinds, nobody else holding them."""
    encoder = LabelEncoder().fit(["b", "a"])
    encoder.classes_ = np.array(["b", "a"])
    return {
        "array": np.arange(6.0).reshape(2, 3).T,
        "encoder": encoder,
        "frame": pd.DataFrame({"x": [1.0, 2.0], "name": ["a", "b"]}),
        "nested": {"a": [1, {"b": 2}]},
        "rule": lambda value: value,
        "number": 3,
    }


def changed_by(*functions: Callable[..., Any], reads: str, sample: Any = 1) -> list[str]:
    """Run a chain whose first node reads the sample and one constant, and whose others read the one before."""
    names = [*(f"step_{i}" for i in range(1, len(functions))), "y"]
    first, *others = functions
    nodes = [node(first, ["x", reads], names[0], name="first")]
    nodes += [node(other, before, name) for other, before, name in zip(others, names, names[1:], strict=False)]
    return changed_constants(Pipeline(nodes), constants(), {"x": sample})


def sort_classes(x: int, encoder: LabelEncoder) -> int:
    """Sort in place what an encoder has learned."""
    encoder.classes_.sort()
    return x


def add_column(x: int, frame: pd.DataFrame) -> int:
    """Add a column in place."""
    frame["new"] = x
    return x


def deepen(x: int, nested: dict[str, Any]) -> int:
    """Change what is deep inside."""
    nested["a"][1]["b"] = 99
    return x


def attach(x: int, rule: Any) -> int:
    """Change a function, which only cloudpickle can pickle."""
    rule.seen = x
    return x


def add_one(values: Any) -> Any:
    """Change an array in place."""
    values += 1
    return values


@pytest.mark.parametrize(
    ("functions", "reads"),
    [
        ([sort_classes], "encoder"),
        ([add_column], "frame"),
        ([deepen], "nested"),
        ([attach], "rule"),
        ([lambda _, array: {"array": array}, lambda wrapped: add_one(wrapped["array"])], "array"),
        ([lambda _, array: array[:1], add_one], "array"),
    ],
    ids=["attribute", "frame", "deep inside", "function", "inside a new object", "view"],
)
def test_a_constant_that_a_call_changes_is_named(functions: list[Callable[..., Any]], reads: str) -> None:
    """It is named however the node gets at it, and no other constant is."""
    assert [reads] == changed_by(*functions, reads=reads)


def test_constants_that_are_only_read_are_not_named() -> None:
    """Predicting, selecting and computing change nothing."""
    pipeline = Pipeline(
        [
            node(lambda x, encoder: encoder.inverse_transform(x), ["x", "encoder"], "names"),
            node(lambda names, frame: frame[frame["name"].isin(names)], ["names", "frame"], "rows"),
            node(lambda rows, array, number: array[0] + number + len(rows), ["rows", "array", "number"], "y"),
            node(lambda nested, rule: rule(nested["a"][1]), ["nested", "rule"], "z"),
        ]
    )

    assert changed_constants(pipeline, constants(), {"x": [0, 1]}) == []


def test_the_sample_stays_as_it_is() -> None:
    """A node that changes the request does not change what the proof will use."""
    sample = pd.DataFrame({"x": [1]})

    changed_by(lambda x, number: x.insert(0, "new", number) or x, reads="number", sample=sample)

    assert list(sample.columns) == ["x"]


def test_what_cannot_be_pickled_is_not_named() -> None:
    """It could not be copied either, so that naming it would break the model."""
    lock = threading.Lock()

    def use(x: int, held: dict[str, Any]) -> int:
        held["x"] = x
        return x

    pipeline = Pipeline([node(use, ["x", "held"], "y")])

    assert changed_constants(pipeline, {"held": {"lock": lock}}, {"x": 1}) == []


@pytest.mark.parametrize("make", [np.zeros, bytearray], ids=["array", "bytes"])
def test_a_large_constant_is_not_held_twice(make: Callable[[int], Any]) -> None:
    """Comparing costs a digest's time, and no memory to speak of."""
    size = 50 * 2**20
    pipeline = Pipeline([node(lambda x, large: x + len(large), ["x", "large"], "y")])
    large = make(size)
    tracemalloc.start()
    try:
        changed_constants(pipeline, {"large": large}, {"x": 1})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < size / 10
