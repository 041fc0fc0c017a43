"""Package the models of an MLflow run from what the run has left, without training it again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import attrs
from kedro.framework.session import KedroSession
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline

from kedro_autolog_pipeline.config.project import Project, read_project
from kedro_autolog_pipeline.config.schema import ModelConfig
from kedro_autolog_pipeline.errors import ConfigurationError, RunRecordError
from kedro_autolog_pipeline.lifecycle.model_logging import Packaging, log_models
from kedro_autolog_pipeline.package.finished_run import FinishedRun
from kedro_autolog_pipeline.package.kept_artifacts import find_kept
from kedro_autolog_pipeline.pairing.pair import Pair, dataset_of
from kedro_autolog_pipeline.pairing.parameters import read_parameters
from kedro_autolog_pipeline.preflight.selection import resolve_pairs
from kedro_autolog_pipeline.run.journal import Journal
from kedro_autolog_pipeline.run.kedro_run import KedroRun
from kedro_autolog_pipeline.run.record import RunRecord, merged
from kedro_autolog_pipeline.run.staging import StagingDirectory
from kedro_autolog_pipeline.serving.manifest import Origin
from kedro_autolog_pipeline.tracking.abandoned import is_gone, settle_abandoned
from kedro_autolog_pipeline.tracking.credentials import EXPORTED_CREDENTIALS
from kedro_autolog_pipeline.tracking.logged_model import ready_names
from kedro_autolog_pipeline.tracking.records import read_records
from kedro_autolog_pipeline.tracking.run import RunStatus, TrackedRun, end_abandoned, find_run
from kedro_autolog_pipeline.tracking.store import PROCESS_DEFAULT, find_store
from kedro_autolog_pipeline.verification.verifier import Verifier


@attrs.frozen
class Request:
    """What the user asks for.

    Attributes:
        run_id: The MLflow run.
        project_path: The Kedro project.
        env: Kedro's environment; None means the run's own.
        models: Names of the logged models; empty means those that the run has not given, or all when it has given
            all.
        unrecorded: Whether artifacts are packaged of which nothing tells that the run has saved them.
    """

    run_id: str
    project_path: Path
    env: str | None = None
    models: tuple[str, ...] = ()
    unrecorded: bool = False


def repackage(request: Request) -> Packaging:
    """Package a run's models again.

    What a packaging that failed has staged is taken first, then what the catalog holds, which must be what the run
    saved.

    Raises:
        ConfigurationError: With every mistake in ``mlflow.yml`` and in the pairs.
        RunRecordError: When the run has not trained the models, or what it saved is gone.
        TrackingError: When the tracking server does not answer, or does not know the run.
    """
    staging = StagingDirectory.of(request.project_path, request.run_id)
    local = RunRecord.read(staging.record)
    with ExitStack() as stack:
        opened = _open(stack, request, local)
        stack.enter_context(EXPORTED_CREDENTIALS.exported(opened.project.credentials))
        store = find_store(opened.project.config.server, request.project_path)
        # Some of MLflow's functions know no other store than the process's own.
        PROCESS_DEFAULT.enter(store)
        stack.callback(PROCESS_DEFAULT.leave)
        tracked = find_run(store, request.run_id)
        stored = [RunRecord.from_json(text) for text in read_records(tracked)]
        records = [*stored, *([] if local is None else [_with_journal(local, staging)])]
        record = merged(records) if records else _unknown(request.run_id)
        if local is None and records:
            # Its environment and command line may lead to other files.
            opened = _open(stack, request, record)
        settle_abandoned(store, tracked.experiment_id, run_id=request.run_id)
        models = _chosen(request, opened.project, record, tracked)
        finished, pairs = _finished(request, opened, record, staging, models)
        verifiers = {
            pair.config.name: stack.enter_context(Verifier(pair.config.name)) for pair in pairs if pair.config.verify
        }
        packaging = log_models(pairs, finished, tracked, verifiers)
    has_ended = record.ends_as is RunStatus.FINISHED or is_gone(record.process)
    if packaging.failure is None and record.closes_run and has_ended:
        end_abandoned(tracked, record.ends_as)
    return packaging


@attrs.frozen
class _Opened:
    """A project whose configuration is read.

    Attributes:
        project: The project.
        catalog: Its catalog.
    """

    project: Project
    catalog: DataCatalog


def _open(stack: ExitStack, request: Request, record: RunRecord | None) -> _Opened:
    env = request.env or (None if record is None else record.env)
    session = stack.enter_context(
        KedroSession.create(
            request.project_path, env=env, runtime_params=None if record is None else record.runtime_params
        )
    )
    context = session.load_context()  # type: ignore[attr-defined]  # every session of Kedro's has it
    project = read_project(context)
    if project is None:
        raise ConfigurationError(["autolog_pipeline: there is none, or it is not enabled, so there are no models."])
    return _Opened(project, context.catalog)


def _with_journal(record: RunRecord, staging: StagingDirectory) -> RunRecord:
    """Add what a process has saved and read that was ended before it could say so."""
    noted = Journal(staging.journal).read()
    return attrs.evolve(record, saves={**noted.saves, **record.saves}, reads={**noted.reads, **record.reads})


def _unknown(run_id: str) -> RunRecord:
    """Make the record of a run of which there is none."""
    return RunRecord(run_id, "", [], None, {}, [], {})


def _chosen(request: Request, project: Project, record: RunRecord, tracked: TrackedRun) -> list[ModelConfig]:
    configured = {model.name: model for model in project.config.autolog_pipeline.models}
    wanted = request.models or tuple(record.models) or tuple(configured)
    unknown = [name for name in wanted if name not in configured]
    if unknown:
        known = ", ".join(f"'{name}'" for name in configured)
        raise ConfigurationError(
            [f"autolog_pipeline.models: there is no '{name}'. There are: {known}." for name in unknown]
        )
    given = frozenset() if request.models else ready_names(tracked)
    return [configured[name] for name in wanted if name not in given] or [configured[name] for name in wanted]


def _finished(
    request: Request,
    opened: _Opened,
    record: RunRecord,
    staging: StagingDirectory,
    models: Iterable[ModelConfig],
) -> tuple[FinishedRun, list[Pair]]:
    pairs = resolve_pairs(models, opened.project, opened.catalog)
    kept = find_kept(staging.models)
    _check_saved(request, record, pairs, kept)
    staging.make()
    run = KedroRun(
        run_id=record.kedro_run_id,
        pipeline_names=tuple(record.pipelines),
        project_path=request.project_path,
        pipeline=sum((pair.training for pair in pairs), Pipeline([])),
        catalog=opened.catalog,
        env=record.env,
        runtime_params=record.runtime_params,
        only_missing_outputs=False,
    )
    parameters = {**_present_parameters(pairs, opened, record), **record.parameters}
    record = attrs.evolve(record, parameters=parameters)
    return FinishedRun(run, record, staging, takes_unsaved=request.unrecorded, kept=kept), pairs


def _present_parameters(pairs: Iterable[Pair], opened: _Opened, record: RunRecord) -> dict[str, Any]:
    """Read the parameters that the run did not know, for the inference pipeline may have been given more since."""
    names = {name for pair in pairs for name in pair.inputs_from(Origin.PARAMETER)} - set(record.parameters)
    values, _ = read_parameters(sorted(names), opened.catalog, opened.project.parameters)
    return values


def _check_saved(
    request: Request, record: RunRecord, pairs: Iterable[Pair], kept: Collection[str] | Mapping[str, Any]
) -> None:
    """Refuse what nothing tells to be the run's.

    Raises:
        RunRecordError: With each such artifact.
    """
    if request.unrecorded:
        return
    trained = sorted({name for pair in pairs for name in pair.inputs_from(Origin.TRAINED)})
    unknown = [name for name in trained if name not in kept and dataset_of(name) not in record.saves]
    if unknown:
        raise RunRecordError(
            record.run_id,
            [
                *(f"nothing tells that it has saved '{name}'." for name in unknown),
                "Package what the catalog holds all the same with '--unrecorded', or train again.",
            ],
        )
