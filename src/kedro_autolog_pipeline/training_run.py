"""A Kedro run that completes pairs comes in, its MLflow run with a proven model for each pair goes out."""

from __future__ import annotations

import atexit
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from typing import Any

import attrs
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline

from kedro_autolog_pipeline.config import OnFailure
from kedro_autolog_pipeline.errors import ConfigurationError, VerificationError
from kedro_autolog_pipeline.model_logging import log_models
from kedro_autolog_pipeline.packaging.finished_run import FinishedRun
from kedro_autolog_pipeline.packaging.functions import referenced_modules
from kedro_autolog_pipeline.packaging.kedro_run import KedroRun
from kedro_autolog_pipeline.packaging.pairing import Pair
from kedro_autolog_pipeline.packaging.parameters import read_parameters
from kedro_autolog_pipeline.packaging.pinning import pin_datasets
from kedro_autolog_pipeline.packaging.pipeline_ml import hint_at_moving
from kedro_autolog_pipeline.packaging.run_record import RunRecord
from kedro_autolog_pipeline.packaging.saves import SaveTap, read_journal, tap_saves
from kedro_autolog_pipeline.packaging.selection import partly_trained
from kedro_autolog_pipeline.packaging.staging import STAGING_DIRECTORY, StagingDirectory
from kedro_autolog_pipeline.preflight import check_run
from kedro_autolog_pipeline.project import Project
from kedro_autolog_pipeline.serving.manifest import Origin
from kedro_autolog_pipeline.termination import Termination
from kedro_autolog_pipeline.tracking.abandoned import this_process
from kedro_autolog_pipeline.tracking.credentials import EXPORTED_CREDENTIALS
from kedro_autolog_pipeline.tracking.run import (
    RunStatus,
    TrackedRun,
    close_run,
    is_given,
    join_active_run,
    keep_record,
    log_parameters,
    open_run,
)
from kedro_autolog_pipeline.tracking.store import find_store
from kedro_autolog_pipeline.verification.import_check import plan_import_check
from kedro_autolog_pipeline.verification.verifier import Verifier

_LOGGER = logging.getLogger(__name__)


class TrainingRun:
    """One training, from before its first node until its models are READY.

    Opening it opens the MLflow run, logs the parameters, and starts the processes that will prove the models.

    Args:
        run: The run, before its first node.
        project: Its project.
        pairs: The pairs that it is packaged for.
        partial: By model name, the trained artifacts that it gives to pairs of which it trains a part: what it saves
            is noted in the MLflow run, which can be packaged when other processes have done the rest.

    Raises:
        TrackingError: When the tracking server does not answer, or will not have the run.
    """

    def __init__(
        self, run: KedroRun, project: Project, pairs: list[Pair], partial: Mapping[str, Iterable[str]]
    ) -> None:
        self._run = run
        self._project = project
        self._pairs = pairs
        self._status = RunStatus.FAILED
        self._verifiers: dict[str, Verifier] = {}
        # What is to be undone when it ends, the last first, each whatever the others raise.
        self._open = ExitStack()
        try:
            self._tracked = self._track()
            self._record = _record(run, project, pairs, self._tracked, partial)
            self._staging = StagingDirectory.of(run.project_path, self._tracked.run_id)
            self._staging.make()
            self._record.write(self._staging.record)
            self._taps = self._watch(partial)
            log_parameters(self._tracked, run.parameters())
            # A fresh process needs seconds to import mlflow: it does so beside the training.
            for pair in pairs:
                if pair.config.verify:
                    verifier = self._open.enter_context(Verifier(pair.config.name, preload=_preload(pair)))
                    self._verifiers[pair.config.name] = verifier
            # While they do, what they can try meanwhile is found.
            for pair in pairs:
                if pair.config.verify:
                    self._verifiers[pair.config.name].try_imports(plan_import_check(pair, run))
        except BaseException:
            self.end(RunStatus.FAILED)
            raise

    @property
    def run_id(self) -> str:
        """Kedro's id of the run."""
        return self._run.run_id

    def stop_if_imports_fail(self) -> None:
        """Raise what is known by now of functions that cannot be imported where a model is deployed.

        Raises:
            VerificationError: With the faults of the first model that has any.
        """
        for name, verifier in self._verifiers.items():
            fault = verifier.fault()
            if fault is not None:
                raise VerificationError(name, fault)

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
        """Close the MLflow run of a training that failed; what it has saved can be packaged all the same.

        It raises nothing, for the user to see why the training failed.
        """
        try:
            saves = read_journal(self._staging.journal)
            record = attrs.evolve(self._record, ends_as=RunStatus.FAILED.value, saves=saves)
            if not record.saves or keep_record(self._tracked, record.kedro_run_id, record.to_json(), {}):
                self._staging.remove()
            else:
                record.write(self._staging.record)
            self.end(RunStatus.FAILED)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is not what stopped the training
            _LOGGER.warning("The MLflow run of this training cannot be closed: %s", error)

    def end(self, status: RunStatus) -> None:
        """Close the MLflow run if it is ours, and the processes in any case; a second time does nothing."""
        self._status = status
        self._open.close()

    def _track(self) -> TrackedRun:
        """Join the run that is active, or open one."""
        run, project = self._run, self._project
        names = ",".join(run.pipeline_names)
        store = find_store(project.config.server, run.project_path)
        self._open.enter_context(EXPORTED_CREDENTIALS.exported(project.credentials))
        tracked = join_active_run(store.registry_uri) or open_run(
            store,
            project.config.tracking,
            default_experiment=project.package_name,
            default_name=names,
            tags={"kedro.run_id": run.run_id, "kedro.pipelines": names},
        )
        self._open.callback(lambda: close_run(tracked, self._status))
        # A run that nothing ends (Ctrl-C calls no hook of Kedro's) would be shown as finished by MLflow.
        atexit.register(self.end, RunStatus.KILLED)
        self._open.callback(atexit.unregister, self.end)
        self._open.callback(Termination().release)
        return tracked

    def _watch(self, partial: Mapping[str, Iterable[str]]) -> list[SaveTap]:
        """Keep what is only in memory, and note what is saved."""
        for pin in pin_datasets(self._pairs, self._run):
            self._open.callback(pin.detach)
        read = {name for pair in self._pairs for name in pair.inputs_from(Origin.TRAINED, Origin.REFERENCE)}
        written = self._run.written_as(read.union(*partial.values()))
        taps = tap_saves(written, self._run.catalog, self._staging.journal)
        for tap in reversed(taps):
            self._open.callback(tap.detach)
        return taps

    def _package(self) -> BaseException | None:
        for tap in self._taps:
            tap.detach()
        saves = read_journal(self._staging.journal)
        record = attrs.evolve(self._record, ends_as=RunStatus.FINISHED.value, saves=saves)
        record.write(self._staging.record)
        finished = FinishedRun(attrs.evolve(self._run, saved=saves), record, self._staging)
        failure = log_models(self._pairs, finished, self._tracked, self._verifiers).failure
        if isinstance(failure, Exception) and self._project.config.autolog_pipeline.on_failure is OnFailure.WARN:
            _LOGGER.warning("%s", failure, exc_info=failure.__cause__)
            return None
        return failure


def prepare(
    project: Project | ConfigurationError,
    run_params: Mapping[str, Any],
    pipeline: Pipeline,
    catalog: DataCatalog,
    *,
    interrupted: TrainingRun | None,
) -> Callable[[], TrainingRun | None]:
    """Find what a run will package, and every fault that prevents it, before any run of MLflow's is open.

    Args:
        project: The project, or the mistakes in its configuration.
        run_params: What Kedro says of the run.
        pipeline: The nodes that Kedro is about to run.
        catalog: The project's catalog.
        interrupted: What this thread tracked before and nothing ended; None when there is nothing of the kind.

    Returns:
        What starts to track it, and raises TrackingError when the server will not have it; it gives None for a run
        that has nothing to do with any pair.

    Raises:
        ConfigurationError: With every mistake in ``mlflow.yml``, when it cannot be read.
        PreflightError: With everything that is known to prevent the run's models.
    """
    if isinstance(project, ConfigurationError):
        raise project
    if interrupted is not None:
        interrupted.end(RunStatus.KILLED)
    run = KedroRun.from_hook(run_params, pipeline, catalog)
    preflight = check_run(project, run, staging=run.project_path / STAGING_DIRECTORY)
    pairs = [] if preflight is None else preflight.pairs
    hint_at_moving()

    def start() -> TrainingRun | None:
        # Only a run that somebody else has opened can be continued by another process.
        models = project.config.autolog_pipeline.models if is_given(project.config.tracking) else ()
        partial = partly_trained(models, run)
        for pair in pairs:
            partial.pop(pair.config.name, None)
        return TrainingRun(run, project, pairs, partial) if pairs or partial else None

    return start


def _record(
    run: KedroRun, project: Project, pairs: Iterable[Pair], tracked: TrackedRun, partial: Iterable[str]
) -> RunRecord:
    names = sorted({name for pair in pairs for name in pair.inputs_from(Origin.PARAMETER)})
    parameters, _ = read_parameters(names, run.catalog, project.parameters)
    return RunRecord(
        run_id=tracked.run_id,
        kedro_run_id=run.run_id,
        pipelines=list(run.pipeline_names),
        env=run.env,
        runtime_params=dict(run.runtime_params),
        models=[*(pair.config.name for pair in pairs), *partial],
        parameters=parameters,
        closes_run=tracked.is_ours,
        process=this_process(),
    )


def _preload(pair: Pair) -> list[str]:
    return sorted(set().union(*(referenced_modules(node.func) for node in pair.inference.nodes)))
