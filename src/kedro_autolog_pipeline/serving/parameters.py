"""Override the parameters of a model for one call, by the names that its callers know them by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from numbers import Integral, Real
from typing import Any, TypeAlias

import attrs
import numpy as np
from kedro.pipeline import Pipeline

from kedro_autolog_pipeline.errors import PredictionError
from kedro_autolog_pipeline.serving.suggestions import suggest

PARAMETER_PREFIX = "params:"
ALL_PARAMETERS = "parameters"

_Path: TypeAlias = tuple[Any, ...]
"""Keys that lead to a value in the parameters files; none for all of them."""

_NOTHING = object()


@attrs.frozen
class NamedParameter:
    """A value that a caller may name.

    Attributes:
        name: Its name: ``threshold`` for ``params:threshold``, and ``model.depth`` for a part of ``params:model``.
        path: The keys that lead to it in the parameters files; none for ``parameters``.
        value: Its packaged value, with the defaults of a dataclass or pydantic model that a node asks for.
        whole: Name of the dictionary that a node reads and that this is a part of; None when a node reads it itself.
    """

    name: str
    path: _Path
    value: Any
    whole: str | None


def typed_parameters(values: Mapping[str, Any], pipeline: Pipeline) -> dict[str, Any]:
    """Turn values into the dataclasses and pydantic models that node functions ask for by their annotations.

    Kedro 1.3+ does so when a project starts, for the pipelines that are run; before, nodes get the plain values.

    Args:
        values: Plain value by dataset name, ``params:x`` or ``parameters``.
        pipeline: The pipeline whose nodes read them.

    Raises:
        Exception: Kedro's ``ParameterValidationError``, when a value does not fit its type.
    """
    return _typed(values, _validator(pipeline))


def without_types(value: Any) -> Any:
    """Return the data that dataclasses and pydantic models in a value are made of, whose making gives them back."""
    if (content := _fields(value)) is not None:
        return {key: without_types(item) for key, item in content.items()}
    if isinstance(value, Mapping):
        return {key: without_types(item) for key, item in value.items()}
    return [without_types(item) for item in value] if type(value) is list else value


class Parameters:
    """The parameters of a model, and what each of its callers makes of them.

    A caller names a parameter by its path in the parameters files, as for ``kedro run --params``: ``threshold``,
    ``model.depth``, or ``model`` with a dictionary, which is merged into the packaged one. Whatever name it has, every
    node that reads it sees it: ``params:model``, ``params:model.depth`` and ``parameters``. A name is looked up as it
    stands before its dots are taken for a path, and a key that is no string is known by its text.

    What may be given is what MLflow's signature lets through: a value of the packaged one's type, or an integer for a
    float, and no key that the packaged dictionary lacks. A dataclass or pydantic model judges its own keys and types;
    null and an empty dictionary say nothing of theirs.

    Args:
        values: Value by dataset name, ``params:x`` or ``parameters``, without Kedro's types.
        pipeline: The pipeline whose nodes read them.

    Attributes:
        packaged: Value by dataset name as the nodes get it when a caller gives none.
        named: All that a caller may name, what nodes read before its parts; no two of one name.

    Raises:
        Exception: Kedro's ``ParameterValidationError``, when a value does not fit its type.
    """

    def __init__(self, values: Mapping[str, Any], pipeline: Pipeline) -> None:
        self._validator = _validator(pipeline)
        self.packaged = _typed(values, self._validator)
        whole = {name: _with_defaults(value, self.packaged[name]) for name, value in values.items()}
        self.named = list(_named(whole))
        self._by_name = {each.name: each for each in self.named}
        self._read = {self._by_name[_callers_name(name)].path: (name, value) for name, value in values.items()}
        self._known = [(self._by_name[_callers_name(name)].path, value) for name, value in whole.items()]
        types = self._validator.type_extractor.extract_types_from_pipelines() if self._validator else ()
        self._judged = {self._path(name) for name in types}

    def overrides(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return what nodes read instead of ``packaged``, by dataset name, where a caller changes anything.

        Args:
            params: Value by the caller's name for a parameter; not changed. MLflow adds all those that a caller leaves
                out, so a value, and within a dictionary each part, that equals the packaged one is as one not given.
                Of two that contradict each other, the longer path counts.

        Raises:
            PredictionError: When a name is not one of the pipeline's parameters, or a value does not fit it.
        """
        tree: Any = _NOTHING
        # Sorting keeps the caller's order where paths are of one length.
        for name, value in sorted(params.items(), key=lambda each: len(self._path(each[0]))):
            for path, changed in self._changes(self._path(name), value):
                tree = _merged(tree, path, changed)
        overrides = {}
        for path, (name, packaged) in self._read.items():
            new = _below(tree, path)
            if new is not _NOTHING:
                overrides[name] = self._replaced(packaged, new, path)
        try:
            return _typed(overrides, self._validator)
        except Exception as error:
            raise PredictionError("a parameter does not fit its type.", f"Correct its value: {error}") from error

    def _path(self, name: str) -> _Path:
        """Find the path of a parameter by its caller's name, which may begin with Kedro's prefix."""
        stem, rest = name.removeprefix(PARAMETER_PREFIX), ""
        while stem not in self._by_name:
            stem, dot, key = stem.rpartition(".")
            rest = f"{key}.{rest}" if rest else key
            if not dot:
                return tuple(rest.split("."))
        return (*self._by_name[stem].path, *(rest.split(".") if rest else ()))

    def _changes(self, path: _Path, value: Any) -> Iterator[tuple[_Path, Any]]:
        """Find where a value differs from what is packaged, and split one that is no node's into those that are."""
        packaged = self._packaged_at(path)
        if packaged is not _NOTHING:
            yield from _differences(path, packaged, value)
        elif any(path[: len(known)] == known for known in self._read):
            yield path, value
        elif not any(known[: len(path)] == path for known in self._read):
            raise _unknown(path, [each.name for each in self.named if each.whole is None])
        elif isinstance(value, Mapping):
            for key, item in value.items():
                yield from self._changes((*path, key), item)
        else:
            raise _unfit(path, "a dictionary", value)

    def _packaged_at(self, path: _Path) -> Any:
        found = (_below(value, path[len(known) :]) for known, value in self._known if path[: len(known)] == known)
        return next((value for value in found if value is not _NOTHING), _NOTHING)

    def _replaced(self, packaged: Any, new: Any, path: _Path) -> Any:
        """Put a new value in the place of the packaged one, and judge it unless a type does."""
        is_judged = any(path[: len(typed)] == typed for typed in self._judged)
        if isinstance(packaged, Mapping) and isinstance(new, Mapping):
            unknown = [key for key in new if key not in packaged]
            if unknown and packaged and not is_judged:
                raise _unknown((*path, unknown[0]), [_shown((*path, key)) for key in packaged])
            merged = {
                key: self._replaced(packaged[key], item, (*path, key)) if key in packaged else item
                for key, item in new.items()
            }
            return {**packaged, **merged}
        if not is_judged and (kind := _missed_kind(packaged, new)):
            raise _unfit(path, kind, new)
        return new


def is_same(one: Any, other: Any) -> bool:
    """Tell whether two values of a parameter are equal: not-a-number is itself, a boolean is no number."""
    one, other = _as_plain(one), _as_plain(other)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(is_same, one, other))
    if one is other or isinstance(one, bool) is not isinstance(other, bool):
        return one is other
    try:
        # Nothing else that parameters hold differs from itself.
        return bool(one == other or (one != one and other != other))  # noqa: PLR0124 - see above
    except Exception:  # noqa: BLE001 - a table has no truth of its own, and any other type raises what it likes
        return False


def _as_plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _named(values: Mapping[str, Any]) -> Iterator[NamedParameter]:
    """Name what nodes read and its parts, level by level; what comes first has a name that others would have too."""
    paths: dict[str, _Path] = {}
    level: list[tuple[str, _Path, Any, str | None]] = []
    # A dictionary is named before what other nodes read of it: its keys may hold dots.
    for dataset in sorted(values, key=lambda name: (name != ALL_PARAMETERS, name.count("."))):
        name = _callers_name(dataset)
        path = () if dataset == ALL_PARAMETERS else paths.get(name, tuple(name.split(".")))
        level.append((name, path, values[dataset], None))
        for part, part_path in _all_parts(name, path, values[dataset]):
            paths.setdefault(part, part_path)
    named = set()
    while level:
        below: list[tuple[str, _Path, Any, str | None]] = []
        for name, path, value, whole in level:
            if name not in named:
                named.add(name)
                yield NamedParameter(name, path, value, whole)
            below += [(*part, whole or name) for part in _parts(name, path, value)]
        level = below


def _parts(name: str, path: _Path, value: Any) -> list[tuple[str, _Path, Any]]:
    if not isinstance(value, Mapping):
        return []
    prefix = f"{name}." if path else ""
    return [(f"{prefix}{key}", (*path, key), item) for key, item in value.items()]


def _all_parts(name: str, path: _Path, value: Any) -> Iterator[tuple[str, _Path]]:
    level = _parts(name, path, value)
    while level:
        yield from ((part, part_path) for part, part_path, _ in level)
        level = [each for part in level for each in _parts(*part)]


def _differences(path: _Path, packaged: Any, value: Any) -> Iterator[tuple[_Path, Any]]:
    if isinstance(packaged, Mapping) and isinstance(value, Mapping) and packaged:
        for key, item in value.items():
            known = _key(packaged, key)
            if known is _NOTHING:
                yield (*path, key), item
            else:
                yield from _differences((*path, known), packaged[known], item)
    elif not is_same(packaged, value):
        yield path, value


def _key(values: Mapping[Any, Any], key: Any) -> Any:
    """Find a key that a caller names by its text, since JSON has no other keys."""
    return key if key in values else next((each for each in values if str(each) == str(key)), _NOTHING)


def _with_defaults(value: Any, typed: Any) -> Any:
    """Add to a value what its type has defaults for."""
    content = typed if isinstance(typed, Mapping) else _fields(typed)
    if not isinstance(value, Mapping) or content is None:
        return value
    defaults = {key: without_types(item) for key, item in content.items() if key not in value}
    return {**{key: _with_defaults(item, content.get(key)) for key, item in value.items()}, **defaults}


def _fields(value: Any) -> dict[str, Any] | None:
    """Return the arguments of which a dataclass or a pydantic model is made; None for any other value."""
    if isinstance(value, type):
        return None
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value) if field.init}
    declared = getattr(type(value), "model_fields", None)
    if declared is None or not hasattr(value, "model_dump"):
        return None
    given = {_alias(name, field): getattr(value, name) for name, field in declared.items()}
    return {**given, **(value.model_extra or {})}


def _alias(name: str, field: Any) -> str:
    return field.validation_alias if isinstance(field.validation_alias, str) else name


def _validator(pipeline: Pipeline) -> Any:
    """Return Kedro's validator of the parameters; None when it has none or no node asks for a type."""
    try:
        from kedro.validation import ParameterValidator
    except ImportError:
        return None
    validator = ParameterValidator({ALL_PARAMETERS: pipeline})
    return validator if validator.type_extractor.extract_types_from_pipelines() else None


def _typed(values: Mapping[str, Any], validator: Any) -> dict[str, Any]:
    if validator is None:
        return dict(values)
    # Kedro looks a dotted name up as it stands before it takes it for a path.
    named = {name.removeprefix(PARAMETER_PREFIX): value for name, value in values.items() if name != ALL_PARAMETERS}
    typed = validator.validate_raw_params(named)
    whole = {ALL_PARAMETERS: values[ALL_PARAMETERS]} if ALL_PARAMETERS in values else {}
    return {
        **{f"{PARAMETER_PREFIX}{name}": typed[name] for name in named},
        **{name: validator.validate_raw_params(value) for name, value in whole.items()},
    }


def _callers_name(dataset: str) -> str:
    return dataset.removeprefix(PARAMETER_PREFIX)


def _shown(path: _Path) -> str:
    return ".".join(map(str, path)) or ALL_PARAMETERS


def _merged(tree: Any, path: _Path, value: Any) -> Any:
    """Return ``tree`` with ``value`` at ``path``; neither is changed."""
    if path:
        return _merged(tree, (), {path[0]: _merged(_NOTHING, path[1:], value)})
    if isinstance(tree, Mapping) and isinstance(value, Mapping):
        return {**tree, **{key: _merged(tree.get(key, _NOTHING), (), item) for key, item in value.items()}}
    return value


def _below(tree: Any, path: _Path) -> Any:
    for key in path:
        if not isinstance(tree, Mapping) or key not in tree:
            return _NOTHING
        tree = tree[key]
    return tree


def _missed_kind(packaged: Any, new: Any) -> str | None:
    """Say what a new value should be; None when it is that, or when the packaged value does not tell."""
    kinds: list[tuple[Any, Any, str]] = [
        (bool, (bool, np.bool_), "a boolean"),
        (Integral, Integral, "an integer"),
        (Real, Real, "a number"),
        (str, str, "a string"),
        (list | tuple, (list, tuple, np.ndarray), "a list"),
        (Mapping, Mapping, "a dictionary"),
    ]
    for kind, accepted, name in kinds:
        if isinstance(packaged, kind):
            fits = isinstance(new, accepted) and (kind is bool or not isinstance(new, bool))
            return None if fits else name
    return None


def _unknown(path: _Path, known: list[str]) -> PredictionError:
    name = _shown(path)
    return PredictionError(f"no node of the pipeline reads a parameter '{name}'.", suggest(name, sorted(known)))


def _unfit(path: _Path, expected: str, value: Any) -> PredictionError:
    return PredictionError(
        f"the parameter '{_shown(path)}' is {expected}, and got '{type(value).__name__}'.", f"Give {expected}."
    )
