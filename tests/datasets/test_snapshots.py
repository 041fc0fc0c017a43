"""Tests of packaging.snapshots."""

from __future__ import annotations

import base64
import io
import pickle
from copy import copy
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from kedro_autolog_pipeline.datasets.snapshots import snapshot_modules, write_snapshot
from kedro_autolog_pipeline.serving.snapshots import SnapshotFormat, read_snapshot


class Encoder:
    """An object of a class of its own."""

    def __init__(self, codes: list[int]) -> None:
        self.codes = codes


def round_trip(value: Any, directory: Path) -> tuple[SnapshotFormat, Any]:
    """Write and read a value; gives the format, too."""
    file, form = write_snapshot("data", value, directory)
    assert [file] == list(directory.iterdir())
    return form, read_snapshot(file, form)


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ({"a": [1, 2.5, None, True, "é"], "b": {}}, SnapshotFormat.JSON),
        ("text", SnapshotFormat.JSON),
        (float("inf"), SnapshotFormat.JSON),
        ([-0.0], SnapshotFormat.JSON),
        ((1, 2), SnapshotFormat.PICKLE),
        ([(1, 2)], SnapshotFormat.PICKLE),
        ({1: "a"}, SnapshotFormat.PICKLE),
        ({"when": date(2026, 1, 1)}, SnapshotFormat.PICKLE),
        ({"a"}, SnapshotFormat.PICKLE),
        ([np.float64(1.5)], SnapshotFormat.PICKLE),
        (np.float64(1.5), SnapshotFormat.PICKLE),
        (pd.Series([1]), SnapshotFormat.PICKLE),
    ],
    ids=repr,
)
def test_a_value_is_kept_in_the_plainest_format_that_holds_it(tmp_path: Path, value: Any, form: SnapshotFormat) -> None:
    """Plain data are JSON; what JSON would turn into something else is pickled."""
    kept, read = round_trip(value, tmp_path)

    assert form is kept
    assert repr(value) == repr(read)


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (np.arange(6, dtype="int16").reshape(2, 3), SnapshotFormat.NPY),
        (np.array([np.nan, -0.0]), SnapshotFormat.NPY),
        (np.array([("a", 1)], dtype=[("name", "U3"), ("n", "i4")]), SnapshotFormat.NPY),
        (np.array(["2026-01-01"], dtype="datetime64[D]"), SnapshotFormat.NPY),
        (np.array([{"a": 1}, None], dtype=object), SnapshotFormat.PICKLE),
        (np.ma.masked_array([1, 2], mask=[True, False]), SnapshotFormat.PICKLE),
        (np.array([1], dtype=np.dtype("i4", metadata={"unit": "cm"})), SnapshotFormat.PICKLE),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_an_array_comes_back_in_every_bit(tmp_path: Path, value: Any, form: SnapshotFormat) -> None:
    """Arrays are NPY; what NPY has no room for is pickled."""
    kept, read = round_trip(value, tmp_path)

    assert form is kept
    assert value.dtype == read.dtype
    assert value.dtype.metadata == read.dtype.metadata
    assert pickle.dumps(value.tolist()) == pickle.dumps(read.tolist())


def frames() -> dict[str, tuple[pd.DataFrame, SnapshotFormat]]:
    """Give frames of many kinds, and the format that holds each."""
    days = pd.date_range("2026-01-01", periods=2, freq="D", unit="ns")
    attributed = pd.DataFrame({"a": [1]})
    attributed.attrs = {"unit": "cm"}
    tupled = pd.DataFrame({"a": [1]})
    tupled.attrs = {"range": (1, 2)}
    unique = pd.DataFrame({"a": [1]}).set_flags(allows_duplicate_labels=False)
    plain, pickled = SnapshotFormat.PARQUET, SnapshotFormat.PICKLE
    return {
        "numbers": (pd.DataFrame({"a": np.array([1], "int8"), "b": [np.nan]}, index=[7]), plain),
        "nullable": (pd.DataFrame({"a": pd.array([1, None], "Int64"), "b": pd.array([True, None], "boolean")}), plain),
        "strings": (pd.DataFrame({"a": pd.array(["x", None], "string")}), plain),
        "zones": (pd.DataFrame({"a": days.tz_localize("Europe/Paris")}), plain),
        "categories": (pd.DataFrame({"a": pd.Categorical(["x"], ["y", "x"], ordered=True)}), plain),
        "two levels": (
            pd.DataFrame({"a": [1, 2]}, index=pd.MultiIndex.from_tuples([(1, "x"), (2, "y")], names=["n", None])),
            plain,
        ),
        "attributes": (attributed, plain),
        "no rows": (pd.DataFrame({"a": np.array([], "float32")}), plain),
        "column order": (pd.DataFrame({"b": [1], "a": [2]}), plain),
        "bytes": (pd.DataFrame({"a": [b"x", None]}, dtype=object), plain),
        "attributes that JSON changes": (tupled, pickled),
        "no duplicate labels": (unique, pickled),
        "a frequency": (pd.DataFrame({"a": [1, 2]}, index=days), pickled),
        "same names": (pd.DataFrame([[1, 2]], columns=["a", "a"]), pickled),
        "mixed": (pd.DataFrame({"a": [1, "x"]}, dtype=object), pickled),
        "numbers as objects": (pd.DataFrame({"a": [1, 2]}, dtype=object), pickled),
        "lists": (pd.DataFrame({"a": [[1], [2, 3]]}), pickled),
        "tuples": (pd.DataFrame({"a": [(1,), (2,)]}), pickled),
        "dates": (pd.DataFrame({"a": [date(2026, 1, 1)]}), pickled),
        "names that are dates": (pd.DataFrame([[1, 2]], columns=days), pickled),
        "seconds": (pd.DataFrame({"a": np.array(["2026-01-01"], "datetime64[s]")}), pickled),
        "complex": (pd.DataFrame({"a": [1j]}), pickled),
    }


@pytest.mark.parametrize("name", frames())
def test_a_frame_comes_back_equal(tmp_path: Path, name: str) -> None:
    """Types, index, column order, categories and attributes come back; a frame that would lose any is pickled."""
    frame, form = frames()[name]

    kept, read = round_trip(frame, tmp_path)

    assert form is kept
    pd.testing.assert_frame_equal(frame, read, check_exact=True, check_freq=True)
    assert repr(frame.attrs) == repr(read.attrs)
    assert frame.flags.allows_duplicate_labels == read.flags.allows_duplicate_labels


def test_categories_keep_their_order_although_types_compare_equal(tmp_path: Path) -> None:
    """Pandas calls two unordered categorical types equal whose codes mean something else."""
    frame = pd.DataFrame({"a": pd.Categorical(["x", "y"], ["y", "x"])})

    _, read = round_trip(frame, tmp_path)

    assert ["y", "x"] == list(read["a"].cat.categories)
    assert [1, 0] == list(read["a"].cat.codes)


class QuotedName(str):
    """A name as SQLAlchemy gives it."""

    __slots__ = ()


@pytest.mark.skipif(pd.__version__ >= "3", reason="This pandas makes them strings by itself.")
def test_names_of_columns_are_strings_whatever_library_they_are_of(tmp_path: Path) -> None:
    """Older versions of pandas give a table of a database such names."""
    frame = pd.DataFrame([[1]], columns=pd.Index([QuotedName("a")], dtype=object))

    form, read = round_trip(frame, tmp_path)

    assert SnapshotFormat.PARQUET is form
    assert ["a"] == list(read.columns)


def test_a_subclass_of_a_frame_keeps_its_class(tmp_path: Path) -> None:
    """What is more than a frame is not turned into one."""
    form, read = round_trip(GeoFrame({"a": [1]}), tmp_path)

    assert SnapshotFormat.PICKLE is form
    assert GeoFrame is type(read)


class GeoFrame(pd.DataFrame):  # type: ignore[misc]  # pandas ships no types
    """A frame of a library's own."""


def test_what_cannot_be_pickled_is_refused(tmp_path: Path) -> None:
    """A generator has no value that could be kept."""
    with pytest.raises(TypeError, match="generator"):
        write_snapshot("data", (number for number in [1]), tmp_path)


def test_only_a_pickle_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One INFO names the dataset, as loading its pickle runs code."""
    caplog.set_level("INFO", "kedro_autolog_pipeline")
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()

    write_snapshot("plain", [1], tmp_path / "a")
    write_snapshot("encoder", Encoder([1]), tmp_path / "b")

    assert ["'encoder' is pickled: it has no file to copy, and no plain format holds this Encoder."] == caplog.messages


def test_reading_needs_what_the_format_needs() -> None:
    """The engine of Parquet is imported by nobody else."""
    assert ["pandas", "pyarrow"] == snapshot_modules(SnapshotFormat.PARQUET)
    assert [] == snapshot_modules(SnapshotFormat.JSON)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
DATA = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(SCALARS, inner), max_leaves=8
)


@given(DATA)
def test_any_data_come_back_as_they_were(value: Any) -> None:
    """Whatever is given, what is read has the same types and values."""
    with TemporaryDirectory() as directory:
        _, read = round_trip(value, Path(directory))

    assert repr(value) == repr(read)


def columns(size: int) -> st.SearchStrategy[pd.Series]:
    """Give columns of every type that a frame usually has."""

    def series(elements: st.SearchStrategy[Any], dtype: Any) -> st.SearchStrategy[pd.Series]:
        return st.lists(elements, min_size=size, max_size=size).map(lambda values: pd.Series(values, dtype=dtype))

    optional = st.none()
    moments = st.datetimes(min_value=pd.Timestamp(1700, 1, 1), max_value=pd.Timestamp(2200, 1, 1))
    return st.one_of(
        *(series(st.integers(0, 100), kind) for kind in ("int8", "uint8", "int32", "uint64", "float32")),
        series(st.floats(), "float64"),
        series(st.booleans(), "bool"),
        series(optional | st.integers(-5, 5), "Int64"),
        series(optional | st.booleans(), "boolean"),
        series(optional | st.text(max_size=3), "string"),
        series(optional | st.text(max_size=3), object),
        series(optional | st.sampled_from("xyz"), pd.CategoricalDtype(["z", "y", "x"])),
        series(optional | st.sampled_from("xyz"), pd.CategoricalDtype(["z", "x", "y"], ordered=True)),
        series(optional | moments, "datetime64[ns]"),
        series(optional | moments.map(lambda moment: pd.Timestamp(moment, tz="UTC")), "datetime64[us, UTC]"),
        series(optional | st.timedeltas(min_value=pd.Timedelta(0), max_value=pd.Timedelta(9)), "timedelta64[ns]"),
        series(optional | st.integers() | st.text(max_size=3), object),
    )


@st.composite
def any_frame(draw: st.DrawFn) -> pd.DataFrame:
    """Give a frame with columns, names and an index of any kind."""
    size = draw(st.integers(0, 4))
    names = draw(st.lists(st.text(max_size=3) | st.integers(0, 9), max_size=4))
    frame = pd.DataFrame({position: draw(columns(size)) for position in range(len(names))}, index=range(size))
    frame.columns = pd.Index(names, name=draw(st.none() | st.just("name")))
    index = draw(st.none() | columns(size))
    return frame if index is None else frame.set_axis(pd.Index(index, name=draw(st.none() | st.text(max_size=2))))


@settings(deadline=None)
@given(any_frame())
def test_any_frame_comes_back_as_it_was(frame: pd.DataFrame) -> None:
    """Whatever its types, names and index are, they and every value come back."""
    with TemporaryDirectory() as directory:
        _, read = round_trip(frame, Path(directory))

    pd.testing.assert_frame_equal(frame, read, check_exact=True)
    assert [repr(list(frame.columns)), repr(frame.index)] == [repr(list(read.columns)), repr(read.index)]


class _Answer(requests.Response):
    """Stand for a library's own kind of answer."""


@pytest.mark.parametrize("kind", [requests.Response, _Answer])
@pytest.mark.parametrize("nested", [True, False])
def test_an_answer_is_kept_without_the_request_that_asked_it(
    tmp_path: Path, kind: type[requests.Response], *, nested: bool
) -> None:
    """What it holds comes back; who asked, by which address, cookie or redirection, is in no byte of the file."""
    request = requests.Request("GET", "https://h/x?sig=S3CRET", headers={"X-Key": "S3CRET"}, auth=("user", "S3CRET"))
    answer = kind()
    answer.request = request.prepare()
    answer.status_code = 200
    answer.url = "https://h/x?sig=S3CRET"
    answer.headers.update({"Content-Type": "application/json", "Set-Cookie": "session=S3CRET"})
    answer.cookies.set("session", "S3CRET")
    answer.raw = io.BytesIO(b'{"rows": [1, 2]}')
    answer.history = [copy(answer)]

    file, form = write_snapshot("data", {"a": answer} if nested else answer, tmp_path)

    assert not any(each in file.read_bytes() for each in (b"S3CRET", base64.b64encode(b"user:S3CRET")))
    read = read_snapshot(file, form)
    read = read["a"] if nested else read
    assert (kind, 200, {"rows": [1, 2]}) == (type(read), read.status_code, read.json())
    assert ("https://h/x", {"Content-Type": "application/json"}) == (read.url, dict(read.headers))
    assert "S3CRET" in str(answer.url)
