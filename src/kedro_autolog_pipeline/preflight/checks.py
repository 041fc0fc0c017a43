"""A run comes in before its first node, all that is known to prevent its models goes out; nothing is written."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import attrs
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline

from kedro_autolog_pipeline.config.project import Project
from kedro_autolog_pipeline.config.schema import ModelConfig
from kedro_autolog_pipeline.datasets.locations import public_uri
from kedro_autolog_pipeline.datasets.packageable import why_not_packageable
from kedro_autolog_pipeline.datasets.writability import why_not_filled, why_not_writable
from kedro_autolog_pipeline.dependencies.requirements import list_undeclared
from kedro_autolog_pipeline.errors import ConfigurationError, ModelDefinitionError, PreflightError
from kedro_autolog_pipeline.pairing.pair import Pair, resolve_pair
from kedro_autolog_pipeline.pairing.registry import fetch_pipelines
from kedro_autolog_pipeline.preflight.forecast import (
    ExpectedInput,
    Presence,
    expect_inputs,
    expect_necessities,
    needing_nodes,
)
from kedro_autolog_pipeline.preflight.selection import completed_pairs, resolve_pairs
from kedro_autolog_pipeline.run.kedro_run import KedroRun
from kedro_autolog_pipeline.serving.manifest import Origin
from kedro_autolog_pipeline.tracking.credentials import EXPORTED_CREDENTIALS
from kedro_autolog_pipeline.tracking.destination import Destination, find_destination
from kedro_autolog_pipeline.tracking.names import illegal_names, why_illegal_experiment
from kedro_autolog_pipeline.tracking.run import join_active_run, named_run
from kedro_autolog_pipeline.tracking.store import Store, find_store, why_no_answer

_Selection: TypeAlias = Callable[[ModelConfig], Sequence[Pair]]
"""Gives the pair of one model, nothing when it is not to be packaged, or raises its mistakes."""


@attrs.frozen
class Candidate:
    """A model that is to be packaged, with all that is known of it before the training.

    Attributes:
        config: What the user asked for.
        pair: Its pair; None when one of its pipelines is not to be had. One of a model that has faults may lack inputs.
        artifacts: Its trained and reference inputs.
        faults: What prevents it, one sentence each, beginning with the path of a key.
    """

    config: ModelConfig
    pair: Pair | None
    artifacts: tuple[ExpectedInput, ...]
    faults: tuple[str, ...]


@attrs.frozen
class Preflight:
    """What is known before the first node.

    Attributes:
        candidates: The models that are to be packaged, in the order of the configuration.
        store: The tracking server.
        answers: Whether it answers, and with it the model registry where one is needed.
        destination: The experiment or run; None when it was not asked for, which the caller's own run makes
            needless, and a server that does not answer impossible.
        faults: Everything that prevents the models, one sentence each; empty when nothing is known to.
    """

    candidates: tuple[Candidate, ...]
    store: Store
    answers: bool
    destination: Destination | None
    faults: tuple[str, ...]

    @property
    def pairs(self) -> list[Pair]:
        """The pairs of its models."""
        return [candidate.pair for candidate in self.candidates if candidate.pair is not None]


def find_candidates(project: Project, run: KedroRun) -> list[Candidate]:
    """Find the models that a run is to give, and what is wrong with each; MLflow is not imported for it.

    Args:
        project: The project.
        run: The run, before its first node.

    Returns:
        The models; empty when the run completes no pair.
    """

    def select(model: ModelConfig) -> Sequence[Pair]:
        return completed_pairs([model], run, project.parameters, partial_runs=config.partial_runs)

    config = project.config.autolog_pipeline
    return list(_examine(config.models, select, run.catalog, run.written, run.project_path))


def check_run(project: Project, run: KedroRun, candidates: Sequence[Candidate], staging: Path) -> Preflight:
    """Check a run that is about to begin.

    MLflow takes seconds to be imported. Where that would only add to the faults, and nobody has done it yet, its server
    is not asked for the experiment.

    Args:
        project: The project.
        run: The run, before its first node.
        candidates: The models that it is to give; not empty.
        staging: The directory in which packages are made.

    Returns:
        What is known, without faults.

    Raises:
        PreflightError: With every fault.
    """
    with EXPORTED_CREDENTIALS.exported(project.credentials):
        preflight = _look_around(project, candidates, run.project_path, staging, is_thorough=False)
    if preflight.faults:
        raise PreflightError(preflight.faults)
    return preflight


def check_project(project: Project, catalog: DataCatalog, project_path: Path, staging: Path) -> Preflight:
    """Check every pair of a project, as for a run of its default pipeline.

    Args:
        project: The project.
        catalog: Its catalog.
        project_path: Its directory.
        staging: The directory in which packages are made.
    """

    def select(model: ModelConfig) -> Sequence[Pair]:
        return resolve_pairs([model], catalog, project_path, project.parameters)

    models = project.config.autolog_pipeline.models
    produced = _default_outputs([model.training for model in models])
    candidates = list(_examine(models, select, catalog, produced, project_path))
    with EXPORTED_CREDENTIALS.exported(project.credentials):
        return _look_around(project, candidates, project_path, staging, is_thorough=True)


def _default_outputs(trainings: Collection[str]) -> set[str]:
    pipelines: dict[str, Pipeline] = {}
    for name in ("__default__", *trainings):
        try:
            pipelines |= fetch_pipelines([name])
        except Exception:  # noqa: BLE001, S112 - the project's own modules may raise anything; where it matters, it is told
            continue
    return set().union(*(pipeline.all_outputs() for pipeline in pipelines.values()))


def _examine(
    models: Collection[ModelConfig],
    select: _Selection,
    catalog: DataCatalog,
    produced: Collection[str],
    project_path: Path,
) -> Iterator[Candidate]:
    """Give the models that are to be packaged, each with what is wrong with it and with nothing else."""
    for config in models:
        mistakes: tuple[str, ...] = ()
        try:
            pairs = select(config)
        except ConfigurationError as error:
            pairs, mistakes = _pair_with_mistakes(config, catalog), error.mistakes
        if not pairs and not mistakes:
            continue
        pair = next(iter(pairs), None)
        mistakes = (*mistakes, *illegal_names(config))
        if pair is None:
            yield Candidate(config, None, (), mistakes)
            continue
        names = pair.inputs_from(Origin.TRAINED, Origin.REFERENCE)
        artifacts = expect_inputs(names, pair, catalog, produced)
        path = f"autolog_pipeline.models.{config.name}"
        found = [
            *_absent(artifacts, catalog, produced),
            *_unwritable(artifacts),
            *_incomplete(pair, artifacts, catalog, project_path),
        ]
        # A dataset in memory is a mistake of the pair in a run, and only of the look at its data otherwise.
        faults = dict.fromkeys([*mistakes, *(f"{path}.{fault}" for fault in found)])
        yield Candidate(config, pair, tuple(artifacts), tuple(faults))


def _pair_with_mistakes(config: ModelConfig, catalog: DataCatalog) -> list[Pair]:
    """Give the pair of a model that has mistakes, to look for more of them; nothing without its pipelines."""
    try:
        registered = fetch_pipelines([config.training, config.inference])
    except Exception:  # noqa: BLE001 - the project's own modules may raise anything, and that is one of the mistakes
        return []
    if not {config.training, config.inference} <= registered.keys():
        return []
    pair, _ = resolve_pair(config, registered[config.training], registered[config.inference], catalog.__contains__)
    return [pair]


def _absent(artifacts: Collection[ExpectedInput], catalog: DataCatalog, produced: Collection[str]) -> Iterator[str]:
    for each in artifacts:
        place = "" if each.path is None else f" at '{each.path}'"
        if each.cause is not None:
            yield f"inference: '{each.name}' cannot be looked for{place} ({each.cause}). Make it accessible."
        elif each.presence is Presence.MISSING:
            in_memory = why_not_packageable(each.name, catalog, produced)
            absent = f"'{each.name}' has no data{place}, and no node will write it. Put it there."
            yield f"inference: {absent if in_memory is None else in_memory}"


def _unwritable(artifacts: Collection[ExpectedInput]) -> Iterator[str]:
    for each in artifacts:
        if each.origin is Origin.TRAINED and each.local_file is not None:
            cause = why_not_writable(each.local_file)
            if cause is not None:
                yield f"training: '{each.name}' cannot be saved at '{each.local_file}': {cause}. Correct its path."


def _incomplete(
    pair: Pair, artifacts: Collection[ExpectedInput], catalog: DataCatalog, project_path: Path
) -> Iterator[str]:
    """Tell what the model cannot be loaded without and the user's own lists do not name."""
    config = pair.config
    if config.pip_requirements is None and config.code_paths is None:
        return
    try:
        needed = expect_necessities(pair, artifacts, catalog)
        undeclared = list_undeclared(config, needed, project_path)
    except (ModelDefinitionError, OSError):
        # Each is a mistake of its own.
        return
    for requirement in undeclared:
        why = _why_needed(requirement.distribution, requirement.reasons, pair)
        yield (
            f"pip_requirements: brings no '{requirement.distribution}', without which the model cannot be loaded "
            f"({why}). Add '{requirement}', or leave pip_requirements out to have all of them found."
        )
    if config.code_paths is None or not all((project_path / path).exists() for path in config.code_paths):
        return
    shipped = {Path(path).stem for path in config.code_paths} | {__name__.partition(".")[0]}
    for code in needed.code:
        if not any(f"{code.module}.".startswith(f"{name}.") for name in shipped):
            why = _why_needed(code.module, code.reasons, pair)
            yield (
                f"code_paths: ships no '{code.module}', without which the model cannot be loaded ({why}). "
                f"Add '{_relative(code.source, project_path)}', or leave code_paths out to have all code found."
            )


def _why_needed(name: str, reasons: Sequence[str], pair: Pair) -> str:
    by_node = needing_nodes(name, pair)
    nodes = ", ".join(f"'{node}'" for node in by_node)
    return f"{next(iter(by_node.values()))}; needed by {nodes}" if by_node else reasons[0]


def _relative(path: Path, project_path: Path) -> str:
    return path.relative_to(project_path).as_posix() if path.is_relative_to(project_path) else f"{path}"


def _look_around(
    project: Project, candidates: Sequence[Candidate], project_path: Path, staging: Path, *, is_thorough: bool
) -> Preflight:
    """Look where the models will go, and put all faults together.

    Args:
        project: The project.
        candidates: The models.
        project_path: The project's directory.
        staging: The directory in which packages are made.
        is_thorough: Whether MLflow is asked for the experiment, whatever was found.
    """
    tracking = project.config.tracking
    # Nobody has started a run who has not imported MLflow.
    joined = join_active_run(project.config.server.mlflow_registry_uri) if "mlflow" in sys.modules else None
    store = find_store(project.config.server, project_path) if joined is None else joined.store
    experiment = tracking.experiment.name or project.package_name
    faults = [fault for candidate in candidates for fault in candidate.faults]
    if named_run(tracking) is None:
        faults += filter(None, [why_illegal_experiment(experiment)])
    needs_registry = any(candidate.config.registered_model_name is not None for candidate in candidates)
    silent = [*_silent(store, needs_registry=needs_registry)]
    faults += [*silent, *_unwritable_places(store, staging)]
    destination = None
    if joined is None and not silent and (is_thorough or not faults or "mlflow" in sys.modules):
        destination = find_destination(store, tracking, experiment)
        faults += [] if destination.fault is None else [destination.fault]
    return Preflight(
        candidates=tuple(candidates), store=store, answers=not silent, destination=destination, faults=tuple(faults)
    )


def _silent(store: Store, *, needs_registry: bool) -> Iterator[str]:
    cause = why_no_answer(store.tracking_uri)
    if cause is not None:
        yield (
            f"The tracking server '{store.public_uri}' does not answer ({cause}). Start it, or correct "
            "server.mlflow_tracking_uri in mlflow.yml, or the variable MLFLOW_TRACKING_URI where that names none."
        )
    if needs_registry and store.registry_uri not in {None, store.tracking_uri}:
        cause = why_no_answer(f"{store.registry_uri}")
        if cause is not None:
            yield (
                f"The model registry '{public_uri(f'{store.registry_uri}')}' does not answer ({cause}). Start it, or "
                "correct server.mlflow_registry_uri in mlflow.yml."
            )


def _unwritable_places(store: Store, staging: Path) -> Iterator[str]:
    for cause, what in (
        (why_not_filled(staging), "Packages cannot be made"),
        (store.why_unwritable(), "The files of a new experiment cannot be kept"),
    ):
        if cause is not None:
            yield f"{what}: {cause}. Allow it."
