"""Tests of packaging.sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from kedro_autolog_pipeline.datasets.sample import take_sample


class Stack:
    """Has methods of the names that tables have, for something else."""

    def head(self) -> int:
        """Give the uppermost item."""
        return 1

    def limit(self, most: int) -> list[int]:
        """Give so many items."""
        return [1] * most


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (list(range(9)), [0, 1, 2]),
        ((1, 2, 3, 4), (1, 2, 3)),
        ("a sentence", "a sentence"),
        ({"a": 1, "b": 2, "c": 3, "d": 4}, {"a": 1, "b": 2, "c": 3, "d": 4}),
        (7, 7),
        (np.float64(1.5), np.float64(1.5)),
        (pa.table({"x": range(9)}), pa.table({"x": range(3)})),
    ],
    ids=["list", "tuple", "text", "dictionary", "number", "array without axes", "PyArrow"],
)
def test_a_sample_is_the_first_rows_where_there_are_rows(data: Any, expected: Any) -> None:
    """Sequences and tables are cut; what has no rows is taken whole."""
    assert expected == take_sample(data, 3)


def test_a_sample_of_a_frame_or_an_array_is_its_first_rows() -> None:
    """Frames and arrays are cut at their first axis."""
    frame = pd.DataFrame({"x": range(9)}, index=range(9, 18))
    pd.testing.assert_frame_equal(frame.iloc[:3], take_sample(frame, 3))
    np.testing.assert_array_equal(np.arange(6).reshape(3, 2), take_sample(np.arange(18).reshape(9, 2), 3))


def test_a_method_that_gives_something_else_is_not_asked_for_rows() -> None:
    """An object keeps its type: what only has a method of that name is taken whole."""
    stack = Stack()
    assert stack is take_sample(stack, 3)
