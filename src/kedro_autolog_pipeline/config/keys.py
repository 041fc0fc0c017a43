"""Know the keys of ``mlflow.yml``: which there are, which was meant, and which exclude each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import attrs

from kedro_autolog_pipeline.config.schema import (
    OUR_KEY,
    AutologPipelineConfig,
    EvaluateConfig,
    ExperimentConfig,
    ModelConfig,
    RunConfig,
    ServerConfig,
    SignatureConfig,
    ThresholdConfig,
)
from kedro_autolog_pipeline.serving.suggestions import find_nearest, suggest

Keys: TypeAlias = "Mapping[str, Keys | None]"
"""Keys of a section, each with those of the section below it; None where any key may stand, or no section."""

EACH_KEY = "*"
"""Stands for every key of a section whose keys are the user's."""

EXCLUSIVE_KEYS = (
    ("extra_pip_requirements", "pip_requirements", "list"),
    ("extra_pip_requirements", "conda_env", "environment"),
    ("pip_requirements", "conda_env", "environment"),
)
"""Keys of a pair that exclude each other, and of what the second one is the whole."""


def _fields(section: type[attrs.AttrsInstance]) -> dict[str, None]:
    return dict.fromkeys(field.name for field in attrs.fields(section))


# Keys that are no attribute of ours are kedro-mlflow's alone (2.0); it judges their values.
KEYS: Keys = {
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
    OUR_KEY: {
        **_fields(AutologPipelineConfig),
        "models": {
            EACH_KEY: {
                **{key: None for key in _fields(ModelConfig) if key != "name"},
                "signature": {key: None for key in _fields(SignatureConfig) if key != "mode"},
                "evaluate": _fields(EvaluateConfig),
                "promote_when": {EACH_KEY: _fields(ThresholdConfig)},
            }
        },
    },
}


def correct_keys(content: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Read the keys of ``mlflow.yml`` as they were meant.

    Args:
        content: The file; it is not changed.

    Returns:
        The file without its nulls, the value of a misspelt key under the nearest key; and a mistake for each key that
        is none. So one slip is one mistake: what it was meant to set does not count as missing too.
    """
    mistakes: list[str] = []
    return _correct(content, KEYS, "", mistakes), mistakes


def find_contradictions(content: Mapping[str, Any]) -> Iterator[str]:
    """Find keys that exclude or need each other; values of the wrong type are left to whoever reads them."""
    ours = content.get(OUR_KEY)
    if not isinstance(ours, Mapping):
        return
    models = ours.get("models", {})
    if models == {} and ours.get("enabled") is not False:
        yield f"{OUR_KEY}.models: names no pair. Add one, or set {OUR_KEY}.enabled to false."
    if not isinstance(models, Mapping):
        return
    for name, pair in models.items():
        if isinstance(pair, Mapping):
            yield from (f"{OUR_KEY}.models.{name}.{contradiction}" for contradiction in _contradictions_of_pair(pair))


def path_below(path: str, key: object) -> str:
    """Return the path of a key in the section that ``path`` leads to; empty for the whole file."""
    return f"{path}.{key}" if path else str(key)


def _correct(section: Mapping[Any, Any], keys: Keys, path: str, mistakes: list[str]) -> dict[Any, Any]:
    known = {}
    misspelt = {}
    for key, value in section.items():
        if key in keys or EACH_KEY in keys:
            known[key] = value
            continue
        nearest = find_nearest(key, keys)
        if nearest is not None:
            misspelt[nearest] = value
        deeper = None if nearest is not None else _section_with(key, keys)
        hint = (
            suggest(key, sorted(keys), "Known keys")
            if deeper is None
            else f"It is a key of '{deeper}': indent it further."
        )
        mistakes.append(f"{path_below(path, key)}: unknown key. {hint}")
    meant = {}
    for key, value in {**misspelt, **known}.items():
        inner_keys = keys.get(key, keys.get(EACH_KEY))
        if inner_keys is not None and isinstance(value, Mapping):
            meant[key] = _correct(value, inner_keys, path_below(path, key), mistakes)
        elif value is not None or EACH_KEY in keys:
            meant[key] = value
    return meant


def _section_with(key: object, keys: Keys) -> str | None:
    """Return the section one level below that has a key; None where none has."""
    return next((name for name, below in keys.items() if below is not None and key in below), None)


def _comparisons_without_rows(pair: Mapping[str, Any]) -> Iterator[str]:
    conditions = pair.get("promote_when")
    if "evaluate" in pair or not isinstance(conditions, Mapping):
        return
    for name, condition in conditions.items():
        for key in ("min_absolute_change", "min_relative_change"):
            if isinstance(condition, Mapping) and key in condition:
                yield (
                    f"promote_when.{name}.{key}: needs evaluate; the version that has the alias is compared on the "
                    "same rows."
                )


def _contradictions_of_pair(pair: Mapping[str, Any]) -> Iterator[str]:
    if "training" in pair and pair["training"] == pair.get("inference"):
        yield "inference: the same pipeline as training. Name the one that predicts."
    if "alias" in pair and "registered_model_name" not in pair:
        yield "alias: needs registered_model_name; only a registered model has aliases."
    if "promote_when" in pair and "alias" not in pair:
        yield "promote_when: needs alias, which moves to a version when the conditions hold."
    yield from _comparisons_without_rows(pair)
    for key, other, what in EXCLUSIVE_KEYS:
        if key in pair and other in pair:
            yield f"{key}: excludes {other}, which is the whole {what}. Keep one of them."
