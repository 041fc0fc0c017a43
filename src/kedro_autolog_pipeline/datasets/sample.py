"""Take the first rows of a dataset's data."""

from __future__ import annotations

from typing import Any

SAMPLE_ROWS = 300
"""Rows of the request data that packaging looks at: enough for every category of a usual table to appear, few enough
to cost nothing."""

EXAMPLE_ROWS = 5
"""Rows of an input example, which MLflow would store whole."""


def take_sample(data: Any, rows: int = SAMPLE_ROWS) -> Any:
    """Return the first rows of data, in the type that it has, or all of it when it has no rows.

    ``head`` is the way of pandas and Polars, but Spark's gives a list of rows; ``limit`` is the way of Spark and Ibis,
    ``slice`` that of PyArrow.
    """
    for method, arguments in (("head", (rows,)), ("limit", (rows,)), ("slice", (0, rows))):
        try:
            first = getattr(data, method)(*arguments)
        except Exception:  # noqa: BLE001, S112 - a method of that name may be about anything
            continue
        if type(first) is type(data):
            return first
    if isinstance(data, (list, tuple)) or (hasattr(data, "shape") and getattr(data, "ndim", 0) > 0):
        return data[:rows]
    return data
