"""Declare the parameters of a model in its signature, each dictionary with its parts beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from mlflow.types import DataType, ParamSpec
    from mlflow.types.schema import AnyType, Array, Object

    from kedro_autolog_pipeline.serving.parameters import NamedParameter

MOST_PARTS = 100
"""How many parts of one parameter are declared. MLflow goes through all of them at each call, and who has more has a
table, of which the whole is declared alone."""

_LARGEST_INTEGER = 2**63 - 1


@attrs.frozen
class ParameterSpecs:
    """What the signature says of parameters.

    Attributes:
        specs: MLflow's declarations, sorted by name.
        fixed: Names of the values that no declared one can change: MLflow has no type for them.
    """

    specs: tuple[ParamSpec, ...]
    fixed: tuple[str, ...]


def declare_parameters(named: Iterable[NamedParameter]) -> ParameterSpecs:
    """Declare parameters, and name those that cannot be.

    MLflow takes of a declared dictionary any of its parts, and those that it has no type for, such as null, with any
    value: the model itself judges them. Only a value that stands alone and one that JSON cannot hold have no way.

    Args:
        named: All that a caller may name.
    """
    named = list(named)
    parts = Counter(each.whole for each in named)
    specs, fixed = [], []
    for each in named:
        spec = _spec(each.name, each.value)
        is_declared = each.whole is None or parts[each.whole] <= MOST_PARTS
        if spec is not None and is_declared:
            specs.append(spec)
        elif (
            spec is None
            and not _is_told_by_its_parts(each.value)
            and not (each.whole is not None and _is_plain(each.value))
        ):
            fixed.append(each.name)
    return ParameterSpecs(tuple(sorted(specs, key=lambda spec: spec.name)), tuple(sorted(fixed)))


def _spec(name: str, value: Any) -> ParamSpec | None:
    from mlflow.types import ParamSpec

    if isinstance(value, Mapping):
        content = _plain_part(value)
        return ParamSpec(name, _object_type(content), content) if content else None
    if type(value) is list:
        kind = _scalar_type(value)
        return None if kind is None else ParamSpec(name, kind, value, (-1,))
    kind = _scalar_type([value])
    return None if kind is None else ParamSpec(name, kind, value)


def _scalar_type(values: list[Any]) -> DataType | None:
    """Return the type of values that are all of one; None without any."""
    from mlflow.types import DataType

    kinds = {type(value) for value in values}
    if kinds == {int}:
        return DataType.long if all(-_LARGEST_INTEGER <= value <= _LARGEST_INTEGER for value in values) else None
    types = {frozenset({bool}): DataType.boolean, frozenset({str}): DataType.string}
    return DataType.double if kinds in ({float}, {int, float}) else types.get(frozenset(kinds))


def _object_type(content: Mapping[str, Any]) -> Object:
    from mlflow.types.schema import Object, Property

    return Object([Property(key, _property_type(value), required=False) for key, value in content.items()])


def _property_type(value: Any) -> Object | Array | DataType | AnyType:
    from mlflow.types import DataType
    from mlflow.types.schema import AnyType, Array

    if isinstance(value, Mapping) and value:
        return _object_type(value)
    kind = _scalar_type(value if type(value) is list else [value])
    # Within a dictionary MLflow takes no integer for a float, and a client may write 10.0 as 10.
    if kind is None or kind is DataType.double or (type(value) is list and kind is not DataType.string):
        return AnyType()  # type: ignore[no-untyped-call]  # MLflow has not annotated it
    return Array(kind) if type(value) is list else kind


def _plain_part(value: Mapping[Any, Any]) -> dict[str, Any]:
    """Return what JSON can hold of a dictionary, each key as its text."""
    plain: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, Mapping) and item:
            item = _plain_part(item)  # noqa: PLW2901 - the same item
            is_plain = bool(item)
        else:
            is_plain = _is_plain(item)
        if is_plain:
            plain.setdefault(str(key), item)
    return plain


def _is_plain(value: Any) -> bool:
    """Tell whether JSON gives a value back as it is."""
    if type(value) is list:
        return all(map(_is_plain, value))
    if type(value) is dict:
        return all(type(key) is str and _is_plain(item) for key, item in value.items())
    return value is None or type(value) in (bool, int, float, str)


def _is_told_by_its_parts(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value)
