"""Read the values of the parameters that an inference pipeline reads, as the run had them."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import numpy as np
from kedro.io import DataCatalog

from kedro_autolog_pipeline.loggers import quiet
from kedro_autolog_pipeline.serving.parameters import ALL_PARAMETERS, PARAMETER_PREFIX, is_same, without_types


@attrs.frozen
class ParameterValues:
    """Values of parameters by dataset name, ``params:x`` or ``parameters``, without the types that Kedro gives them.

    Attributes:
        plain: What JSON holds; Python's JSON has infinity and not-a-number. NumPy's scalars are plain numbers.
        objects: What JSON would change or cannot hold, such as a tuple, a date, an array or a class.
    """

    plain: dict[str, Any]
    objects: dict[str, Any]


def read_parameters(
    names: list[str], catalog: DataCatalog, in_files: Callable[[], Mapping[str, Any]]
) -> ParameterValues:
    """Read parameters as the run had them.

    Args:
        names: Dataset names, ``params:x`` or ``parameters``.
        catalog: The catalog of the run. Kedro 1.3+ holds there the dataclass or pydantic model that a node of this
            run asks for; then the value is read from the files that it was made of.
        in_files: Returns the parameters as the project's files and the command line have them.
    """
    plain: dict[str, Any] = {}
    objects: dict[str, Any] = {}
    for name in names:
        # Kedro tells of what it loads, which would read as a part of the user's run.
        with quiet("kedro", logging.WARNING):
            value = _without_numpy_scalars(catalog.load(name))
        if not _survives(value) and _has_types(value):
            value = _without_numpy_scalars(_lookup(name, in_files(), value))
        (plain if _survives(value) else objects)[name] = value
    return ParameterValues(plain, objects)


def callers_name(name: str) -> str:
    """Return the name by which a caller of ``predict`` knows a parameter: ``threshold`` for ``params:threshold``."""
    return name.removeprefix(PARAMETER_PREFIX)


def _lookup(name: str, parameters: Mapping[str, Any], default: Any) -> Any:
    """Find a parameter by its dataset name."""
    if name == ALL_PARAMETERS:
        return dict(parameters)
    found: Any = parameters
    for key in callers_name(name).split("."):
        if not isinstance(found, Mapping) or key not in found:
            return default
        found = found[key]
    return found


def _has_types(value: Any) -> bool:
    return not is_same(value, without_types(value))


def _without_numpy_scalars(value: Any) -> Any:
    if isinstance(value, np.generic):
        item = value.item()
        return item if type(item) in (bool, int, float, str) else value
    if type(value) is dict:
        return {key: _without_numpy_scalars(item) for key, item in value.items()}
    return [_without_numpy_scalars(item) for item in value] if type(value) is list else value


def _survives(value: Any) -> bool:
    try:
        return _is_same(value, json.loads(json.dumps(value)))
    except (TypeError, ValueError, RecursionError):
        return False


def _is_same(value: Any, other: Any) -> bool:
    """Compare as ``==`` does, except that not-a-number is itself."""
    if isinstance(value, dict) and isinstance(other, dict):
        return value.keys() == other.keys() and all(_is_same(value[key], other[key]) for key in value)
    if isinstance(value, list) and isinstance(other, list):
        return len(value) == len(other) and all(map(_is_same, value, other))
    # Nothing else that JSON gives differs from itself.
    return bool(value == other or (value != value and other != other))  # noqa: PLR0124 - see above
