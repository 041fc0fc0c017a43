"""Tell the parameters of a command line that a pipeline reads from those that only the configuration does."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from kedro.io.core import is_parameter

_ALL = "parameters"
_PREFIX = "params:"


def split_by_reader(given: Mapping[str, Any], names: Collection[str]) -> tuple[dict[str, Any], list[str]]:
    """Split the parameters of a command line by whether a pipeline reads them.

    Args:
        given: Values by name, nested.
        names: What the pipelines read, as Kedro names datasets.

    Returns:
        Those that one reads, nested as they were, and the paths of the others.
    """
    read = [name.removeprefix(_PREFIX) for name in names if is_parameter(name) and name != _ALL]
    kept: dict[str, Any] = {}
    others = []
    for path, value in _leaves(given):
        if _ALL in names or any(_is_part(path, name) or _is_part(name, path) for name in read):
            _put(kept, path, value)
        else:
            others.append(path)
    return kept, others


def lacking(paths: Collection[str], given: Mapping[str, Any]) -> list[str]:
    """List the paths of parameters that are not given."""
    present = {path for path, _ in _leaves(given)}
    return [path for path in paths if path not in present]


def values_of(paths: Collection[str], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of those parameters that are given, by path."""
    return {path: value for path, value in _leaves(given) if path in paths}


def combined(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Put nested parameters together; what the other one has counts."""
    result: dict[str, Any] = {}
    for parameters in (one, other):
        for path, value in _leaves(parameters):
            _put(result, path, value)
    return result


def as_typed(read: Mapping[str, Any], withheld: Iterable[str]) -> list[str]:
    """Return the option of ``kedro run`` that gives parameters; empty where there are none.

    Args:
        read: Those that a pipeline reads, nested.
        withheld: Paths of the others, whose values may be secrets; each is shown as "...".
    """
    given = [*_leaves(read), *((path, "...") for path in withheld)]
    return ["--params", ",".join(f"{path}={value}" for path, value in given)] if given else []


def _leaves(parameters: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in parameters.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _put(parameters: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for parent in parents:
        parameters = parameters.setdefault(parent, {})
    parameters[last] = value


def _is_part(path: str, whole: str) -> bool:
    return f"{path}.".startswith(f"{whole}.")
