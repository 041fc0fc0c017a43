"""Turn the values of ``mlflow.yml`` into those of the schema, or describe what does not fit."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, NewType, NoReturn, TypeAlias

import attrs

from kedro_autolog_pipeline.config.keys import path_below
from kedro_autolog_pipeline.config.schema import (
    AutologPipelineConfig,
    EvaluateConfig,
    ModelConfig,
    ModelType,
    OnFailure,
    OnRefusal,
    PartialRuns,
    ProjectConfig,
    SignatureConfig,
    SignatureMode,
    SkewMode,
    ThresholdConfig,
)
from kedro_autolog_pipeline.errors import ConfigurationError
from kedro_autolog_pipeline.serving.copying import CopyMode
from kedro_autolog_pipeline.serving.suggestions import suggest

if TYPE_CHECKING:
    from collections.abc import Callable

    from cattrs import Converter

LONGEST_TIMEOUT = 604_800
"""In seconds. What an operating system can wait for is not endless: some count milliseconds in 32 bits."""

_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f-\x9f]")

_TagValue = NewType("_TagValue", str)

_Hook: TypeAlias = "Callable[[Any, Any], Any]"
"""Makes a value of its first argument, or raises; the second is the type that cattrs asks for."""


def structure(content: Mapping[str, Any]) -> ProjectConfig:
    """Turn the content of ``mlflow.yml`` into values; only whole seconds and tags are converted.

    Args:
        content: The file, with no key but those that there are, and without nulls.

    Raises:
        ConfigurationError: With every value that does not fit its key.
    """
    from cattrs import BaseValidationError

    try:
        return _converter().structure(content, ProjectConfig)
    except BaseValidationError as error:
        raise ConfigurationError(_described(error, "")) from error


@cache
def _converter() -> Converter:
    from cattrs import Converter

    converter = Converter()
    converter.register_structure_hook_factory(attrs.has, _section_hook)
    converter.register_structure_hook_func(lambda cls: cls == tuple[str, ...], _structure_strings)
    converter.register_structure_hook(str, _structure_string)
    converter.register_structure_hook(bool, _structure_boolean)
    converter.register_structure_hook(OnFailure, _structure_choice)
    converter.register_structure_hook(PartialRuns, _structure_choice)
    converter.register_structure_hook(SignatureMode, _structure_choice)
    converter.register_structure_hook(SkewMode, _structure_skew)
    converter.register_structure_hook(CopyMode, _structure_choice)
    converter.register_structure_hook(ModelType, _structure_choice)
    converter.register_structure_hook(OnRefusal, _structure_choice)
    converter.register_structure_hook(float, _structure_number)
    converter.register_structure_hook(_TagValue, _structure_tag)
    return converter


def _section_hook(section: type) -> _Hook:
    """Return what structures a mapping: its keys in ``_HOOKS`` by their hooks, the others by their types."""
    from cattrs.gen import make_dict_structure_fn, override

    hooks = _HOOKS.get(section, {})
    overrides: dict[str, Any] = {key: override(struct_hook=hook) for key, hook in hooks.items()}
    structure: _Hook = make_dict_structure_fn(section, _converter(), **overrides)
    return lambda value, cls: structure(_mapping(value), cls)


class _UnfitError(ValueError):
    """A value does not fit its key; the text goes on from the key's path."""


def _refuse(expected: str, value: object, hint: str = "") -> NoReturn:
    raise _UnfitError(f"expected {expected}, got {_shown(value)}. {hint}".rstrip())


def _shown(value: object) -> str:
    """Return the value as YAML writes it, of a container only its kind."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list" if value else "an empty list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(value)


def _mapping(value: object) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        is_list = isinstance(value, (list, tuple))
        _refuse(
            "a mapping",
            value,
            "Write each entry as 'key: value', without a dash."
            if is_list
            else "Write its keys below it, indented, each as 'key: value'.",
        )
    return value


def _structure_string(value: object, _: object) -> str:
    if not isinstance(value, str):
        _refuse("a string", value)
    if not value.strip():
        _refuse("a string that is not empty", value)
    if _CONTROL_CHARACTER.search(value):
        _refuse("a string without control characters", value)
    return value


def _structure_boolean(value: object, _: object) -> bool:
    if not isinstance(value, bool):
        _refuse("true or false", value)
    return value


def _structure_strings(value: object, _: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)):
        _refuse("a list of strings", value)
    return tuple(_converter().structure(value, list[str]))


def _structure_models(value: object, _: object) -> tuple[ModelConfig, ...]:
    pairs = {
        name: {**pair, "name": name} if isinstance(pair, Mapping) else pair for name, pair in _mapping(value).items()
    }
    return tuple(_converter().structure(pairs, dict[str, ModelConfig]).values())


def _structure_name(value: object, _: object) -> object:
    """Take the name of a pair, which is also its key and is judged there."""
    return value


def _structure_input_name(value: object, _: object) -> tuple[str, ...]:
    if not value or not isinstance(value, (str, list, tuple)):
        _refuse("a name or a list of names", value)
    names = tuple(_converter().structure([value] if isinstance(value, str) else value, list[str]))
    if len(set(names)) < len(names):
        raise _UnfitError("names an input twice. Name each once.")
    return names


def _structure_signature(value: object, _: object) -> SignatureConfig:
    if not isinstance(value, Mapping):
        return SignatureConfig(_converter().structure(value, SignatureMode))
    columns: dict[str, Any] = {key: _converter().structure(names, tuple[str, ...]) for key, names in value.items()}
    both = sorted(set(columns.get("optional", ())).intersection(columns.get("required", ())))
    if both:
        raise _UnfitError(f"column '{both[0]}' is both optional and required. Name it once.")
    return SignatureConfig(**columns)


def _structure_example(value: object, _: object) -> bool | str:
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        _refuse("true, false or the name of a dataset", value)
    return _structure_string(value, str)


def _structure_requirements(value: object, _: object) -> tuple[str, ...] | str:
    if isinstance(value, str):
        return _structure_string(value, str)
    if not isinstance(value, (list, tuple)):
        _refuse("a list of requirements or the path of a file", value)
    return tuple(_converter().structure(value, list[str]))


def _structure_environment(value: object, _: object) -> dict[str, Any] | str:
    if isinstance(value, str):
        return _structure_string(value, str)
    if not isinstance(value, Mapping):
        _refuse("a Conda environment or the path of a file", value)
    return _converter().structure(value, dict[str, Any])


def _structure_seconds(value: object, _: object) -> float:
    # Not-a-number is not greater than anything.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        _refuse("a positive number of seconds", value)
    if value > LONGEST_TIMEOUT:
        _refuse(f"at most {LONGEST_TIMEOUT} seconds, a week", value)
    return float(value)


def _structure_number(value: object, _: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        _refuse("a number", value)
    return float(value)


def _structure_absolute(value: object, _: object) -> float:
    if not _structure_number(value, float) > 0:
        _refuse("a number greater than 0", value)
    return _structure_number(value, float)


def _structure_relative(value: object, _: object) -> float:
    if not 0 < _structure_number(value, float) <= 1:
        _refuse("a number greater than 0 and at most 1", value)
    return _structure_number(value, float)


def _structure_conditions(value: object, _: object) -> dict[str, ThresholdConfig]:
    for name, condition in _mapping(value).items():
        if isinstance(condition, Mapping) and condition.keys() <= {"greater_is_better"}:
            raise _UnfitError(f"'{name}' has none of threshold, min_absolute_change and min_relative_change. Name one.")
    return dict(_converter().structure(value, dict[str, ThresholdConfig]))


def _structure_choice(value: object, choices: type[Enum]) -> Enum:
    by_value = {choice.value: choice for choice in choices}
    if isinstance(value, str) and value in by_value:
        return by_value[value]
    _refuse(" or ".join(map(repr, by_value)), value, suggest(str(value).lower(), by_value, listing=None))


def _structure_skew(value: object, choices: type[Enum]) -> Enum:
    # YAML takes off for false.
    return _structure_choice(SkewMode.OFF.value if value is False else value, choices)


def _structure_copy_mode(value: object, _: object) -> CopyMode | dict[str, CopyMode]:
    if not isinstance(value, Mapping):
        return _converter().structure(value, CopyMode)
    given = {str(name): mode for name, mode in value.items() if mode is not None}
    return _converter().structure(given, dict[str, CopyMode])


def _structure_runner(value: object, _: object) -> str:
    from kedro_autolog_pipeline.serving.runners import KEDRO_RUNNERS

    runner = _structure_string(value, str)
    # A dotted path is tried before training, when the project's modules can be imported.
    if "." not in runner and runner not in KEDRO_RUNNERS:
        expected = f"{' or '.join(map(repr, KEDRO_RUNNERS))}, or the dotted path of a runner"
        _refuse(expected, value, suggest(runner, KEDRO_RUNNERS, listing=None))
    return runner


def _structure_tags(value: object, _: object) -> dict[str, str]:
    given = {str(key): tag for key, tag in _mapping(value).items() if tag is not None}
    return dict(_converter().structure(given, dict[str, _TagValue]))


def _structure_tag(value: object, _: object) -> str:
    """Convert the value of a tag as MLflow does."""
    if isinstance(value, (Mapping, list, tuple)):
        _refuse("a string or a number", value)
    return str(value)


def _structure_free(value: object, _: object) -> dict[str, Any]:
    return _converter().structure(_mapping(value), dict[str, Any])


_HOOKS: Mapping[type, Mapping[str, _Hook]] = {
    AutologPipelineConfig: {"models": _structure_models},
    ModelConfig: {
        "name": _structure_name,
        "input_name": _structure_input_name,
        "copy_mode": _structure_copy_mode,
        "runner": _structure_runner,
        "signature": _structure_signature,
        "input_example": _structure_example,
        "pip_requirements": _structure_requirements,
        "extra_pip_requirements": _structure_requirements,
        "conda_env": _structure_environment,
        "tags": _structure_tags,
        "metadata": _structure_free,
        "verify_timeout": _structure_seconds,
        "promote_when": _structure_conditions,
    },
    EvaluateConfig: {"evaluator_config": _structure_free},
    ThresholdConfig: {"min_absolute_change": _structure_absolute, "min_relative_change": _structure_relative},
}
"""Hooks of keys by section, where a key takes what its type does not say."""


def _described(error: Exception, path: str) -> Iterator[str]:
    """Describe each mistake in one sentence, from the tree of errors that cattrs raises."""
    from cattrs import ClassValidationError, IterableValidationError

    if isinstance(error, ClassValidationError):
        for fault, note in error.group_exceptions()[0]:
            yield from _described(fault, path_below(path, note.name))
    elif isinstance(error, IterableValidationError):
        for fault, item in error.group_exceptions()[0]:
            is_position = isinstance(item.index, int)
            yield from _described(fault, f"{path}[{item.index}]" if is_position else path_below(path, item.index))
    elif isinstance(error, KeyError):
        yield f"{path}: missing."
    else:
        yield f"{path}: {error}"
