"""Select the models that a run is packaged for, each with its pair and the mistakes in it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import attrs
import cloudpickle
import kedro
from kedro.io import DataCatalog, DatasetError
from kedro.io.core import is_parameter
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from packaging.version import Version

from kedro_autolog_pipeline.config.project import Project
from kedro_autolog_pipeline.config.schema import ModelConfig, PartialRuns
from kedro_autolog_pipeline.datasets.packageable import why_not_packageable
from kedro_autolog_pipeline.dependencies.requirements import why_unreadable
from kedro_autolog_pipeline.errors import ConfigurationError
from kedro_autolog_pipeline.loggers import get_logger
from kedro_autolog_pipeline.pairing.pair import Pair, dataset_of, resolve_pair
from kedro_autolog_pipeline.pairing.parameters import read_parameters
from kedro_autolog_pipeline.pairing.registry import fetch_pipelines, may_be_trained, registered_names
from kedro_autolog_pipeline.preflight.intermediates import find_faulty_intermediates
from kedro_autolog_pipeline.preflight.promises import find_empty_promises
from kedro_autolog_pipeline.run.kedro_run import KedroRun
from kedro_autolog_pipeline.serving.manifest import Origin
from kedro_autolog_pipeline.serving.suggestions import find_nearest, suggest
from kedro_autolog_pipeline.tracking.run import is_opened_elsewhere

_LOGGER = get_logger(__name__)


@attrs.frozen
class Selection:
    """A model that is to be packaged.

    Attributes:
        config: What the user asked for.
        pair: Its pair; None when one of its pipelines is not to be had. With mistakes, it may lack inputs.
        mistakes: One sentence a mistake, beginning with the path of a key.
    """

    config: ModelConfig
    pair: Pair | None
    mistakes: tuple[str, ...]


def select_for_run(config: ModelConfig, project: Project, run: KedroRun) -> Selection | None:
    """Select a model when a run, before its first node, contains its training pipeline.

    The modules of a training pipeline that cannot be in the run are not imported. A model that the run trains in part
    and is not to be packaged for is told in a WARNING; where the MLflow run was opened elsewhere, other processes may
    do the rest, and it is no cause for one.

    Args:
        config: What the user asked for.
        project: The project.
        run: The run.

    Returns:
        None when the run is not packaged for it.
    """
    if not may_be_trained(config):
        return None
    model, mistakes = _fetch(config)
    if model is None:
        return Selection(config, None, tuple(mistakes))
    # Kedro compares nodes by name, inputs and outputs: a run holds other objects than the registry.
    nodes = set(model.training.nodes)
    if nodes and nodes.isdisjoint(run.pipeline.nodes):
        return None
    left_out = nodes - run.nodes_to_run()
    partial_runs = project.config.autolog_pipeline.partial_runs
    if left_out and partial_runs is PartialRuns.SKIP:
        if is_opened_elsewhere(project.config.tracking):
            _LOGGER.info(
                "This is a part of '%s'. When all parts have run, 'kedro autolog package --run-id <id>' packages '%s'.",
                config.training,
                config.name,
            )
        else:
            _LOGGER.warning("'%s' will not be packaged: %s", config.name, _why_partial(model, left_out))
        return None
    if left_out and partial_runs is PartialRuns.ERROR:
        mistakes = [f"{config.path}: {_why_partial(model, left_out)}"]
    else:
        mistakes = _why_absent(model, left_out, run.catalog)
    return _resolve(model, project, run.catalog, mistakes, written=run.written)


def select(config: ModelConfig, project: Project, catalog: DataCatalog) -> Selection:
    """Select a model, whatever is run.

    Args:
        config: What the user asked for.
        project: The project.
        catalog: Its catalog.
    """
    model, mistakes = _fetch(config)
    return Selection(config, None, tuple(mistakes)) if model is None else _resolve(model, project, catalog, mistakes)


def resolve_pairs(configs: Iterable[ModelConfig], project: Project, catalog: DataCatalog) -> list[Pair]:
    """Resolve the pairs of models, whatever is run.

    Raises:
        ConfigurationError: With every mistake in every pair.
    """
    selections = [select(config, project, catalog) for config in configs]
    mistakes = [mistake for selection in selections for mistake in selection.mistakes]
    if mistakes:
        raise ConfigurationError(mistakes)
    return [selection.pair for selection in selections if selection.pair is not None]


def partly_trained(configs: Iterable[ModelConfig], run: KedroRun) -> dict[str, list[str]]:
    """Find what a run gives to pairs whose training pipeline it contains in part.

    Args:
        configs: What the user configured.
        run: The run.

    Returns:
        By the model's name, the inputs of its inference pipeline that nodes of the run write. They are none where the
        run has the node that evaluates alone, whose metrics belong to the MLflow run as well.
    """
    given = {}
    nodes = set(run.pipeline.nodes)
    for config in filter(may_be_trained, configs):
        model, _ = _fetch(config)
        if model is None or set(model.training.nodes) <= nodes:
            continue
        written = [name for name in sorted(model.inference.inputs()) if run.written_as([name])]
        if written or not nodes.isdisjoint(model.training.nodes):
            given[config.name] = written
    return given


@attrs.frozen
class _Model:
    """A model that the user configured, with its registered pipelines."""

    config: ModelConfig
    training: Pipeline
    inference: Pipeline


def _fetch(config: ModelConfig) -> tuple[_Model | None, list[str]]:
    """Fetch the pipelines of a model, or return the reasons why they cannot be had."""
    try:
        registered = fetch_pipelines([config.training, config.inference])
    except Exception as error:  # noqa: BLE001 - the project's own modules may raise anything
        cause = f"its pipelines cannot be loaded ({error!r})"
        return None, [f"{config.path}: {cause}. Run 'kedro registry list' to see why."]
    unregistered = [
        f"{config.path}.{key}: no pipeline is registered as '{name}'. {suggest(name, registered_names())}"
        for key, name in (("training", config.training), ("inference", config.inference))
        if name not in registered
    ]
    if config.inference not in registered and find_nearest(config.inference, registered_names()) is None:
        unregistered[-1] += f" {_how_to_register(config)}"
    if unregistered:
        return None, unregistered
    return _Model(config, registered[config.training], registered[config.inference]), []


def _how_to_register(config: ModelConfig) -> str:
    """Say how a project that has no inference pipeline gets one."""
    name, training = config.inference, config.training
    return (
        f"Run 'kedro pipeline create {name}', and have its create_pipeline() return the nodes that predict. Where "
        f"'{training}' has these nodes already, tag them '{name}', and return its "
        f"create_pipeline().only_nodes_with_tags('{name}')."
    )


def _resolve(
    model: _Model,
    project: Project,
    catalog: DataCatalog,
    mistakes: Iterable[str],
    written: Collection[str] | None = None,
) -> Selection:
    """Resolve the pair of a model, and add the mistakes in it to those that are known.

    Args:
        model: The model.
        project: The project.
        catalog: The catalog of the project, or of the run.
        mistakes: What is known.
        written: The datasets that the run will write; None when no run is about to begin.
    """
    config = model.config
    pair, found = resolve_pair(config, model.training, model.inference, catalog.__contains__, catalog.keys())
    unpackageable = (f"{config.path}.{each}" for each in _why_not_packageable(pair, project, catalog, written))
    return Selection(config, pair, (*mistakes, *found, *unpackageable))


def _why_not_packageable(
    pair: Pair, project: Project, catalog: DataCatalog, written: Collection[str] | None
) -> Iterator[str]:
    """Find what would fail after the training or prove nothing, each beginning with the name of a key."""
    yield from find_empty_promises(pair)
    yield from find_faulty_intermediates(pair, catalog)
    for name in pair.inputs_from(Origin.TRAINED, Origin.REFERENCE):
        reason = why_not_packageable(name, catalog, written)
        if reason is not None:
            yield f"inference: {reason}"
    objects = read_parameters(pair.inputs_from(Origin.PARAMETER), catalog, project.parameters).objects
    for name, value in objects.items():
        try:
            cloudpickle.dumps(value)
        except Exception as error:  # noqa: BLE001 - whatever the value's own type raises
            yield f"inference: neither JSON nor a pickle can hold the value of '{name}' ({error!r}). Use plain data."
    example = pair.config.input_example
    if isinstance(example, str) and example not in catalog:
        names = sorted(name for name in catalog if not is_parameter(name))
        yield f"input_example: the catalog has no '{example}'. {suggest(example, names, 'It has')}"
    yield from why_unreadable(pair.config, project.path)


def _why_partial(model: _Model, left_out: Collection[Node]) -> str:
    """Say what a run leaves out, and what to do about it."""
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
    """Return a mistake for each trained artifact that a run neither produces nor finds."""
    mistakes = []
    for name in _not_produced(model, left_out):
        try:
            there = name in catalog and catalog.exists(name)
            why = "there is none yet"
        except DatasetError as error:
            there, why = False, f"whether there is one cannot be seen ({error})"
        if not there:
            mistakes.append(
                f"{model.config.path}: this run does not produce '{name}', and {why}. "
                f"Run the whole pipeline '{model.config.training}' first."
            )
    return mistakes


def _not_produced(model: _Model, left_out: Collection[Node]) -> list[str]:
    outputs = {dataset_of(name) for node in left_out for name in node.outputs}
    return sorted(name for name in model.inference.inputs() if dataset_of(name) in outputs)
