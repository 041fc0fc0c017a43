"""Tests of datasets.noted_rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from kedro_autolog_pipeline.datasets.noted_rows import note_rows


def test_the_first_rows_are_copied() -> None:
    """What a node does to its table later does not change them."""
    table = pd.DataFrame({"x": range(1000)})

    noted = note_rows(table, [])
    table["x"] = 0

    assert noted is not None
    assert (300, 1000, False) == (len(noted.rows), noted.length, noted.has_labels)
    assert tuple(range(300)) == noted.positions
    assert list(range(300)) == noted.rows["x"].tolist()


def test_rows_with_labels_that_are_wanted_are_copied_too() -> None:
    """After a shuffle they may be anywhere."""
    column = pd.Series(range(1000), index=range(999, -1, -1))

    noted = note_rows(column, [0, 1, 999])

    assert noted is not None
    assert noted.has_labels
    assert (*range(300), 998, 999) == noted.positions
    assert [1, 0] == noted.rows.index[-2:].tolist()


@pytest.mark.parametrize(
    "value",
    [
        "a text",
        [1, 2],
        np.array(3.0),
        np.array([object()]),
        np.zeros((300, 2000)),
        pd.DataFrame(np.zeros((300, 2000))),
        pd.DataFrame({"image": [b"0" * 2**20] * 40}),
        pd.DataFrame({"x": [1]}, index=pd.MultiIndex.from_tuples([(1, 2)])),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_table_or_too_large_is_not_kept(value: Any) -> None:
    """A training has little memory to spare."""
    assert note_rows(value, []) is None
