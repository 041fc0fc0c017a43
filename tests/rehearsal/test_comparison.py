"""Tests of ``verification/comparison.py``."""

from __future__ import annotations

import pickle
from collections import OrderedDict, deque
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

import attrs
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from kedro_autolog_pipeline.rehearsal.comparison import first_difference, first_difference_of_shape


class Plain:
    """An object that knows neither equality nor a way to be shown."""

    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)


class Slotted:
    """An object without a dictionary."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


@attrs.frozen
class Prediction:
    """An object that compares by its attributes."""

    scores: Any
    species: str


class Unpicklable:
    """An object that cannot be taken apart."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Refuse."""
        raise TypeError


class Frame:
    """A data frame of another library: ``==`` goes by element, ``equals`` says whether it is the same."""

    def __init__(self, *values: Any) -> None:
        self.cells = values
        self.schema = [f"column_{position}" for position in range(len(values))]

    def __eq__(self, other: object) -> Any:
        return [True for _ in self.cells]

    __hash__ = None  # type: ignore[assignment]  # as such frames have it

    def equals(self, other: Frame) -> bool:
        """Tell whether all values are the same."""
        return self.cells == other.cells


class Tensor:
    """An array of another library."""

    def __init__(self, *values: float) -> None:
        self.array = np.array(values)
        self.shape = self.array.shape

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray[Any, Any]:
        return self.array

    def __eq__(self, other: object) -> Any:
        return self.array == other

    __hash__ = None  # type: ignore[assignment]  # as tensors have it


class Species(Enum):
    """An enumeration."""

    ADELIE = "Adelie"
    GENTOO = "Gentoo"


def cyclic(value: int) -> Plain:
    """Give an object that holds itself."""
    made = Plain(value=value)
    made.me = made  # type: ignore[attr-defined]  # it takes any attribute
    return made


SAME = {
    "None": None,
    "float": 0.1,
    "nan": float("nan"),
    "infinity": float("-inf"),
    "complex": complex(1, float("nan")),
    "numpy scalar": np.float32(0.1),
    "numpy integer": np.int16(3),
    "missing of pandas": [pd.NA, pd.NaT],
    "date": date(2020, 1, 1),
    "decimal": Decimal("NaN"),
    "enumeration": Species.ADELIE,
    "class": Plain,
    "range": range(3),
    "set": {1, "a"},
    "deque": deque([1, float("nan")]),
    "nested": {"a": [1, (2.0, {"b": np.array([1.0, np.nan])})]},
    "integers": np.arange(6).reshape(2, 3),
    "objects": np.array([None, "a", float("nan"), [1.0]], dtype=object),
    "records": np.array([(1, 0.5, "a")], dtype=[("id", "i4"), ("score", "f8"), ("name", "U5")]),
    "dates": np.array(["2020-01-01", "NaT"], dtype="datetime64[ns]"),
    "no dimension": np.array(1.5),
    "no elements": np.array([], dtype=float),
    "half precision": np.array([6e4, -6e4], dtype=np.float16),
    "infinities": np.array([np.inf, -np.inf, np.nan]),
    "sparse": scipy.sparse.csr_matrix([[0.0, 1.0], [np.nan, 0.0]]),
    "series": pd.Series([1.0, None], index=["a", "b"], name="score"),
    "text": pd.Series(["a", None]),
    "categories": pd.Series(["a", None, "b"], dtype="category"),
    "nullable": pd.DataFrame({"i": pd.array([1, None], "Int64"), "f": pd.array([0.5, None], "Float32")}),
    "sparse column": pd.Series(pd.arrays.SparseArray([0.0, 1.0, np.nan])),
    "time zone": pd.Series(pd.to_datetime(["2020-01-01", None], utc=True)),
    "period": pd.Series(pd.period_range("2020-01", periods=2, freq="M")),
    "interval": pd.cut(pd.Series([1.0, 2.0, 9.0]), 2),
    "index": pd.Index(["a", "b"], name="key"),
    "multi-index": pd.DataFrame({"v": [1, 2]}, index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)])),
    "two columns of one name": pd.DataFrame([[1, "a"]], columns=["x", "x"]),
    "object": Plain(weights=np.array([1.0, np.nan]), name="linear"),
    "slots": Slotted([1.0, float("nan")]),
    "attributes that arrays make incomparable": Prediction(np.array([0.5, 0.25]), "Adelie"),
    "cycle": cyclic(1),
    "frame of another library": Frame(1, None),
    "tensor": Tensor(1.0, float("nan")),
}


@pytest.mark.parametrize("output", SAME.values(), ids=SAME.keys())
def test_an_output_is_the_same_after_its_way_through_another_process(output: Any) -> None:
    """A pickled copy is the same as its original, whatever it is."""
    copy = pickle.loads(pickle.dumps(output, protocol=5))

    assert (None, None) == (first_difference(output, copy), first_difference_of_shape(output, copy))


FRAME = pd.DataFrame({"species": ["Adelie", "Adelie", "Gentoo"], "score": [0.5, 0.25, 0.125]})

DIFFERENT_SHAPES = {
    "type": (1, 1.0, "the output has type int (live) and float (packaged)"),
    "truth": (True, 1, "the output has type bool (live) and int (packaged)"),
    "class": (Plain, Slotted, "the output is {0}.Plain (live) and {0}.Slotted (packaged)"),
    "class of object": (
        Plain(),
        Slotted(1),
        "the output has type {0}.Plain (live) and {0}.Slotted (packaged)",
    ),
    "length": ([1], [1, 1], "the output has length 1 (live) and 2 (packaged)"),
    "keys": ({"a": 1}, {"b": 1}, "the output has keys ['a'] (live) and ['b'] (packaged)"),
    "kind of dictionary": (
        {},
        OrderedDict(),
        "the output has type dict (live) and collections.OrderedDict (packaged)",
    ),
    "dtype": (
        np.array([1.0]),
        np.array([1.0], dtype=np.float32),
        "the output has dtype float64 (live) and float32 (packaged)",
    ),
    "shape": (np.zeros((2, 1)), np.zeros(2), "the output has shape (2, 1) (live) and (2,) (packaged)"),
    "numpy scalar": (
        np.float64(1),
        np.float32(1),
        "the output has type numpy.float64 (live) and numpy.float32 (packaged)",
    ),
    "rows": (FRAME, FRAME.head(2), "the output has shape (3, 2) (live) and (2, 2) (packaged)"),
    "column names": (
        FRAME,
        FRAME.rename(columns={"score": "probability"}),
        "attribute 'columns' differs in 1 of 2 labels, first at position 1: "
        "'score' (live) and 'probability' (packaged)",
    ),
    "column order": (
        FRAME,
        FRAME[["score", "species"]],
        "attribute 'columns' differs in 2 of 2 labels, first at position 0: 'species' (live) and 'score' (packaged)",
    ),
    "column dtype": (
        FRAME,
        FRAME.assign(score=[1, 2, 3]),
        "column 'score' has dtype float64 (live) and int64 (packaged)",
    ),
    "categories": (
        pd.Series(["a"], dtype=pd.CategoricalDtype(["a", "b"], ordered=True)),
        pd.Series(["a"], dtype=pd.CategoricalDtype(["a"], ordered=True)),
        "the output has dtype CategoricalDtype(categories=['a', 'b'], ordered=True",
    ),
    "name": (
        pd.Series([1], name="a"),
        pd.Series([1], name="b"),
        "attribute 'name' is 'a' (live) and 'b' (packaged)",
    ),
    "index name": (
        pd.Index([1], name="a"),
        pd.Index([1], name="b"),
        "attribute 'names', item 0 is 'a' (live) and 'b' (packaged)",
    ),
    "series": (pd.Series([1]), pd.Series([1, 2]), "the output has shape (1,) (live) and (2,) (packaged)"),
    "tensor": (Tensor(1), Tensor(1, 2), "attribute 'shape', item 0 is 1 (live) and 2 (packaged)"),
    "frame of another library": (
        Frame(1),
        Frame(1, 2),
        "attribute 'schema' has length 1 (live) and 2 (packaged)",
    ),
    "sparse": (
        scipy.sparse.csr_matrix((2, 2)),
        scipy.sparse.csr_matrix((2, 3)),
        "attribute 'shape', item 1 is 2 (live) and 3 (packaged)",
    ),
    "deep": (
        {"a": [FRAME, FRAME]},
        {"a": [FRAME, FRAME.astype({"score": "float32"})]},
        "key 'a', item 1, column 'score' has dtype float64 (live) and float32 (packaged)",
    ),
}


@pytest.mark.parametrize(("live", "packaged", "expected"), DIFFERENT_SHAPES.values(), ids=DIFFERENT_SHAPES.keys())
def test_another_shape_is_told_whether_values_count_or_not(live: Any, packaged: Any, expected: str) -> None:
    """Type, shape, columns, keys and dtypes belong to the shape of an output."""
    told = first_difference(live, packaged)

    assert told is not None
    assert told.startswith(expected.format(__name__))
    assert told == first_difference_of_shape(live, packaged)


DIFFERENT_VALUES = {
    "number": (1, 2, "the output is 1 (live) and 2 (packaged)"),
    "truth": (True, False, "the output is True (live) and False (packaged)"),
    "bytes": (b"a", b"b", "the output is b'a' (live) and b'b' (packaged)"),
    "float": (0.1, 0.2, "the output is 0.1 (live) and 0.2 (packaged)"),
    "nan": (float("nan"), 0.0, "the output is nan (live) and 0.0 (packaged)"),
    "infinity": (float("inf"), float("-inf"), "the output is inf (live) and -inf (packaged)"),
    "numpy scalar": (np.float64(1), np.float64(2), "the output is 1.0 (live) and 2.0 (packaged)"),
    "numpy integer": (np.int64(1), np.int64(2), "the output is 1 (live) and 2 (packaged)"),
    "long text": ("a" * 999, "b", f"the output is '{'a' * 37}...{'a' * 38}' (live) and 'b' (packaged)"),
    "key": ({"a": {"b": 1}}, {"a": {"b": 2}}, "key 'a', key 'b' is 1 (live) and 2 (packaged)"),
    "item": ([1, (2, 3)], [1, (2, 4)], "item 1, item 1 is 3 (live) and 4 (packaged)"),
    "set": ({1, 2}, {2, 3}, "the output alone holds {1} (live) and {3} (packaged)"),
    "enumeration": (
        Species.ADELIE,
        Species.GENTOO,
        "the output is <Species.ADELIE: 'Adelie'> (live) and <Species.GENTOO: 'Gentoo'> (packaged)",
    ),
    "date": (
        date(2020, 1, 1),
        date(2020, 1, 2),
        "the output is datetime.date(2020, 1, 1) (live) and datetime.date(2020, 1, 2) (packaged)",
    ),
    "array": (
        np.array([[1, 2], [3, 4]]),
        np.array([[1, 2], [0, 0]]),
        "the output differs in 2 of 4 elements, first at [1, 0]: 3 (live) and 0 (packaged)",
    ),
    "floats": (
        np.array([0.1, 0.2]),
        np.array([0.1, 0.2000001]),
        "the output differs in 1 of 2 elements, first at [1]: 0.2 (live) and 0.2000001 (packaged)",
    ),
    "text array": (
        np.array(["a"]),
        np.array(["b"]),
        "the output differs in 1 of 1 elements, first at [0]: 'a' (live) and 'b' (packaged)",
    ),
    "objects": (
        np.array([None, "a"], dtype=object),
        np.array([float("nan"), "b"], dtype=object),
        "the output differs in 2 of 2 elements, first at [0]: None (live) and nan (packaged)",
    ),
    "records": (
        np.array([(1, 0.5)], dtype=[("id", "i4"), ("score", "f8")]),
        np.array([(1, 0.6)], dtype=[("id", "i4"), ("score", "f8")]),
        "the output differs in 1 of 1 elements, first at [0]: (1, 0.5) (live) and (1, 0.6) (packaged)",
    ),
    "dates": (
        np.array(["NaT", "NaT"], dtype="datetime64[D]"),
        np.array(["NaT", "2020-01-01"], dtype="datetime64[D]"),
        "the output differs in 1 of 2 elements, first at [1]: NaT (live) and 2020-01-01 (packaged)",
    ),
    "sparse": (
        scipy.sparse.csr_matrix([[0.0, 1.0]]),
        scipy.sparse.csr_matrix([[0.5, 1.0]]),
        "the output differs in 1 of 2 elements, first at [0, 0]: 0.0 (live) and 0.5 (packaged)",
    ),
    "column": (
        FRAME,
        FRAME.assign(species=["Gentoo", "Gentoo", "Gentoo"]),
        "column 'species' differs in 2 of 3 rows, first at index 0: 'Adelie' (live) and 'Gentoo' (packaged)",
    ),
    "labels": (
        FRAME.set_axis(["a", "b", "c"]),
        FRAME.set_axis(["a", "b", "d"]),
        "attribute 'index' differs in 1 of 3 labels, first at position 2: 'c' (live) and 'd' (packaged)",
    ),
    "labels of a series": (
        pd.Series([1], index=["a"]),
        pd.Series([1], index=["b"]),
        "attribute 'index' differs in 1 of 1 labels, first at position 0: 'a' (live) and 'b' (packaged)",
    ),
    "index itself": (
        pd.Index([1]),
        pd.Index([2]),
        "the output differs in 1 of 1 labels, first at position 0: 1 (live) and 2 (packaged)",
    ),
    "series": (
        pd.Series([1, 2], index=pd.MultiIndex.from_tuples([("a", "x"), ("b", "y")])),
        pd.Series([1, 3], index=pd.MultiIndex.from_tuples([("a", "x"), ("b", "y")])),
        "the output differs in 1 of 2 rows, first at index ('b', 'y'): 2 (live) and 3 (packaged)",
    ),
    "nullable": (
        pd.Series([1, None], dtype="Int64"),
        pd.Series([1, 2], dtype="Int64"),
        "the output differs in 1 of 2 rows, first at index 1: <NA> (live) and 2 (packaged)",
    ),
    "nullable float": (
        pd.Series([1.0, None], dtype="Float32"),
        pd.Series([1.0, 2.0], dtype="Float32"),
        "the output differs in 1 of 2 rows, first at index 1: nan (live) and 2.0 (packaged)",
    ),
    "categories": (
        pd.Series(["a", "b"], dtype="category"),
        pd.Series(["b", "a"], dtype="category"),
        "the output differs in 2 of 2 rows, first at index 0: 'a' (live) and 'b' (packaged)",
    ),
    "second column of one name": (
        pd.DataFrame([[1, "a"]], columns=["x", "x"]),
        pd.DataFrame([[1, "b"]], columns=["x", "x"]),
        "column 'x' differs in 1 of 1 rows, first at index 0: 'a' (live) and 'b' (packaged)",
    ),
    "object": (
        Plain(name="linear", weights=np.array([1.0])),
        Plain(name="linear", weights=np.array([2.0])),
        "key 'weights' differs in 1 of 1 elements, first at [0]: 1.0 (live) and 2.0 (packaged)",
    ),
    "object that shows itself": (
        Prediction(0.5, "Adelie"),
        Prediction(0.5, "Gentoo"),
        "the output is Prediction(scores=0.5, species='Adelie') (live) and "
        "Prediction(scores=0.5, species='Gentoo') (packaged)",
    ),
    "slots": (Slotted(1), Slotted(2), "item 1, key 'value' is 1 (live) and 2 (packaged)"),
    "cycle": (cyclic(1), cyclic(2), "key 'value' is 1 (live) and 2 (packaged)"),
    "frame of another library": (Frame(1), Frame(2), "key 'cells', item 0 is 1 (live) and 2 (packaged)"),
    "tensor": (
        Tensor(1.0, 2.0),
        Tensor(1.0, 3.0),
        "the output differs in 1 of 2 elements, first at [1]: 2.0 (live) and 3.0 (packaged)",
    ),
    "function": (
        len,
        max,
        "the output is <built-in function len> (live) and <built-in function max> (packaged)",
    ),
}


@pytest.mark.parametrize(("live", "packaged", "expected"), DIFFERENT_VALUES.values(), ids=DIFFERENT_VALUES.keys())
def test_other_values_are_told_where_values_count(live: Any, packaged: Any, expected: str) -> None:
    """The first difference is named with its place; the shape is the same."""
    assert (expected, None) == (
        first_difference(live, packaged),
        first_difference_of_shape(live, packaged),
    )


def test_objects_that_cannot_be_taken_apart_differ() -> None:
    """What neither compares nor pickles is not taken for the same."""
    told = first_difference(Unpicklable(), Unpicklable())

    assert told is not None
    assert told.startswith(f"the output is <{__name__}.Unpicklable object at")


def test_a_class_is_known_by_its_name() -> None:
    """A class that pickle has taken along is another object here, and still the same class."""
    here, there = type("Bird", (), {}), type("Bird", (), {})

    assert first_difference([here, here()], [there, there()]) is None


@pytest.mark.parametrize(
    ("dtype", "noise", "trained_otherwise"),
    [(np.float64, 1e-12, 1e-9), (np.float32, 1e-6, 1e-3), (np.float16, 2e-3, 5e-2)],
)
@pytest.mark.parametrize("scale", [1.0, 1e-3, 100.0])
def test_floats_are_the_same_within_the_tolerance_of_their_dtype(
    dtype: type[np.floating[Any]], noise: float, trained_otherwise: float, scale: float
) -> None:
    """Noise in the last digits is no difference, another model's output is one."""
    live = (np.array([1.0, 0.5, 0.7]) * scale).astype(dtype)

    def moved(by: float) -> Any:
        return (live.astype(float) * (1 + by)).astype(dtype)

    assert first_difference(live, moved(noise)) is None
    assert first_difference(live, moved(trained_otherwise)) is not None
    assert first_difference(pd.Series(live), pd.Series(moved(noise))) is None
    assert first_difference([*live], [*moved(noise)]) is None


def test_what_is_left_of_terms_that_cancel_is_as_exact_as_they_were() -> None:
    """Beside values around one, a rest of 1e-17 is as good as none; in a column of such values it is not."""
    assert first_difference(np.array([1.0, 0.0]), np.array([1.0, 1e-17])) is None
    assert first_difference(np.array([1e-17, 2e-17]), np.array([1e-17, 3e-17])) is not None


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.binary(max_size=3)
NESTED = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
        | st.lists(inner, min_size=1, max_size=3).map(
            lambda values: pd.DataFrame({"x": pd.Series(values, dtype=object)})
        )
    ),
    max_leaves=8,
)


@given(NESTED)
def test_any_output_is_the_same_as_its_copy(output: Any) -> None:
    """Whatever an output is made of, a pickled copy of it is the same, missing values included."""
    copy = pickle.loads(pickle.dumps(output))

    assert (None, None) == (first_difference(output, copy), first_difference_of_shape(output, copy))


@given(NESTED, LEAVES, LEAVES)
def test_a_difference_is_found_however_deep_it_is(output: Any, one: Any, other: Any) -> None:
    """Two outputs that differ in one leaf differ exactly when the leaves do."""
    told = first_difference({"rest": output, "leaf": [one]}, {"rest": output, "leaf": [other]})

    leaf = first_difference(one, other)
    assert (None if leaf is None else leaf.replace("the output", "key 'leaf', item 0", 1)) == told
