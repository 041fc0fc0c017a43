"""Find the names in a configuration that MLflow will refuse.

MLflow has no public function that judges a name. It applies these rules when a model is logged, after the training.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from kedro_autolog_pipeline.config.schema import ModelConfig

_NOT_IN_LOGGED_MODEL = "/:.%\"'"
_NOT_IN_REGISTERED_MODEL = "/:"
_LONGEST_EXPERIMENT = 500
_LONGEST_TAG_KEY = 250


def illegal_names(model: ModelConfig) -> list[str]:
    """List a mistake for each name in a model's configuration that MLflow refuses, beginning with its key's path."""
    return [f"{model.path}{mistake}" for mistake in _of_model(model)]


def why_illegal_experiment(name: str) -> str | None:
    """Say why MLflow refuses an experiment's name, beginning with its key's path; None when it does not."""
    if len(name) <= _LONGEST_EXPERIMENT:
        return None
    return f"tracking.experiment.name: it has {len(name)} characters. MLflow allows {_LONGEST_EXPERIMENT}."


def _of_model(model: ModelConfig) -> Iterator[str]:
    if _has_any(model.name, _NOT_IN_LOGGED_MODEL):
        yield f": {model.name!r} cannot name a logged model. MLflow forbids {' '.join(_NOT_IN_LOGGED_MODEL)} in it."
    registered = model.registered_model_name
    if registered is None:
        return
    if _has_any(registered, _NOT_IN_REGISTERED_MODEL):
        yield (
            f".registered_model_name: {registered!r} cannot name a registered model. "
            f"MLflow forbids {' '.join(_NOT_IN_REGISTERED_MODEL)} in it."
        )
    elif not is_plain_path(registered):
        yield (
            f".registered_model_name: {registered!r} cannot name a registered model. "
            "MLflow forbids what a file system takes for another directory."
        )
    if model.alias is not None:
        yield from (f".alias: {mistake}" for mistake in mistakes_of_alias(model.alias))
    # The tags of a version are judged, those of a logged model are not.
    yield from (
        f".tags: {key!r} cannot be the key of a tag. MLflow allows letters, digits, spaces and _ - . : / in it, "
        f"{_LONGEST_TAG_KEY} of them at most, and nothing that a file system takes for another path."
        for key in model.tags
        if len(key) > _LONGEST_TAG_KEY or not re.fullmatch(r"[/\w.\- :]+", key) or not is_plain_path(key)
    )


def mistakes_of_alias(alias: str) -> Iterator[str]:
    """Say why MLflow refuses an alias, one sentence a mistake; nothing when it does not."""
    if not re.fullmatch(r"[\w-]{1,255}", alias):
        yield f"{alias!r} cannot be an alias. MLflow allows letters, digits, _ and - in it, 255 of them at most."
    elif alias.lower() == "latest" or re.fullmatch(r"[vV]\d+", alias):
        yield f"{alias!r} cannot be an alias. MLflow reserves 'latest', and 'v' with a number."


def _has_any(name: str, characters: str) -> bool:
    return any(character in name for character in characters)


def is_plain_path(name: str) -> bool:
    """Tell whether a name that is taken for a path stays what it is, below the directory that it is in."""
    return posixpath.normpath(name) == name and name != "." and not name.startswith(("..", "/"))
