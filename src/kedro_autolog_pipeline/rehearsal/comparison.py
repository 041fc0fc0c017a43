"""Find the first difference between two values, such as the live pipeline's output and the packaged one's.

The fresh process runs this file by its path: it imports attrs, NumPy and pandas, and nothing of this package.
"""

from __future__ import annotations

import reprlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import singledispatch
from typing import Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

_Array: TypeAlias = npt.NDArray[Any]

_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = 80


def first_difference(live: Any, packaged: Any, labels: tuple[str, str] = ("live", "packaged")) -> str | None:
    """Compare two outputs: exactly, or within floating-point tolerance for floats.

    Two floats are the same when they agree in two thirds of the digits that their dtype holds: 10 of a
    float64's, 4 of a float32's. Where threads add up terms in another order, the last few digits differ;
    where a model was trained on something else, the first ones do. A missing value is the same as another of
    its kind.

    Args:
        live: The one.
        packaged: The other.
        labels: What to call them.

    Returns:
        A clause such as "column 'species' differs in 3 of 5 rows, first at index 0: 'Adelie' (live) and
        'Gentoo' (packaged)"; None when they are the same.
    """
    difference = _Comparison(of_values=True).between(live, packaged)
    return None if difference is None else difference.as_clause(labels)


def first_difference_of_shape(live: Any, packaged: Any) -> str | None:
    """Compare two outputs by type, shape, columns, keys and dtypes, whatever values they hold.

    Returns:
        A clause like those of ``first_difference``; None when they are the same.
    """
    difference = _Comparison(of_values=False).between(live, packaged)
    return None if difference is None else difference.as_clause(("live", "packaged"))


@attrs.frozen
class _Difference:
    """A difference and the way to it.

    Attributes:
        verb: How a predicate begins ("is").
        live: What it says of the one.
        packaged: What it says of the other.
        where: Places from the outside in ("key 'scores'", "column 'mean'"); empty for the output itself.
    """

    verb: str
    live: object
    packaged: object
    where: tuple[str, ...] = ()

    def inside(self, place: str) -> _Difference:
        return attrs.evolve(self, where=(place, *self.where))

    def as_clause(self, labels: tuple[str, str]) -> str:
        where = ", ".join(self.where) or "the output"
        return f"{where} {self.verb} {self.live} ({labels[0]}) and {self.packaged} ({labels[1]})"


class _Comparison:
    """One walk through two outputs.

    Args:
        of_values: Whether values count, or only what holds them.
    """

    def __init__(self, *, of_values: bool) -> None:
        self.of_values = of_values
        # Objects are kept beside their ids: Python gives the id of a dead one to the next.
        self._met: dict[tuple[int, int], tuple[Any, Any, _Difference | None]] = {}

    def between(self, live: Any, packaged: Any) -> _Difference | None:
        """Compare two objects; those that are still being compared (a cycle) count as the same."""
        if live is packaged:
            return None
        pair = (id(live), id(packaged))
        if pair not in self._met:
            self._met[pair] = (live, packaged, None)
            types = _name(type(live)), _name(type(packaged))
            difference = _compare(live, packaged, self) if types[0] == types[1] else _Difference("has type", *types)
            self._met[pair] = (live, packaged, difference)
        return self._met[pair][2]


@singledispatch
def _compare(live: Any, packaged: Any, comparison: _Comparison) -> _Difference | None:
    """Compare two objects of one type; what follows is for a type that has no rule of its own below."""
    difference = _compare_attributes(live, packaged, "shape", "dtype", "dtypes", "schema")
    if difference is not None or not comparison.of_values:
        return difference
    if hasattr(live, "toarray"):
        # A sparse matrix, which may hold a zero or leave it out.
        return comparison.between(live.toarray(), packaged.toarray())
    if _call_each_other_equal(live, packaged):
        return None
    if hasattr(live, "__array__") and not hasattr(live, "equals"):
        # A tensor; what has ``equals`` too has more to it than its values.
        return comparison.between(np.asarray(live), np.asarray(packaged))
    return _compare_parts(live, packaged, comparison)


@_compare.register(int)
@_compare.register(str)
@_compare.register(bytes)
def _compare_atoms(live: Any, packaged: Any, comparison: _Comparison) -> _Difference | None:
    if live == packaged or not comparison.of_values:
        return None
    return _Difference("is", _shown(live), _shown(packaged))


@_compare.register(type)
def _compare_types(live: type, packaged: type, _: _Comparison) -> _Difference | None:
    if _name(live) == _name(packaged):
        return None
    return _Difference("is", _name(live), _name(packaged))


@_compare.register(float)
@_compare.register(complex)
@_compare.register(np.inexact)
def _compare_floats(live: Any, packaged: Any, comparison: _Comparison) -> _Difference | None:
    if not comparison.of_values or _are_close(np.asarray(live), np.asarray(packaged)).all():
        return None
    return _Difference("is", _shown(live), _shown(packaged))


@_compare.register(np.generic)
def _compare_scalars(live: Any, packaged: Any, comparison: _Comparison) -> _Difference | None:
    return comparison.between(live.item(), packaged.item())


@_compare.register(Mapping)
def _compare_mappings(
    live: Mapping[Any, Any], packaged: Mapping[Any, Any], comparison: _Comparison
) -> _Difference | None:
    if live.keys() != packaged.keys():
        return _Difference("has keys", _shown(list(live)), _shown(list(packaged)))
    for key, value in live.items():
        difference = comparison.between(value, packaged[key])
        if difference is not None:
            return difference.inside(f"key {_shown(key)}")
    return None


@_compare.register(list)
@_compare.register(tuple)
@_compare.register(deque)
def _compare_sequences(live: Sequence[Any], packaged: Sequence[Any], comparison: _Comparison) -> _Difference | None:
    if len(live) != len(packaged):
        return _Difference("has length", len(live), len(packaged))
    for position, items in enumerate(zip(live, packaged, strict=True)):
        difference = comparison.between(*items)
        if difference is not None:
            return difference.inside(f"item {position}")
    return None


@_compare.register(set)
@_compare.register(frozenset)
def _compare_sets(live: AbstractSet[Any], packaged: AbstractSet[Any], comparison: _Comparison) -> _Difference | None:
    if live == packaged or not comparison.of_values:
        return None
    return _Difference("alone holds", _shown(live - packaged), _shown(packaged - live))


@_compare.register(np.ndarray)
def _compare_arrays(live: _Array, packaged: _Array, comparison: _Comparison) -> _Difference | None:
    difference = _compare_form(live, packaged)
    if difference is not None or not comparison.of_values:
        return difference

    def place(position: int) -> str:
        return str([int(index) for index in np.unravel_index(position, live.shape)])

    values = np.asarray(live).ravel(), np.asarray(packaged).ravel()
    return _compare_elements(*values, comparison, "elements", place)


@_compare.register(pd.Index)
def _compare_indexes(live: Any, packaged: Any, comparison: _Comparison) -> _Difference | None:
    difference = _compare_form(live, packaged) or _compare_attributes(live, packaged, "names")
    if difference is not None or not comparison.of_values:
        return difference
    return _compare_elements(_values(live), _values(packaged), comparison, "labels", "position {}".format)


@_compare.register(pd.Series)
def _compare_series(live: Any, packaged: Any, comparison: _Comparison) -> _Difference | None:
    difference = _compare_form(live, packaged) or _compare_attributes(live, packaged, "name")
    if difference is not None or not comparison.of_values:
        return difference
    difference = _compare_attributes(live, packaged, "index")
    if difference is not None:
        return difference

    def place(position: int) -> str:
        return f"index {_shown(live.index[position])}"

    return _compare_elements(_values(live), _values(packaged), comparison, "rows", place)


@_compare.register(pd.DataFrame)
def _compare_frames(live: Any, packaged: Any, comparison: _Comparison) -> _Difference | None:
    difference = _compare_attributes(live, packaged, "columns")
    if difference is not None:
        return difference
    if live.shape != packaged.shape:
        return _Difference("has shape", live.shape, packaged.shape)
    difference = _compare_attributes(live, packaged, "index") if comparison.of_values else None
    if difference is not None:
        return difference
    # By position, since two columns may have one name.
    for position, name in enumerate(live.columns):
        difference = comparison.between(live.iloc[:, position], packaged.iloc[:, position])
        if difference is not None:
            return difference.inside(f"column {_shown(name)}")
    return None


def _compare_form(live: Any, packaged: Any) -> _Difference | None:
    """Compare dtype and shape, which both arrays and columns have."""
    # A request's times come to the model in MLflow's unit, nanoseconds: what they say is the same.
    are_times = isinstance(live.dtype, np.dtype) and live.dtype.kind == getattr(packaged.dtype, "kind", None) == "M"
    if live.dtype != packaged.dtype and not are_times:
        # Only the long form of a categorical dtype tells the categories.
        show = str if str(live.dtype) != str(packaged.dtype) else _shown
        return _Difference("has dtype", show(live.dtype), show(packaged.dtype))
    if live.shape != packaged.shape:
        return _Difference("has shape", live.shape, packaged.shape)
    return None


def _compare_attributes(live: Any, packaged: Any, *names: str) -> _Difference | None:
    """Compare what belongs to the shape of two objects, so that it counts even where values do not."""
    for name in names:
        values = getattr(live, name, None), getattr(packaged, name, None)
        difference = _Comparison(of_values=True).between(*values)
        if difference is not None:
            return difference.inside(f"attribute {name!r}")
    return None


def _compare_elements(
    live: _Array, packaged: _Array, comparison: _Comparison, noun: str, place: Callable[[int], str]
) -> _Difference | None:
    """Compare two arrays of one dimension, one dtype and one length.

    Args:
        live: The live one.
        packaged: The packaged one.
        comparison: The walk that met them.
        noun: What one calls their elements.
        place: Gives the way to say where an element is.
    """
    if live.dtype.kind in "fc":
        differ = ~_are_close(live, packaged)
    elif live.dtype.kind in "OV":
        elements = zip(live, packaged, strict=True)
        differ = np.array([comparison.between(*pair) is not None for pair in elements], dtype=bool)
    elif live.dtype.kind in "mM":
        differ = (live != packaged) & ~(np.isnat(live) & np.isnat(packaged))
    else:
        differ = live != packaged
    positions = np.flatnonzero(differ)
    if not positions.size:
        return None
    first = int(positions[0])
    return _Difference(
        f"differs in {positions.size} of {differ.size} {noun}, first at {place(first)}:",
        _shown(live[first]),
        _shown(packaged[first]),
    )


def _compare_parts(live: Any, packaged: Any, comparison: _Comparison) -> _Difference | None:
    """Compare two objects of which nothing else is known by what pickle would rebuild them from."""
    whole = _Difference("is", _shown(live), _shown(packaged))
    parts, other_parts = _parts(live), _parts(packaged)
    if parts is None or other_parts is None or len(parts) != len(other_parts):
        return whole
    for pair in zip(parts, other_parts, strict=True):
        difference = comparison.between(*pair)
        if difference is not None:
            # Its own repr says it better than an attribute does, unless it leaves the difference out.
            shows_itself = type(live).__repr__ != object.__repr__  # type: ignore[comparison-overlap]  # a class may override it
            return whole if shows_itself and _shown(live) != _shown(packaged) else difference
    return None


def _parts(value: Any) -> list[Any] | None:
    """What pickle would rebuild an object from; None for one that it finds by name, or refuses."""
    try:
        recipe = value.__reduce_ex__(4)
    except Exception:  # noqa: BLE001 - whatever a class does there, the object cannot be taken apart
        return None
    if isinstance(recipe, str):
        return None
    # The items of a list and of a dictionary come as iterators.
    return [list(part) if isinstance(part, Iterator) else part for part in recipe]


def _call_each_other_equal(live: Any, packaged: Any) -> bool:
    """Whether ``==`` says so, or the method ``equals`` of a data frame that is not pandas'."""
    try:
        equal = live == packaged
        if not isinstance(equal, bool | np.bool_) and hasattr(live, "equals"):
            equal = live.equals(packaged)
    except Exception:  # noqa: BLE001 - a class that cannot compare (it holds arrays) is compared by its parts
        return False
    return isinstance(equal, bool | np.bool_) and bool(equal)


def _are_close(live: _Array, packaged: _Array) -> npt.NDArray[np.bool_]:
    """Tell for each pair of floats whether they are the same within the tolerance of their dtype."""
    tolerance = float(np.finfo(live.dtype).eps) ** (2 / 3)
    magnitudes = np.abs(live[np.isfinite(live)])
    # What is left where large terms cancel is as inexact as they were, so the tolerance has an absolute part;
    # it must not swallow an output that is tiny throughout.
    scale = min(1.0, float(magnitudes.max(initial=0.0)))
    return np.isclose(packaged, live, rtol=tolerance, atol=tolerance * scale, equal_nan=True)


def _values(column: Any) -> _Array:
    """The values of a pandas column or index; floats in NumPy's dtype, whoever's they have."""
    dtype = column.dtype
    if isinstance(dtype, np.dtype):
        return np.asarray(column)
    if pd.api.types.is_float_dtype(dtype):
        return np.asarray(column.to_numpy(dtype=getattr(dtype, "numpy_dtype", float), na_value=np.nan))
    return np.asarray(column, dtype=object)


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")


def _shown(value: Any) -> str:
    """A value on one short line, as its author would write it."""
    if isinstance(value, np.datetime64 | np.timedelta64):
        return str(value)
    return " ".join(_REPR.repr(value.item() if isinstance(value, np.generic) else value).split())
