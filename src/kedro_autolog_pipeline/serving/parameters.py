"""Parameters as the project's files hold them come in, values as the nodes declare them go out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from numbers import Integral, Real
from typing import Any, TypeAlias

import numpy as np
from kedro.pipeline import Pipeline

from kedro_autolog_pipeline.errors import PredictionError
from kedro_autolog_pipeline.serving.suggestions import suggest

PARAMETER_PREFIX = "params:"
ALL_PARAMETERS = "parameters"

_Path: TypeAlias = tuple[Any, ...]
"""Keys that lead to a value in the parameters files; none for all of them."""

_NOTHING = object()


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


class Parameters:
    """The parameters of a model, and what each of its callers makes of them.

    A caller names a parameter by its path in the parameters files, as for ``kedro run --params``: ``threshold``,
    ``model.depth``, or ``model`` with a dictionary, which is merged into the packaged one. Whatever name it has, every
    node that reads it sees it: ``params:model``, ``params:model.depth`` and ``parameters``.

    What may be given is what MLflow's signature lets through: a value of the packaged one's type, or an integer for a
    float, and no key that the packaged dictionary lacks. A dataclass or pydantic model judges its own keys and types;
    null and an empty dictionary say nothing of theirs.

    Args:
        values: Plain value by dataset name, ``params:x`` or ``parameters``.
        pipeline: The pipeline whose nodes read them.

    Attributes:
        packaged: Value by dataset name as the nodes get it when a caller gives none.

    Raises:
        Exception: Kedro's ``ParameterValidationError``, when a value does not fit its type.
    """

    def __init__(self, values: Mapping[str, Any], pipeline: Pipeline) -> None:
        self._validator = _validator(pipeline)
        self._plain = {_path_of(name): (name, value) for name, value in values.items()}
        types = self._validator.type_extractor.extract_types_from_pipelines() if self._validator else ()
        self._judged = {_path_of(name) for name in types}
        self.packaged = _typed(values, self._validator)

    def overrides(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Give what nodes read instead of ``packaged``, by dataset name, where a caller changes anything.

        Args:
            params: Value by the caller's name for a parameter; not changed. One that equals the packaged value is as
                one not given, since MLflow gives all those that a caller leaves out; of two that contradict each
                other, the longer path counts.

        Raises:
            PredictionError: When a name is not one of the pipeline's parameters, or a value does not fit it.
        """
        given = [
            located
            for name, value in params.items()
            if not self._is_packaged(path := _path_of(name), value)
            for located in self._located(path, value)
        ]
        if not given:
            return {}
        tree: Any = {}
        for path, value in sorted(given, key=lambda each: len(each[0])):
            tree = _merged(tree, path, value)
        changed = {}
        for path, (name, packaged) in self._plain.items():
            new = _below(tree, path)
            if new is not _NOTHING:
                changed[name] = self._replaced(packaged, new, path)
        try:
            return _typed(changed, self._validator)
        except Exception as error:
            raise PredictionError("a parameter does not fit its type.", f"Correct its value: {error}") from error

    def _is_packaged(self, path: _Path, value: Any) -> bool:
        try:
            return path in self._plain and bool(self._plain[path][1] == value)
        except ValueError:
            # An array has no truth of its own.
            return False

    def _located(self, path: _Path, value: Any) -> Iterator[tuple[_Path, Any]]:
        """Split a value into those that lie in a parameter that a node reads."""
        if any(path[: len(known)] == known for known in self._plain):
            yield path, value
        elif not any(known[: len(path)] == path for known in self._plain):
            raise self._unknown(path, [_callers_name(known) for known in self._plain])
        elif isinstance(value, Mapping):
            for key, item in value.items():
                yield from self._located((*path, key), item)
        else:
            raise _unfit(path, "a dictionary", value)

    def _replaced(self, packaged: Any, new: Any, path: _Path) -> Any:
        """Put a new value in the place of the packaged one, and judge it unless a type does."""
        is_judged = any(path[: len(typed)] == typed for typed in self._judged)
        if isinstance(packaged, Mapping) and isinstance(new, Mapping):
            unknown = [key for key in new if key not in packaged]
            if unknown and packaged and not is_judged:
                known = [_callers_name((*path, key)) for key in packaged]
                raise self._unknown((*path, unknown[0]), known)
            merged = {
                key: self._replaced(packaged[key], item, (*path, key)) if key in packaged else item
                for key, item in new.items()
            }
            return {**packaged, **merged}
        if not is_judged and (kind := _missed_kind(packaged, new)):
            raise _unfit(path, kind, new)
        return new

    @staticmethod
    def _unknown(path: _Path, known: list[str]) -> PredictionError:
        name = _callers_name(path)
        return PredictionError(f"no node of the pipeline reads a parameter '{name}'.", suggest(name, sorted(known)))


def _validator(pipeline: Pipeline) -> Any:
    """Give Kedro's validator of the parameters; None when it has none or no node asks for a type."""
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


def _path_of(name: str) -> _Path:
    """Give the path of a parameter, by its dataset's name or by its caller's."""
    return () if name == ALL_PARAMETERS else tuple(name.removeprefix(PARAMETER_PREFIX).split("."))


def _callers_name(path: _Path) -> str:
    return ".".join(map(str, path)) or ALL_PARAMETERS


def _merged(tree: Any, path: _Path, value: Any) -> Any:
    """Give ``tree`` with ``value`` at ``path``; neither is changed."""
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


def _unfit(path: _Path, expected: str, value: Any) -> PredictionError:
    return PredictionError(
        f"the parameter '{_callers_name(path)}' is {expected}, and got '{type(value).__name__}'.", f"Give {expected}."
    )
