"""Names and a catalog come in, the parameters' values that a package keeps go out."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from kedro.io import DataCatalog

from kedro_autolog_pipeline.loggers import quiet
from kedro_autolog_pipeline.serving.parameters import ALL_PARAMETERS, PARAMETER_PREFIX


def read_parameters(
    names: list[str], catalog: DataCatalog, in_files: Callable[[], Mapping[str, Any]]
) -> tuple[dict[str, Any], list[str]]:
    """Read parameters as the run had them, and as plain data.

    Args:
        names: Dataset names, ``params:x`` or ``parameters``.
        catalog: The catalog of the run. Kedro 1.3+ holds there the dataclass or pydantic model that a node of this
            run asks for; then the value is read from the files that it was made of.
        in_files: Gives the parameters as the project's files and the command line have them.

    Returns:
        Value by dataset name, and the names of those that JSON would change or cannot hold. Python's JSON has
        infinity and not-a-number.
    """
    values, refused = {}, []
    for name in names:
        # Kedro tells of what it loads, which would read as a part of the user's run.
        with quiet("kedro", logging.WARNING):
            value = catalog.load(name)
        if not _survives(value):
            value = _lookup(name, in_files())
        if _survives(value):
            values[name] = value
        else:
            refused.append(name)
    return values, refused


def callers_name(name: str) -> str:
    """Give the name by which a caller of ``predict`` knows a parameter: ``threshold`` for ``params:threshold``."""
    return name.removeprefix(PARAMETER_PREFIX)


def _lookup(name: str, parameters: Mapping[str, Any]) -> Any:
    """Find a parameter by its dataset name; what cannot be found is an object that no file can hold."""
    if name == ALL_PARAMETERS:
        return dict(parameters)
    found: Any = parameters
    for key in callers_name(name).split("."):
        if not isinstance(found, Mapping) or key not in found:
            return NotImplemented
        found = found[key]
    return found


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
