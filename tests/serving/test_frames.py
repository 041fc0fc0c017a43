"""Tables of other libraries become pandas' and come back as they were."""

from __future__ import annotations

import datetime as dt
import gc
import weakref
from decimal import Decimal
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from kedro_autolog_pipeline.errors import PredictionError
from kedro_autolog_pipeline.serving.frames import Frame, FrameKind, as_pandas

MOMENT = pd.Timestamp("2026-01-01 03:00").to_pydatetime()

TABLE = pl.DataFrame(
    {
        "small": pl.Series([1, None], dtype=pl.Int8),
        "large": pl.Series([1, 2**64 - 1], dtype=pl.UInt64),
        "text": ["a", None],
        "category": pl.Series(["u", "v"], dtype=pl.Categorical),
        "choice": pl.Series(["u", "v"], dtype=pl.Enum(["u", "v", "w"])),
        "day": [dt.date(2026, 1, 1), None],
        "moment": [MOMENT, None],
        "zoned": pl.Series([MOMENT, None]).dt.replace_time_zone("UTC"),
        "clock": [dt.time(3), None],
        "duration": [dt.timedelta(1), None],
        "flag": [True, None],
        "list": [[1, 2], None],
        "object": [{"a": 1}, {"a": None}],
        "price": [Decimal("1.50"), None],
        "bytes": [b"x", None],
        "nothing": pl.Series([None, None], dtype=pl.Null),
    }
)


def there_and_back(data: Any) -> Any:
    """Send a table as MLflow carries it."""
    frame = Frame.of(data, {})
    assert frame is not None
    assert Frame.from_state(frame.to_state()) == frame
    return frame.from_pandas(as_pandas(data))


# PyArrow with the newest pandas.
@pytest.mark.filterwarnings("ignore:Series.values returning:DeprecationWarning")
@pytest.mark.parametrize("column", TABLE.columns)
def test_a_column_of_polars_comes_back_with_its_type_and_its_values(column: str) -> None:
    """What pandas has no type for included, such as integers of which one is missing."""
    table = TABLE[[column]]

    back = there_and_back(table)

    assert table.schema == back.schema
    assert table.equals(back)


def test_tables_come_back_as_what_they_were() -> None:
    """Lazy, Arrow's, pandas'."""
    table = TABLE[["small", "text"]]

    assert table.equals(there_and_back(table.lazy()).collect())
    assert table.to_arrow().equals(there_and_back(table.to_arrow()))
    assert table.to_pandas().equals(there_and_back(table.to_pandas()))


def test_columns_that_were_not_there_and_columns_that_are_left_out_do_no_harm() -> None:
    """The first get the type that Arrow finds."""
    frame = Frame.of(TABLE[["small", "text"]], {})
    assert frame is not None

    table = frame.from_pandas(pd.DataFrame({"small": [1.0, None], "new": [0.5, None]}))

    assert table.equals(pl.DataFrame({"small": pl.Series([1, None], dtype=pl.Int8), "new": [0.5, None]}))


def test_a_value_that_has_no_form_in_the_columns_type_is_refused() -> None:
    """The message names the column and its type, and no value."""
    frame = Frame.of(TABLE[["small", "text"]], {})
    assert frame is not None

    with pytest.raises(
        PredictionError, match=r"column 'small' does not hold values of type int8\. Send values that"
    ) as error:
        frame.from_pandas(pd.DataFrame({"small": ["secret"], "text": ["a"]}))

    assert "secret" not in str(error.value)


def test_what_is_no_table_stays_as_it_is() -> None:
    """A column of Polars' becomes one of pandas', in which answers are written."""
    objects = pl.DataFrame({"x": pl.Series([object()], dtype=pl.Object)})

    assert (None, None) == (FrameKind.of([1]), Frame.of([1], {}))
    assert [1] == as_pandas([1])
    assert [1, 2] == as_pandas(pl.Series([1, 2])).tolist()
    assert FrameKind.ARROW is FrameKind.of(pa.table({"x": [1]}))
    assert as_pandas(objects) is objects or isinstance(as_pandas(objects), pd.DataFrame)


def test_a_class_is_looked_up_once_and_forgotten_with_its_model() -> None:
    """A class that is derived from a table is that kind of table, and what is remembered of it does not keep it."""

    def kinds() -> tuple[weakref.ref[type], list[FrameKind | None]]:
        class Scores(pd.DataFrame):  # type: ignore[misc]  # pandas ships no types
            pass

        return weakref.ref(Scores), [FrameKind.of(Scores({"a": [1]})) for _ in range(2)]

    scores, found = kinds()
    gc.collect()

    assert [FrameKind.PANDAS] * 2 == found
    assert scores() is None
