"""A Kedro run that completes pairs comes in, its MLflow run with a proven model for each pair goes out."""

from __future__ import annotations

import atexit
import logging
from collections.abc import Iterable, Mapping
from contextlib import ExitStack

import attrs

from kedro_autolog_pipeline.config.project import Project
from kedro_autolog_pipeline.config.schema import OnFailure
from kedro_autolog_pipeline.dependencies.needed_modules import referenced_modules
from kedro_autolog_pipeline.errors import VerificationError
from kedro_autolog_pipeline.lifecycle.model_logging import log_models
from kedro_autolog_pipeline.lifecycle.termination import Termination
from kedro_autolog_pipeline.package.finished_run import FinishedRun
from kedro_autolog_pipeline.pairing.pair import Pair
from kedro_autolog_pipeline.pairing.parameters import read_parameters
from kedro_autolog_pipeline.preflight.checks import check_run, find_candidates
from kedro_autolog_pipeline.preflight.forecast import ExpectedInput
from kedro_autolog_pipeline.preflight.selection import partly_trained
from kedro_autolog_pipeline.run.early_copies import EarlyCopies
from kedro_autolog_pipeline.run.kedro_run import KedroRun
from kedro_autolog_pipeline.run.pins import pin_datasets
from kedro_autolog_pipeline.run.record import RunRecord
from kedro_autolog_pipeline.run.saves import SaveTap, read_journal, tap_saves
from kedro_autolog_pipeline.run.staging import STAGING_DIRECTORY, StagingDirectory
from kedro_autolog_pipeline.serving.manifest import Origin
from kedro_autolog_pipeline.tracking.abandoned import this_process
from kedro_autolog_pipeline.tracking.credentials import EXPORTED_CREDENTIALS
from kedro_autolog_pipeline.tracking.records import keep_record
from kedro_autolog_pipeline.tracking.run import (
    RunStatus,
    TrackedRun,
    close_run,
    is_opened_elsewhere,
    join_active_run,
    open_run,
)
from kedro_autolog_pipeline.tracking.run_parameters import log_parameters
from kedro_autolog_pipeline.tracking.store import find_store
from kedro_autolog_pipeline.verification.import_check import plan_import_check
from kedro_autolog_pipeline.verification.verifier import Verifier

_LOGGER = logging.getLogger(__name__)

# Where this package is none of the model's requirements, its copy in the model will import the others.
_NEEDED_TO_SERVE = (
    "kedro_autolog_pipeline.serving.model",
    "attrs",
    "cattrs",
    "kedro.io",
    "kedro.pipeline",
    "kedro.validation",
)


class TrainingRun:
    """One training, from before its first node until its models are READY.

    Opening it opens the MLflow run, and logs the parameters.

    Args:
        prepared: The run, before its first node.
        partial: By model name, the trained artifacts that it gives to pairs of which it trains a part: what it saves
            is noted in the MLflow run, which can be packaged when other processes have done the rest.

    Raises:
        TrackingError: When the tracking server does not answer, or will not have the run.
    """

    def __init__(self, prepared: PreparedRun, partial: Mapping[str, Iterable[str]]) -> None:
        self._run = prepared.run
        self._project = prepared.project
        self._pairs = prepared.pairs
        self._verifiers = prepared.verifiers
        self._status = RunStatus.FAILED
        # What is to be undone when it ends, the last first, each whatever the others raise.
        self._open = ExitStack()
        self._open.callback(prepared.abandon)
        try:
            # What packaging needs of MLflow is imported now: whatever that lacks, no training is lost by it.
            import mlflow.pyfunc  # noqa: F401

            self._tracked = self._track()
            self._record = _record(prepared, self._tracked, partial)
            self._staging = StagingDirectory.of(self._run.project_path, self._tracked.run_id)
            self._staging.make()
            self._record.write(self._staging.record)
            self._early = EarlyCopies(self._staging.early if prepared.pairs else None)
            self._open.callback(self._early.close)
            self._taps = self._watch(partial)
            log_parameters(self._tracked, self._run.parameters())
            for pair in self._pairs:
                if pair.config.name in self._verifiers:
                    imports = plan_import_check(pair, prepared.artifacts[pair.config.name], self._run)
                    self._verifiers[pair.config.name].try_imports(imports)
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
        except Exception as error:  # noqa: BLE001 - whatever it is, it is not what stopped the training
            _LOGGER.warning("What this training has saved cannot be noted for '%s': %s", self._record.run_id, error)
        finally:
            self.end(RunStatus.FAILED)

    def interrupt(self) -> None:
        """Close the MLflow run of a training that was interrupted: this thread is about to run another one."""
        self.end(RunStatus.KILLED)

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
        taps = tap_saves(written, self._run.catalog, self._staging.journal, self._early)
        for tap in reversed(taps):
            self._open.callback(tap.detach)
        return taps

    def _package(self) -> BaseException | None:
        for tap in self._taps:
            tap.detach()
        saves = read_journal(self._staging.journal)
        record = attrs.evolve(self._record, ends_as=RunStatus.FINISHED.value, saves=saves)
        record.write(self._staging.record)
        finished = FinishedRun(attrs.evolve(self._run, saved=saves), record, self._staging, early=self._early)
        failure = log_models(self._pairs, finished, self._tracked, self._verifiers).failure
        if isinstance(failure, Exception) and self._project.config.autolog_pipeline.on_failure is OnFailure.WARN:
            _LOGGER.warning("%s", failure, exc_info=failure.__cause__)
            return None
        return failure


@attrs.frozen
class PreparedRun:
    """A run that is about to begin, with the processes that will prove its models.

    Attributes:
        run: The run, before its first node.
        project: Its project.
        pairs: The pairs that it is packaged for.
        artifacts: By model name, the trained and reference inputs of its pair.
        verifiers: By model name, the process that proves it; none for a model that the user wants no proof of.
    """

    run: KedroRun
    project: Project
    pairs: list[Pair]
    artifacts: dict[str, tuple[ExpectedInput, ...]]
    verifiers: dict[str, Verifier]

    def start(self) -> TrainingRun | None:
        """Track it, when every plugin that may have opened an MLflow run has had its turn.

        Returns:
            None for a run that has nothing to do with any pair.

        Raises:
            TrackingError: When the tracking server will not have it.
        """
        # Only a run that somebody else has opened can be continued by another process.
        models = (
            self.project.config.autolog_pipeline.models if is_opened_elsewhere(self.project.config.tracking) else ()
        )
        partial = partly_trained(models, self.run)
        for pair in self.pairs:
            partial.pop(pair.config.name, None)
        return TrainingRun(self, partial) if self.pairs or partial else None

    def abandon(self) -> None:
        """End the processes; a second time does nothing."""
        for verifier in self.verifiers.values():
            verifier.close()


def prepare_run(project: Project, run: KedroRun) -> PreparedRun:
    """Find what a run will package, and every fault that prevents it, before any run of MLflow's is open.

    Args:
        project: The project.
        run: The run, before its first node.

    Raises:
        PreflightError: With everything that is known to prevent the run's models.
    """
    candidates = find_candidates(project, run)
    pairs = [candidate.pair for candidate in candidates if candidate.pair is not None]
    artifacts = {candidate.config.name: candidate.artifacts for candidate in candidates}
    prepared = PreparedRun(run, project, pairs, artifacts, verifiers={})
    try:
        if not any(candidate.faults for candidate in candidates):
            # A fresh process needs seconds to import mlflow: it does so beside this one, and the training.
            with EXPORTED_CREDENTIALS.exported(project.credentials):
                for pair in pairs:
                    name = pair.config.name
                    if pair.config.verify:
                        prepared.verifiers[name] = Verifier(name, preload=_preload(pair, artifacts[name]))
        if candidates:
            check_run(project, run, candidates, staging=run.project_path / STAGING_DIRECTORY)
    except BaseException:
        prepared.abandon()
        raise
    return prepared


def _record(prepared: PreparedRun, tracked: TrackedRun, partial: Iterable[str]) -> RunRecord:
    run, pairs = prepared.run, prepared.pairs
    names = sorted({name for pair in pairs for name in pair.inputs_from(Origin.PARAMETER)})
    parameters, _ = read_parameters(names, run.catalog, prepared.project.parameters)
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


def _preload(pair: Pair, artifacts: Iterable[ExpectedInput]) -> list[str]:
    of_functions = set[str]().union(*(referenced_modules(node.func) for node in pair.inference.nodes))
    return [*_NEEDED_TO_SERVE, *sorted(of_functions.union(*(artifact.modules for artifact in artifacts)))]
