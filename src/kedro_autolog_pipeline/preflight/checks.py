"""Check before the first node whether a run, or a project, can give its models; nothing is written."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

import attrs
from kedro.io import DataCatalog

from kedro_autolog_pipeline.config.project import Project
from kedro_autolog_pipeline.datasets.locations import public_uri
from kedro_autolog_pipeline.datasets.writability import why_not_filled
from kedro_autolog_pipeline.errors import PreflightError
from kedro_autolog_pipeline.loggers import get_logger
from kedro_autolog_pipeline.pairing.pair import Pair
from kedro_autolog_pipeline.pairing.registry import fetch_default, fetch_pipelines
from kedro_autolog_pipeline.preflight.candidates import Candidate, examine
from kedro_autolog_pipeline.preflight.clashes import find_clashes
from kedro_autolog_pipeline.preflight.selection import select, select_for_run
from kedro_autolog_pipeline.run.kedro_run import KedroRun
from kedro_autolog_pipeline.run.staging import STAGING_DIRECTORY
from kedro_autolog_pipeline.tracking.credentials import EXPORTED_CREDENTIALS
from kedro_autolog_pipeline.tracking.destination import Destination, find_destination
from kedro_autolog_pipeline.tracking.names import why_illegal_experiment
from kedro_autolog_pipeline.tracking.registered_model import why_not_registered
from kedro_autolog_pipeline.tracking.run import join_active_run, named_run
from kedro_autolog_pipeline.tracking.store import Store, find_store, why_no_answer

_LOGGER = get_logger(__name__)


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
        remarks: What the user may want to change, one sentence each.
    """

    candidates: tuple[Candidate, ...]
    store: Store
    answers: bool
    destination: Destination | None
    faults: tuple[str, ...]
    remarks: tuple[str, ...]

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
    selections = (select_for_run(config, project, run) for config in project.config.autolog_pipeline.models)
    return [examine(each, project, run.catalog, run.written) for each in selections if each is not None]


def check_run(project: Project, candidates: Sequence[Candidate]) -> Preflight:
    """Check a run that is about to begin.

    MLflow takes seconds to be imported. Where that would only add to the faults, and nobody has done it yet, its server
    is not asked for the experiment.

    Args:
        project: The project.
        candidates: The models that the run is to give; not empty.

    Returns:
        What is known, without faults.

    Raises:
        PreflightError: With every fault.
    """
    with EXPORTED_CREDENTIALS.exported(project.credentials):
        preflight = _look_around(project, candidates, is_thorough=False)
    if preflight.faults:
        raise PreflightError(preflight.faults)
    for remark in preflight.remarks:
        _LOGGER.warning("%s", remark)
    return preflight


def check_project(project: Project, catalog: DataCatalog) -> Preflight:
    """Check every pair of a project, as for a run of its default pipeline.

    Args:
        project: The project.
        catalog: Its catalog.
    """
    configs = project.config.autolog_pipeline.models
    produced = _outputs_of_all([config.training for config in configs])
    candidates = [examine(select(config, project, catalog), project, catalog, produced) for config in configs]
    with EXPORTED_CREDENTIALS.exported(project.credentials):
        preflight = _look_around(project, candidates, is_thorough=True)
    return attrs.evolve(preflight, remarks=(*preflight.remarks, *_why_default_fails(preflight.pairs)))


def _outputs_of_all(trainings: Collection[str]) -> set[str]:
    """Return what a run of all pipelines writes; of the trainings alone where Kedro cannot load all of them."""
    outputs: set[str] = set()
    for name in ("__default__", *trainings):
        try:
            found = fetch_default() if name == "__default__" else fetch_pipelines([name]).get(name)
        except Exception:  # noqa: BLE001, S112 - the project's own modules may raise anything; where it matters, it is told
            continue
        outputs |= set() if found is None else found.all_outputs()
    return outputs


def _why_default_fails(pairs: Iterable[Pair]) -> Iterator[str]:
    """Say why ``kedro run`` without the name of a pipeline cannot start, although the pairs can be trained."""
    try:
        fetch_default()
    except Exception as error:  # noqa: BLE001 - the project's own modules may raise anything
        clashes = [clash for pair in pairs for clash in find_clashes(pair)]
        causes = "; ".join(clashes) or f"{type(error).__name__}: {' '.join(str(error).split())}"
        yield f"'kedro run' without '--pipelines' cannot load all pipelines: {causes}"


def _look_around(project: Project, candidates: Sequence[Candidate], *, is_thorough: bool) -> Preflight:
    """Look where the models will go, and put all faults together.

    Args:
        project: The project.
        candidates: The models.
        is_thorough: Whether MLflow is asked for the experiment, whatever was found.
    """
    tracking = project.config.tracking
    # Nobody has started a run who has not imported MLflow.
    joined = join_active_run(project.config.server.mlflow_registry_uri) if "mlflow" in sys.modules else None
    store = find_store(project.config.server, project.path) if joined is None else joined.store
    experiment = tracking.experiment.name or project.package_name
    faults = [fault for candidate in candidates for fault in candidate.faults]
    if named_run(tracking) is None:
        faults += filter(None, [why_illegal_experiment(experiment)])
    registered = [candidate.config.registered_model_name for candidate in candidates]
    needs_registry = any(name is not None for name in registered)
    silent = [*_silent(store, needs_registry=needs_registry)]
    if needs_registry and not silent:
        faults += filter(None, [store.why_no_registry()])
    faults += [*silent, *_unwritable_places(store, project.path / STAGING_DIRECTORY)]
    destination = None
    if joined is None and not silent and (is_thorough or not faults or "mlflow" in sys.modules):
        destination = find_destination(store, tracking, experiment)
        faults += [] if destination.fault is None else [destination.fault]
        if destination.fault is None:
            faults += filter(None, [why_not_registered(store, name) for name in registered if name is not None])
    return Preflight(
        candidates=tuple(candidates),
        store=store,
        answers=not silent,
        destination=destination,
        faults=tuple(faults),
        remarks=tuple(remark for candidate in candidates for remark in candidate.remarks),
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
