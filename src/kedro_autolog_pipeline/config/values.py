"""What the user asked for: ``mlflow.yml`` comes in, frozen values or one error with every mistake go out.

``null`` means the same everywhere in the file: as if the key were left out.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, NewType, NoReturn, TypeAlias

import attrs

from kedro_autolog_pipeline.errors import ConfigurationError
from kedro_autolog_pipeline.serving.copying import CopyMode

if TYPE_CHECKING:
    from collections.abc import Callable

    from cattrs import Converter
    from kedro.config import AbstractConfigLoader

_OUR_KEY = "autolog_pipeline"


class OnFailure(Enum):
    """What a failed packaging does to the command that trained."""

    RAISE = "raise"
    """It fails, once training's outputs are saved."""
    WARN = "warn"
    """It succeeds, with a WARNING."""


class PartialRuns(Enum):
    """What becomes of a run that has some of a training pipeline's nodes and not all."""

    SKIP = "skip"
    """It is not packaged, with a WARNING."""
    PACKAGE = "package"
    """It is packaged with what is there; the manifest tells what the run did not produce."""
    ERROR = "error"
    """It stops before its first node."""


class SignatureMode(Enum):
    """Where the model's signature comes from."""

    AUTO = "auto"
    """Inferred from a sample, its prediction and the parameters; a column that inference does without is optional."""
    FULL = "full"
    """Inferred likewise; every column is required."""
    NONE = "none"
    """Nowhere: the model has none."""


@attrs.frozen
class ServerConfig:
    """Which tracking server, under the key ``server``.

    Attributes:
        mlflow_tracking_uri: As written; None leaves it to the environment.
        mlflow_registry_uri: As written; None means the tracking server's.
        credentials: Key of ``credentials.yml`` whose entries become environment
            variables; None means none.
    """

    mlflow_tracking_uri: str | None = None
    mlflow_registry_uri: str | None = None
    credentials: str | None = None


@attrs.frozen
class ExperimentConfig:
    """Which experiment, under the key ``tracking.experiment``.

    Attributes:
        name: None means the name of the project's package.
    """

    name: str | None = None


@attrs.frozen
class RunConfig:
    """Which MLflow run, under the key ``tracking.run``.

    Attributes:
        id: A run that exists, to be continued; None means a new one.
        name: Name of the new run; None leaves it to us.
    """

    id: str | None = None
    name: str | None = None


@attrs.frozen
class TrackingConfig:
    """Where runs go, under the key ``tracking``.

    Attributes:
        experiment: The experiment.
        run: The run.
    """

    experiment: ExperimentConfig = attrs.field(factory=ExperimentConfig)
    run: RunConfig = attrs.field(factory=RunConfig)


@attrs.frozen
class ModelConfig:
    """One pair: a training pipeline, its inference pipeline, and the options of the logged model.

    Attributes:
        name: The logged model's name, which is the pair's key under ``models``.
        training: Registered name of the training pipeline.
        inference: Registered name of the inference pipeline.
        input_name: Inputs of the inference pipeline that are given at predict
            time, in the order of the file; None means the only one that is free.
        registered_model_name: Name in the model registry; None means not registered.
        alias: Set on the registered version; None means none. Given only with a
            ``registered_model_name``.
        copy_mode: How the model copies its datasets while it predicts: one mode for all, or by
            dataset name; None leaves it to the model.
        runner: Kedro runner that predicts, by its name or its class's dotted path; None calls
            the nodes directly.
        signature: Where the signature comes from.
        input_example: Whether rows of the request data are stored as an example; a
            string names the dataset that they are taken from.
        pip_requirements: All of the model's requirements, or the path of a file of them,
            relative to the project; None means found.
        extra_pip_requirements: Requirements beside those found, likewise; None means none.
        conda_env: The model's Conda environment, or the path of a file of it, relative to
            the project; None means made of the requirements. Of these three, at most one
            is given.
        code_paths: Files and directories to ship; None means found.
        tags: Tags of the logged model, and of its registered version.
        metadata: Free entries of the model's ``MLmodel`` file.
        verify: Whether a fresh process proves the package before it is uploaded.
        verify_timeout: How long that process may take, in seconds; positive.
    """

    name: str
    training: str
    inference: str
    input_name: tuple[str, ...] | None = None
    registered_model_name: str | None = None
    alias: str | None = None
    copy_mode: CopyMode | Mapping[str, CopyMode] | None = None
    runner: str | None = None
    signature: SignatureMode = SignatureMode.AUTO
    input_example: bool | str = False
    pip_requirements: tuple[str, ...] | str | None = None
    extra_pip_requirements: tuple[str, ...] | str | None = None
    conda_env: Mapping[str, Any] | str | None = None
    code_paths: tuple[str, ...] | None = None
    tags: Mapping[str, str] = attrs.field(factory=dict)
    metadata: Mapping[str, Any] = attrs.field(factory=dict)
    verify: bool = True
    verify_timeout: float = 300.0


@attrs.frozen
class AutologPipelineConfig:
    """Our own part, under the key ``autolog_pipeline``.

    Attributes:
        enabled: Whether we do anything at all.
        on_failure: What a failed packaging does to the command that trained.
        partial_runs: What becomes of a run that leaves out nodes of a training pipeline.
        models: The pairs, in the order of the file; empty only when not enabled.
    """

    enabled: bool = True
    on_failure: OnFailure = OnFailure.RAISE
    partial_runs: PartialRuns = PartialRuns.SKIP
    models: tuple[ModelConfig, ...] = ()


@attrs.frozen(kw_only=True)
class ProjectConfig:
    """All of ``mlflow.yml`` that we use.

    Attributes:
        server: Which tracking server.
        tracking: Which experiment and run.
        autolog_pipeline: Our own part.
    """

    server: ServerConfig = attrs.field(factory=ServerConfig)
    tracking: TrackingConfig = attrs.field(factory=TrackingConfig)
    autolog_pipeline: AutologPipelineConfig


def read_config(config_loader: AbstractConfigLoader) -> ProjectConfig | None:
    """Read ``mlflow.yml`` through Kedro's loader, and take our key out of it.

    kedro-mlflow refuses a file with a key that it does not know. So the loader's
    ``mlflow`` becomes the file without our key, and our key becomes an entry of its
    own in the loader, where a second call finds it.

    Args:
        config_loader: The loader of the Kedro context.

    Returns:
        None where there is no ``mlflow.yml``, or no key ``autolog_pipeline`` in it.

    Raises:
        ConfigurationError: The file cannot be read, or it has mistakes.
    """
    content = _take_content(config_loader)
    # Without our key nothing is ours to judge, except our key misspelt: it would disable us without a word.
    if _OUR_KEY not in content and not get_close_matches(_OUR_KEY, map(str, content), cutoff=0.8):
        return None
    return parse_config(content)


def parse_config(content: Mapping[str, Any]) -> ProjectConfig:
    """Turn the content of ``mlflow.yml`` into values.

    Args:
        content: The file after Kedro has merged its environments and resolved its
            interpolations; it is not changed.

    Returns:
        The values; what the file leaves out has its default.

    Raises:
        ConfigurationError: With every mistake in the content, sorted by path.
    """
    from cattrs import BaseValidationError

    mistakes: list[str] = []
    meant = _as_meant(content, _KEYS, "", mistakes)
    mistakes.extend(_contradictions(meant))
    try:
        config = _converter().structure(meant, ProjectConfig)
    except BaseValidationError as error:
        mistakes.extend(_described(error, ""))
    if mistakes:
        raise ConfigurationError(sorted(mistakes))
    return config


# --- reading the file


def _take_content(config_loader: AbstractConfigLoader) -> Mapping[str, Any]:
    """The whole file, our key included, whether or not an earlier call took it; empty without a file."""
    from kedro.config import MissingConfigException

    # A loader of the project's own need not know patterns.
    if hasattr(config_loader, "config_patterns"):
        config_loader.config_patterns.setdefault("mlflow", ["mlflow*", "mlflow*/**", "**/mlflow*"])
    _register_random_name()
    try:
        content = dict(config_loader["mlflow"])
    except (MissingConfigException, KeyError):
        return {}
    except Exception as error:  # What YAML, OmegaConf, resolvers and loaders raise has no other base.
        cause = " ".join(str(error).split())
        raise ConfigurationError([f"mlflow.yml: cannot be read: {cause}"]) from error
    if _OUR_KEY in content:
        config_loader[_OUR_KEY] = content.pop(_OUR_KEY)
        config_loader["mlflow"] = content
    return {**content, _OUR_KEY: config_loader[_OUR_KEY]} if _OUR_KEY in config_loader else content


def _register_random_name() -> None:
    """Let the file use ``${km.random_name:}``, which kedro-mlflow registers after we have read the file."""
    resolvers = sys.modules.get("kedro_mlflow.config.resolvers")
    if resolvers is None:
        return
    from omegaconf import OmegaConf

    if not OmegaConf.has_resolver("km.random_name"):
        OmegaConf.register_new_resolver("km.random_name", resolvers.resolve_random_name, use_cache=True)


# --- its keys

_Keys: TypeAlias = "Mapping[str, _Keys | None]"
"""Keys of a section, each with those of the section below it; None where any key may stand, or no section."""

_EACH = "*"
"""Stands for every key of a section whose keys are the user's."""


def _fields(section: type[attrs.AttrsInstance]) -> dict[str, None]:
    return dict.fromkeys(field.name for field in attrs.fields(section))


# Keys that are no attribute of ours are kedro-mlflow's alone (2.0); it judges their values.
_KEYS: _Keys = {
    "server": {
        **_fields(ServerConfig),
        "request_header_provider": dict.fromkeys(("type", "pass_context", "init_kwargs")),
    },
    "tracking": {
        "experiment": {
            **_fields(ExperimentConfig),
            "create_experiment_kwargs": dict.fromkeys(("artifact_location", "tags")),
            "restore_if_deleted": None,
        },
        "run": {**_fields(RunConfig), "nested": None},
        "disable_tracking": dict.fromkeys(("pipelines", "disable_autologging")),
        "params": {
            "dict_params": dict.fromkeys(("flatten", "recursive", "sep")),
            "long_params_strategy": None,
        },
    },
    "ui": dict.fromkeys(("port", "host")),
    _OUR_KEY: {
        **_fields(AutologPipelineConfig),
        "models": {_EACH: {key: None for key in _fields(ModelConfig) if key != "name"}},
    },
}


def _as_meant(section: Mapping[Any, Any], keys: _Keys, path: str, mistakes: list[str]) -> dict[Any, Any]:
    """The section without its nulls, and with the value of a misspelt key under the nearest key.

    So one slip is one mistake: what it was meant to give does not count as missing too.
    """
    known = {}
    misspelt = {}
    for key, value in section.items():
        if key in keys or _EACH in keys:
            known[key] = value
            continue
        nearest = get_close_matches(str(key), keys, n=1)
        misspelt.update(dict.fromkeys(nearest, value))
        hint = f"Did you mean '{nearest[0]}'?" if nearest else f"Known keys: {', '.join(sorted(keys))}."
        mistakes.append(f"{_below(path, key)}: unknown key. {hint}")
    meant = {}
    for key, value in {**misspelt, **known}.items():
        inner_keys = keys.get(key, keys.get(_EACH))
        if inner_keys is not None and isinstance(value, Mapping):
            meant[key] = _as_meant(value, inner_keys, _below(path, key), mistakes)
        elif value is not None or _EACH in keys:
            meant[key] = value
    return meant


def _below(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)


def _contradictions(content: Mapping[str, Any]) -> Iterator[str]:
    """Names of pairs that are none, and keys that exclude or need each other; wrong types are left to structuring."""
    ours = content.get(_OUR_KEY)
    if not isinstance(ours, Mapping):
        return
    models = ours.get("models", {})
    if models == {} and ours.get("enabled") is not False:
        yield f"{_OUR_KEY}.models: names no pair. Add one, or set {_OUR_KEY}.enabled to false."
    if not isinstance(models, Mapping):
        return
    for name, pair in models.items():
        path = f"{_OUR_KEY}.models.{name}"
        try:
            _structure_string(name, str)
        except _UnfitError as error:
            yield f"{path}: {error}"
        if isinstance(pair, Mapping):
            yield from (f"{path}.{contradiction}" for contradiction in _contradictions_of_pair(pair))


def _contradictions_of_pair(pair: Mapping[str, Any]) -> Iterator[str]:
    if "training" in pair and pair["training"] == pair.get("inference"):
        yield "inference: the same pipeline as training. Name the one that predicts."
    if "alias" in pair and "registered_model_name" not in pair:
        yield "alias: needs registered_model_name; only a registered model has aliases."
    for key, other, what in (
        ("extra_pip_requirements", "pip_requirements", "list"),
        ("extra_pip_requirements", "conda_env", "environment"),
        ("pip_requirements", "conda_env", "environment"),
    ):
        if key in pair and other in pair:
            yield f"{key}: excludes {other}, which is the whole {what}. Keep one of them."


# --- its values

_TagValue = NewType("_TagValue", str)

_Hook: TypeAlias = "Callable[[Any, Any], Any]"
"""Structures a value, its first argument, or raises; the second is the type that cattrs asks for."""


@cache
def _converter() -> Converter:
    """Structures what was meant; coerces nothing but a whole number of seconds, and tags."""
    from cattrs import Converter

    converter = Converter()
    converter.register_structure_hook_factory(attrs.has, _section_hook)
    converter.register_structure_hook_func(lambda cls: cls == tuple[str, ...], _structure_strings)
    converter.register_structure_hook(str, _structure_string)
    converter.register_structure_hook(bool, _structure_boolean)
    converter.register_structure_hook(OnFailure, _structure_choice)
    converter.register_structure_hook(PartialRuns, _structure_choice)
    converter.register_structure_hook(SignatureMode, _structure_choice)
    converter.register_structure_hook(CopyMode, _structure_choice)
    converter.register_structure_hook(_TagValue, _structure_tag)
    return converter


def _section_hook(section: type) -> _Hook:
    """Structures a mapping: its keys in ``_HOOKS`` by their hooks, the others by their types."""
    from cattrs.gen import make_dict_structure_fn, override

    hooks = _HOOKS.get(section, {})
    overrides: dict[str, Any] = {key: override(struct_hook=hook) for key, hook in hooks.items()}
    structure: _Hook = make_dict_structure_fn(section, _converter(), **overrides)
    return lambda value, cls: structure(_mapping(value), cls)


class _UnfitError(ValueError):
    """A value does not fit its key; the text goes on from the key's path."""


def _refuse(expected: str, value: object, hint: str = "") -> NoReturn:
    msg = f"expected {expected}, got {_shown(value)}.{hint}"
    raise _UnfitError(msg)


def _shown(value: object) -> str:
    """The value as YAML writes it, a container only by its kind."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list" if value else "an empty list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(value)


def _mapping(value: object) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        _refuse("a mapping", value)
    return value


def _structure_string(value: object, _: object) -> str:
    if not isinstance(value, str):
        _refuse("a string", value)
    if not value.strip():
        _refuse("a string that is not empty", value)
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
        str(name): {**pair, "name": str(name)} if isinstance(pair, Mapping) else pair
        for name, pair in _mapping(value).items()
    }
    return tuple(_converter().structure(pairs, dict[str, ModelConfig]).values())


def _structure_input_name(value: object, _: object) -> tuple[str, ...]:
    if not value or not isinstance(value, (str, list, tuple)):
        _refuse("a name or a list of names", value)
    names = tuple(_converter().structure([value] if isinstance(value, str) else value, list[str]))
    if len(set(names)) < len(names):
        msg = "names an input twice. Name each once."
        raise _UnfitError(msg)
    return names


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
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
        _refuse("a positive number of seconds", value)
    return float(value)


def _structure_choice(value: object, choices: type[Enum]) -> Enum:
    by_value = {choice.value: choice for choice in choices}
    if isinstance(value, str) and value in by_value:
        return by_value[value]
    nearest = get_close_matches(str(value).lower(), by_value, n=1)
    hint = f" Did you mean '{nearest[0]}'?" if nearest else ""
    _refuse(" or ".join(map(repr, by_value)), value, hint)


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
        close = get_close_matches(runner, KEDRO_RUNNERS, n=1)
        hint = f" Did you mean '{close[0]}'?" if close else ""
        _refuse(f"{' or '.join(map(repr, KEDRO_RUNNERS))}, or the dotted path of a runner", value, hint)
    return runner


def _structure_tags(value: object, _: object) -> dict[str, str]:
    given = {str(key): tag for key, tag in _mapping(value).items() if tag is not None}
    return dict(_converter().structure(given, dict[str, _TagValue]))


def _structure_tag(value: object, _: object) -> str:
    """As MLflow does with the values of tags."""
    if isinstance(value, (Mapping, list, tuple)):
        _refuse("a string or a number", value)
    return str(value)


def _structure_metadata(value: object, _: object) -> dict[str, Any]:
    return _converter().structure(_mapping(value), dict[str, Any])


_HOOKS: Mapping[type, Mapping[str, _Hook]] = {
    AutologPipelineConfig: {"models": _structure_models},
    ModelConfig: {
        "input_name": _structure_input_name,
        "copy_mode": _structure_copy_mode,
        "runner": _structure_runner,
        "input_example": _structure_example,
        "pip_requirements": _structure_requirements,
        "extra_pip_requirements": _structure_requirements,
        "conda_env": _structure_environment,
        "tags": _structure_tags,
        "metadata": _structure_metadata,
        "verify_timeout": _structure_seconds,
    },
}
"""Hooks of keys by section, where a key takes what its type does not say."""


def _described(error: Exception, path: str) -> Iterator[str]:
    """One sentence a mistake, from the tree of errors that cattrs raises."""
    from cattrs import ClassValidationError, IterableValidationError

    if isinstance(error, ClassValidationError):
        for fault, note in error.group_exceptions()[0]:
            yield from _described(fault, _below(path, note.name))
    elif isinstance(error, IterableValidationError):
        for fault, item in error.group_exceptions()[0]:
            is_position = isinstance(item.index, int)
            yield from _described(fault, f"{path}[{item.index}]" if is_position else _below(path, item.index))
    elif isinstance(error, KeyError):
        yield f"{path}: missing."
    else:
        yield f"{path}: {error}"
