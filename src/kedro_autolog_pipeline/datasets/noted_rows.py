"""Keep some rows of what a node was given or has given, to be compared when the run has ended."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import attrs

from kedro_autolog_pipeline.datasets.sample import SAMPLE_ROWS

# The most that is kept of one dataset, which is small beside any training.
_MOST_VALUES = 500_000
_MOST_BYTES = 32 * 2**20


@attrs.frozen
class NotedRows:
    """Rows of a table, a column or an array, copied while the run had it.

    Attributes:
        rows: The first ones, and others whose labels were asked for, in their order.
        positions: The position of each in the whole.
        length: Rows of the whole.
        has_labels: Whether its index says more than the position.
    """

    rows: Any
    positions: tuple[int, ...]
    length: int
    has_labels: bool


def note_rows(value: Any, labels: Iterable[Any]) -> NotedRows | None:
    """Copy rows of a value.

    Args:
        value: What a node was given or has given.
        labels: Labels of rows that are wanted besides the first ones, where it has an index.

    Returns:
        None for what is no pandas table or column and no NumPy array, has two indices, or is too large.
    """
    pandas, numpy = sys.modules.get("pandas"), sys.modules.get("numpy")
    if pandas is not None and isinstance(value, pandas.DataFrame | pandas.Series):
        return _noted(value, labels)
    if numpy is not None and isinstance(value, numpy.ndarray) and value.ndim and not value.dtype.hasobject:
        rows = value[:SAMPLE_ROWS]
        if rows.size > _MOST_VALUES or rows.nbytes > _MOST_BYTES:
            return None
        return NotedRows(rows.copy(), tuple(range(len(rows))), len(value), has_labels=False)
    return None


def _noted(value: Any, labels: Iterable[Any]) -> NotedRows | None:
    import numpy as np
    import pandas as pd

    index = value.index
    if isinstance(index, pd.MultiIndex):
        return None
    has_labels = not (isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1)
    positions = np.arange(min(SAMPLE_ROWS, len(value)))
    if has_labels:
        positions = np.union1d(positions, np.flatnonzero(index.isin(list(labels)))[:SAMPLE_ROWS])
    rows = value.iloc[positions]
    if rows.size > _MOST_VALUES or np.sum(rows.memory_usage(deep=True)) > _MOST_BYTES:
        return None
    return NotedRows(rows.copy(), tuple(positions.tolist()), len(value), has_labels)
