"""A Kedro run that completes pairs comes in, its MLflow run with a proven model for each pair goes out."""

from __future__ import annotations

import atexit
import logging
from collections.abc import Iterable, Mapping
from typing import Any

import attrs
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline

from kedro_autolog_pipeline.config import OnFailure
from kedro_autolog_pipeline.errors import ConfigurationError
from kedro_autolog_pipeline.model_logging import log_models
from kedro_autolog_pipeline.packaging.finished_run import FinishedRun
from kedro_autolog_pipeline.packaging.functions import referenced_modules
from kedro_autolog_pipeline.packaging.kedro_run import KedroRun
from kedro_autolog_pipeline.packaging.pairing import Pair
from kedro_autolog_pipeline.packaging.parameters import read_parameters
from kedro_autolog_pipeline.packaging.pinning import Pin, pin_datasets
from kedro_autolog_pipeline.packaging.run_record import RunRecord
from kedro_autolog_pipeline.packaging.saves import SaveTap, read_journal, tap_saves
from kedro_autolog_pipeline.packaging.selection import completed_pairs
from kedro_autolog_pipeline.packaging.staging import StagingDirectory
from kedro_autolog_pipeline.project import Project
from kedro_autolog_pipeline.serving.manifest import Origin
from kedro_autolog_pipeline.termination import Termination
from kedro_autolog_pipeline.tracking.run import (
    RunStatus,
    TrackedRun,
    close_run,
    join_active_run,
    keep_record,
    log_parameters,
    open_run,
)
from kedro_autolog_pipeline.tracking.store import export_credentials, find_store
from kedro_autolog_pipeline.verification.verifier import Verifier

_LOGGER = logging.getLogger(__name__)


class TrainingRun:
    """One training, from before its first node until its models are READY.

    Opening it opens the MLflow run, logs the parameters, and starts the processes that will prove the models.

    Args:
        run: The run, before its first node.
        project: Its project.
        pairs: The pairs that it completes; not empty.

    Raises:
        TrackingError: When the tracking server does not answer, or will not have the run.
    """

    def __init__(self, run: KedroRun, project: Project, pairs: list[Pair]) -> None:
        server, tracking = project.config.server, project.config.tracking
        export_credentials(project.credentials)
        names = ",".join(run.pipeline_names)
        self._run = run
        self._project = project
        self._pairs = pairs
        self._verifiers: dict[str, Verifier] = {}
        self._ended = False
        self._pins: list[Pin] = []
        self._taps: list[SaveTap] = []
        self._tracked = join_active_run(server.mlflow_registry_uri) or open_run(
            find_store(server, run.project_path),
            tracking,
            default_experiment=project.package_name,
            default_name=names,
            tags={"kedro.run_id": run.run_id, "kedro.pipelines": names},
        )
        self._staging = StagingDirectory.of(run.project_path, self._tracked.run_id)
        # A run that nothing ends (Ctrl-C calls no hook of Kedro's) would be shown as finished by MLflow.
        atexit.register(self.end, RunStatus.KILLED)
        self._termination = Termination()
        try:
            self._record = _record(run, project, pairs, self._tracked)
            self._staging.make()
            self._record.write(self._staging.record)
            self._pins = pin_datasets(pairs, run)
            trained = {name for pair in pairs for name in pair.inputs_from(Origin.TRAINED)}
            self._taps = tap_saves(run.written_as(trained), run.catalog, self._staging.journal)
            log_parameters(self._tracked, run.parameters())
            # A fresh process needs seconds to import mlflow: it does so beside the training.
            self._verifiers = {
                pair.config.name: Verifier(pair.config.name, preload=_preload(pair))
                for pair in pairs
                if pair.config.verify
            }
        except BaseException:
            self.end(RunStatus.FAILED)
            raise

    def finish(self) -> BaseException | None:
        """Package each pair into the MLflow run, and close it.

        Returns:
            What failed or interrupted it, for the caller to raise when it has cleaned up; None when all was
            packaged, or when the failure is to be a WARNING. A failure of one pair does not stop the others.
        """
        try:
            return self._package()
        finally:
            self.end(RunStatus.FINISHED)

    def fail(self) -> None:
        """Close the MLflow run of a training that failed; what it has saved can be packaged all the same."""
        record = attrs.evolve(self._record, saves=read_journal(self._staging.journal))
        if not record.saves or keep_record(self._tracked, record.kedro_run_id, record.to_json(), {}):
            self._staging.remove()
        self.end(RunStatus.FAILED)

    def end(self, status: RunStatus) -> None:
        """Close the MLflow run if it is ours, and the processes in any case; a second time does nothing."""
        if self._ended:
            return
        self._ended = True
        atexit.unregister(self.end)
        self._termination.release()
        try:
            for verifier in self._verifiers.values():
                verifier.close()
            for tap in self._taps:
                tap.detach()
            for pin in self._pins:
                pin.detach()
        finally:
            close_run(self._tracked, status)

    def _package(self) -> BaseException | None:
        for tap in self._taps:
            tap.detach()
        saves = read_journal(self._staging.journal)
        record = attrs.evolve(self._record, is_trained=True, saves=saves)
        record.write(self._staging.record)
        finished = FinishedRun(attrs.evolve(self._run, saved=saves), record, self._staging)
        failure = log_models(self._pairs, finished, self._tracked, self._verifiers).failure
        if isinstance(failure, Exception) and self._project.config.autolog_pipeline.on_failure is OnFailure.WARN:
            _LOGGER.warning("%s", failure, exc_info=failure.__cause__)
            return None
        return failure


def begin(
    project: Project | ConfigurationError,
    run_params: Mapping[str, Any],
    pipeline: Pipeline,
    catalog: DataCatalog,
    *,
    interrupted: TrainingRun | None,
) -> TrainingRun | None:
    """Start tracking a run, if it completes a pair.

    Args:
        project: The project, or the mistakes in its configuration.
        run_params: What Kedro says of the run.
        pipeline: The nodes that Kedro is about to run.
        catalog: The project's catalog.
        interrupted: What this thread tracked before and nothing ended; None when there is nothing of the kind.

    Raises:
        ConfigurationError: With every mistake in the configuration.
        TrackingError: When the tracking server will not have the run.
    """
    if isinstance(project, ConfigurationError):
        raise project
    if interrupted is not None:
        interrupted.end(RunStatus.KILLED)
    run = KedroRun.from_hook(run_params, pipeline, catalog)
    config = project.config.autolog_pipeline
    pairs = completed_pairs(config.models, run, project.parameters, partial_runs=config.partial_runs)
    return TrainingRun(run, project, pairs) if pairs else None


def _record(run: KedroRun, project: Project, pairs: Iterable[Pair], tracked: TrackedRun) -> RunRecord:
    names = sorted({name for pair in pairs for name in pair.inputs_from(Origin.PARAMETER)})
    parameters, _ = read_parameters(names, run.catalog, project.parameters)
    return RunRecord(
        run_id=tracked.run_id,
        kedro_run_id=run.run_id,
        pipelines=list(run.pipeline_names),
        env=run.env,
        runtime_params=dict(run.runtime_params),
        models=[pair.config.name for pair in pairs],
        parameters=parameters,
        closes_run=tracked.is_ours,
    )


def _preload(pair: Pair) -> list[str]:
    return sorted(set().union(*(referenced_modules(node.func) for node in pair.inference.nodes)))
