"""The configured models come in, their pairs go out: all of them, or those that a run completes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from kedro.io import DataCatalog
from kedro.pipeline import Pipeline

from kedro_autolog_pipeline.config import ModelConfig
from kedro_autolog_pipeline.errors import ConfigurationError
from kedro_autolog_pipeline.packaging.artifacts import why_not_packageable
from kedro_autolog_pipeline.packaging.kedro_run import KedroRun
from kedro_autolog_pipeline.packaging.pairing import Pair, resolve_pair
from kedro_autolog_pipeline.packaging.parameters import read_parameters
from kedro_autolog_pipeline.packaging.registry import (
    fetch_pipelines,
    is_known,
    may_be_in_run,
    registered_names,
)
from kedro_autolog_pipeline.packaging.requirements import why_unreadable
from kedro_autolog_pipeline.serving.manifest import Origin

_LOGGER = logging.getLogger(__name__)


def completed_pairs(
    models: Iterable[ModelConfig], run: KedroRun, parameters_in_files: Callable[[], Mapping[str, Any]]
) -> list[Pair]:
    """Find the pairs whose training pipeline a run contains, before it runs.

    A training pipeline that the run contains in part is named in one WARNING. The modules of one that cannot be in
    the run are not imported.

    Args:
        models: What the user configured.
        run: The run.
        parameters_in_files: Gives the parameters as the project's files and the command line have them.

    Raises:
        ConfigurationError: With every mistake in the pairs that this run completes, and every pipeline that is not
            registered.
    """
    possible = [model for model in models if may_be_in_run(model.training) or not is_known(model.inference)]
    return _resolve(possible, run.catalog, run.project_path, parameters_in_files, run)


def resolve_pairs(
    models: Iterable[ModelConfig],
    catalog: DataCatalog,
    project_path: Path,
    parameters_in_files: Callable[[], Mapping[str, Any]],
) -> list[Pair]:
    """Resolve every pair, whatever is run.

    Raises:
        ConfigurationError: With every mistake in every pair.
    """
    return _resolve(models, catalog, project_path, parameters_in_files, None)


def _resolve(
    models: Iterable[ModelConfig],
    catalog: DataCatalog,
    project_path: Path,
    parameters_in_files: Callable[[], Mapping[str, Any]],
    run: KedroRun | None,
) -> list[Pair]:
    pairs: list[Pair] = []
    mistakes: list[str] = []
    for config in models:
        try:
            registered = fetch_pipelines([config.training, config.inference])
        except Exception as error:  # noqa: BLE001 - the project's own modules may raise anything
            mistakes.append(
                f"autolog_pipeline.models.{config.name}: its pipelines cannot be loaded ({error!r}). "
                f"Run 'kedro registry list' to see why."
            )
            continue
        unregistered = _unregistered(config, registered)
        mistakes += unregistered
        if unregistered or (run is not None and not _is_completed(config, run, registered[config.training])):
            continue
        pair, found = resolve_pair(
            config, registered[config.training], registered[config.inference], catalog.__contains__
        )
        mistakes += found
        pairs.append(pair)
        mistakes += [
            f"autolog_pipeline.models.{config.name}.{mistake}"
            for mistake in _why_not_packageable(pair, catalog, run, project_path, parameters_in_files)
        ]
    if mistakes:
        raise ConfigurationError(mistakes)
    return pairs


def _why_not_packageable(
    pair: Pair,
    catalog: DataCatalog,
    run: KedroRun | None,
    project_path: Path,
    parameters_in_files: Callable[[], Mapping[str, Any]],
) -> list[str]:
    """Give what would fail after the training, each beginning with the name of a key."""
    _, refused = read_parameters(pair.inputs_from(Origin.PARAMETER), catalog, parameters_in_files)
    example = pair.config.input_example
    is_unknown = isinstance(example, str) and example not in catalog
    return [
        *(
            f"inference: {reason}"
            for name in pair.inputs_from(Origin.TRAINED, Origin.REFERENCE)
            if (reason := why_not_packageable(name, catalog, None if run is None else run.written))
        ),
        *(f"inference: the value of '{name}' is not plain JSON data. Use plain data." for name in refused),
        *([f"input_example: the catalog has no '{example}'."] if is_unknown else []),
        *why_unreadable(pair.config, project_path),
    ]


def _unregistered(config: ModelConfig, registered: dict[str, Pipeline]) -> list[str]:
    return [
        f"autolog_pipeline.models.{config.name}.{key}: no pipeline is registered as '{name}'. {_nearest(name)}"
        for key, name in (("training", config.training), ("inference", config.inference))
        if name not in registered
    ]


def _is_completed(config: ModelConfig, run: KedroRun, training: Pipeline) -> bool:
    # Kedro compares nodes by name, inputs and outputs: a run holds other objects than the registry.
    missing = sorted(node.name for node in set(training.nodes) - set(run.pipeline.nodes))
    if training.nodes and len(missing) == len(training.nodes):
        return False
    if not missing and not run.leaves_out(training):
        return True
    _LOGGER.warning(
        "'%s' will not be packaged: this run leaves out %s of its training pipeline '%s'. "
        "Run 'kedro run --pipelines %s' to package it.",
        config.name,
        f"the nodes {', '.join(missing)}" if missing else "the nodes whose outputs exist",
        config.training,
        config.training,
    )
    return False


def _nearest(name: str) -> str:
    known = registered_names()
    close = get_close_matches(name, known, n=1)
    return f"Did you mean '{close[0]}'?" if close else f"There are: {', '.join(known)}."
