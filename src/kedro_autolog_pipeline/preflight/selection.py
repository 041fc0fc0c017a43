"""The configured models come in, their pairs go out: all of them, or those that a run completes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import attrs
import kedro
from kedro.io import DataCatalog, DatasetError
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from packaging.version import Version

from kedro_autolog_pipeline.config.schema import ModelConfig, PartialRuns
from kedro_autolog_pipeline.datasets.packageable import why_not_packageable
from kedro_autolog_pipeline.dependencies.requirements import why_unreadable
from kedro_autolog_pipeline.errors import ConfigurationError
from kedro_autolog_pipeline.pairing.pair import Pair, dataset_of, resolve_pair
from kedro_autolog_pipeline.pairing.parameters import read_parameters
from kedro_autolog_pipeline.pairing.registry import (
    fetch_pipelines,
    is_known,
    may_be_in_run,
    registered_names,
)
from kedro_autolog_pipeline.run.kedro_run import KedroRun
from kedro_autolog_pipeline.serving.manifest import Origin

_LOGGER = logging.getLogger(__name__)


def completed_pairs(
    models: Iterable[ModelConfig],
    run: KedroRun,
    parameters_in_files: Callable[[], Mapping[str, Any]],
    *,
    partial_runs: PartialRuns = PartialRuns.SKIP,
) -> list[Pair]:
    """Find the pairs that a run is to be packaged for, before it runs: those whose training pipeline it contains.

    The modules of a training pipeline that cannot be in the run are not imported.

    Args:
        models: What the user configured.
        run: The run.
        parameters_in_files: Gives the parameters as the project's files and the command line have them.
        partial_runs: What becomes of a pair whose training pipeline the run contains in part; one that is left out is
            told in a WARNING.

    Raises:
        ConfigurationError: With every mistake in these pairs, every pipeline that is not registered, and every
            training pipeline that the run contains in part where that is an error.
    """
    possible = [model for model in models if may_be_in_run(model.training) or not is_known(model.inference)]
    candidates, mistakes = _fetch(possible)
    models_to_package = []
    for model in candidates:
        # Kedro compares nodes by name, inputs and outputs: a run holds other objects than the registry.
        nodes = set(model.training.nodes)
        if nodes and nodes.isdisjoint(run.pipeline.nodes):
            continue
        left_out = nodes - run.nodes_to_run()
        if not left_out or partial_runs is PartialRuns.PACKAGE:
            models_to_package.append(model)
            mistakes += _why_absent(model, left_out, run.catalog)
        elif partial_runs is PartialRuns.ERROR:
            mistakes.append(f"autolog_pipeline.models.{model.config.name}: {_why_partial(model, left_out)}")
        else:
            _LOGGER.warning("'%s' will not be packaged: %s", model.config.name, _why_partial(model, left_out))
    pairs, found = _resolve(models_to_package, run.catalog, run.project_path, parameters_in_files, run.written)
    return _without_mistakes(pairs, mistakes + found)


def partly_trained(models: Iterable[ModelConfig], run: KedroRun) -> dict[str, list[str]]:
    """Find what a run gives to pairs whose training pipeline it contains in part.

    Args:
        models: What the user configured.
        run: The run.

    Returns:
        By the model's name, the inputs of its inference pipeline that nodes of the run write; only models with some.
    """
    found, _ = _fetch(model for model in models if may_be_in_run(model.training) or not is_known(model.inference))
    given = {
        model.config.name: [name for name in sorted(model.inference.inputs()) if run.written_as([name])]
        for model in found
        if not set(model.training.nodes) <= set(run.pipeline.nodes)
    }
    return {name: datasets for name, datasets in given.items() if datasets}


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
    registered, mistakes = _fetch(models)
    pairs, found = _resolve(registered, catalog, project_path, parameters_in_files, None)
    return _without_mistakes(pairs, mistakes + found)


@attrs.frozen
class _Model:
    """A model that the user configured, with its registered pipelines."""

    config: ModelConfig
    training: Pipeline
    inference: Pipeline


def _fetch(models: Iterable[ModelConfig]) -> tuple[list[_Model], list[str]]:
    found: list[_Model] = []
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
        if not unregistered:
            found.append(_Model(config, registered[config.training], registered[config.inference]))
    return found, mistakes


def _resolve(
    models: Iterable[_Model],
    catalog: DataCatalog,
    project_path: Path,
    parameters_in_files: Callable[[], Mapping[str, Any]],
    written: frozenset[str] | None,
) -> tuple[list[Pair], list[str]]:
    pairs: list[Pair] = []
    mistakes: list[str] = []
    for model in models:
        pair, found = resolve_pair(model.config, model.training, model.inference, catalog.__contains__)
        mistakes += found
        pairs.append(pair)
        mistakes += [
            f"autolog_pipeline.models.{model.config.name}.{mistake}"
            for mistake in _why_not_packageable(pair, catalog, written, project_path, parameters_in_files)
        ]
    return pairs, mistakes


def _without_mistakes(pairs: list[Pair], mistakes: list[str]) -> list[Pair]:
    if mistakes:
        raise ConfigurationError(mistakes)
    return pairs


def _why_not_packageable(
    pair: Pair,
    catalog: DataCatalog,
    written: frozenset[str] | None,
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
            if (reason := why_not_packageable(name, catalog, written))
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


def _why_partial(model: _Model, left_out: Collection[Node]) -> str:
    """Tell what a run leaves out, and what to do about it."""
    config = model.config
    missing = _not_produced(model, left_out)
    if missing:
        names = ", ".join(f"'{name}'" for name in missing)
        why = f"this run does not produce {names}"
    else:
        nodes = ", ".join(sorted(node.name for node in left_out))
        why = f"this run leaves out the nodes {nodes} of its training pipeline '{config.training}'"
    option = "--pipelines" if Version(kedro.__version__) >= Version("1.2") else "--pipeline"
    return (
        f"{why}. Run 'kedro run {option} {config.training}', or package it with what is there: set 'partial_runs: "
        "package' in mlflow.yml, or run 'kedro autolog package --run-id <id>' for a run that MLflow tracks."
    )


def _why_absent(model: _Model, left_out: Collection[Node], catalog: DataCatalog) -> list[str]:
    """Give a mistake for each trained artifact that a run neither produces nor finds."""
    mistakes = []
    for name in _not_produced(model, left_out):
        try:
            there = name in catalog and catalog.exists(name)
            why = "there is none yet"
        except DatasetError as error:
            there, why = False, f"whether there is one cannot be seen ({error})"
        if not there:
            mistakes.append(
                f"autolog_pipeline.models.{model.config.name}: this run does not produce '{name}', and {why}. "
                f"Run the whole pipeline '{model.config.training}' first."
            )
    return mistakes


def _not_produced(model: _Model, left_out: Collection[Node]) -> list[str]:
    outputs = {dataset_of(name) for node in left_out for name in node.outputs}
    return sorted(name for name in model.inference.inputs() if dataset_of(name) in outputs)


def _nearest(name: str) -> str:
    known = registered_names()
    close = get_close_matches(name, known, n=1)
    return f"Did you mean '{close[0]}'?" if close else f"There are: {', '.join(known)}."
