"""Read ``mlflow.yml`` through Kedro's configuration loader.

``null`` means the same everywhere in the file: as if the key were left out.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro_autolog_pipeline.config.keys import correct_keys, find_contradictions
from kedro_autolog_pipeline.config.schema import OUR_KEY, ProjectConfig
from kedro_autolog_pipeline.config.values import structure
from kedro_autolog_pipeline.config.yaml_faults import find_yaml_fault
from kedro_autolog_pipeline.errors import ConfigurationError
from kedro_autolog_pipeline.serving.suggestions import find_nearest, suggest

if TYPE_CHECKING:
    from kedro.config import AbstractConfigLoader

# What a project that packages nothing begins with.
_EXAMPLE = """\
autolog_pipeline:
  models:
    my_model:               # the logged model's name
      training: training    # the registered pipeline whose run trains it
      inference: inference  # the registered pipeline that becomes the model\
"""


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
    # Without our key nothing is ours to judge, except our key misspelt: it would switch us off without a word.
    if OUR_KEY not in content and not any(find_nearest(key, [OUR_KEY], likeness=0.8) for key in content):
        return None
    return parse_config(content)


def why_no_environment(config_loader: AbstractConfigLoader) -> str | None:
    """Say that there is no such environment as the loader is to read, which Kedro takes for one without files.

    Returns:
        None when there is; and of an archive, which only the loader can open.
    """
    conf, env = Path(config_loader.conf_source), config_loader.env
    if env is None or not conf.is_dir() or (conf / env).is_dir():
        return None
    known = sorted(each.name for each in conf.iterdir() if each.is_dir() and not each.name.startswith((".", "_")))
    return f"there is no directory '{env}' in '{conf}'. {suggest(env, known)}"


def why_not_configured(config_loader: AbstractConfigLoader) -> str | None:
    """Say what ``mlflow.yml`` lacks for this plugin to do anything; None when it lacks nothing."""
    content = _take_content(config_loader)
    if OUR_KEY in content:
        return None
    where = f"'{config_loader.conf_source}'"
    lacks = "mlflow.yml has no key 'autolog_pipeline'" if content else f"there is no mlflow.yml in {where}"
    return f"{lacks}, so nothing is packaged. Name a pair:\n{_EXAMPLE}"


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
    meant, mistakes = correct_keys(content)
    mistakes.extend(find_contradictions(meant))
    try:
        config = structure(meant)
    except ConfigurationError as error:
        mistakes.extend(error.mistakes)
    if mistakes:
        raise ConfigurationError(sorted(mistakes))
    return config


def _take_content(config_loader: AbstractConfigLoader) -> Mapping[str, Any]:
    """Read the whole file, our key included, whether or not an earlier call took it; empty without a file."""
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
        cause = find_yaml_fault(config_loader) or " ".join(str(error).split())
        raise ConfigurationError([f"mlflow.yml: cannot be read: {cause}"]) from error
    if OUR_KEY in content:
        config_loader[OUR_KEY] = content.pop(OUR_KEY)
        config_loader["mlflow"] = content
    return {**content, OUR_KEY: config_loader[OUR_KEY]} if OUR_KEY in config_loader else content


def _register_random_name() -> None:
    """Let the file use ``${km.random_name:}``, which kedro-mlflow registers after we have read the file."""
    resolvers = sys.modules.get("kedro_mlflow.config.resolvers")
    if resolvers is None:
        return
    from omegaconf import OmegaConf

    if not OmegaConf.has_resolver("km.random_name"):
        OmegaConf.register_new_resolver("km.random_name", resolvers.resolve_random_name, use_cache=True)
