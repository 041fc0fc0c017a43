"""Keep one training open, from its MLflow run until each of its pairs is a proven model there."""

from __future__ import annotations

import atexit
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from datetime import datetime, timezone
from typing import Any

import attrs
from kedro.framework.project import settings
from kedro.utils import is_kedro_project

from kedro_autolog_pipeline.config.schema import OnFailure
from kedro_autolog_pipeline.errors import PromotionRefusedError, VerificationError
from kedro_autolog_pipeline.garbage import set_apart, without_collecting
from kedro_autolog_pipeline.lifecycle.announcements import announce_new_store, announce_run
from kedro_autolog_pipeline.lifecycle.known_secrets import collect_secrets
from kedro_autolog_pipeline.lifecycle.model_logging import log_models
from kedro_autolog_pipeline.lifecycle.preparation import Preparation
from kedro_autolog_pipeline.lifecycle.run_tags import run_tags
from kedro_autolog_pipeline.lifecycle.termination import Termination
from kedro_autolog_pipeline.loggers import get_logger
from kedro_autolog_pipeline.package.finished_run import FinishedRun
from kedro_autolog_pipeline.pairing.pair import dataset_of
from kedro_autolog_pipeline.pairing.parameters import ParameterValues, read_parameters
from kedro_autolog_pipeline.run.journal import Journal
from kedro_autolog_pipeline.run.kedro_run import KedroRun
from kedro_autolog_pipeline.run.record import RunRecord
from kedro_autolog_pipeline.run.runtime_params import split_by_reader
from kedro_autolog_pipeline.run.staging import StagingDirectory
from kedro_autolog_pipeline.run.watch import Watch
from kedro_autolog_pipeline.serving.manifest import Origin, WritingRun
from kedro_autolog_pipeline.tracking.abandoned import this_process
from kedro_autolog_pipeline.tracking.credentials import EXPORTED_CREDENTIALS
from kedro_autolog_pipeline.tracking.records import keep_record
from kedro_autolog_pipeline.tracking.run import RunStatus, TrackedRun, close_run, hold_run, join_active_run, open_run
from kedro_autolog_pipeline.tracking.run_inputs import log_inputs
from kedro_autolog_pipeline.tracking.run_parameters import log_parameters
from kedro_autolog_pipeline.tracking.store import find_store
from kedro_autolog_pipeline.verification.import_check import plan_import_check

_LOGGER = get_logger(__name__)


@attrs.define(eq=False)
class _Ending:
    """How an MLflow run will end, which is decided last and needed when all else is undone."""

    tracked: TrackedRun
    status: RunStatus = RunStatus.FAILED

    def close_run(self) -> None:
        close_run(self.tracked, self.status)


@attrs.frozen(eq=False)
class TrainingRun:
    """One training, from before its first node until its models are READY.

    Attributes:
        preparation: What it is packaged for.
        tracked: Its MLflow run.
        staging: Where its models are put together.
        watch: What notes the doings of its nodes.
    """

    preparation: Preparation
    tracked: TrackedRun
    staging: StagingDirectory
    watch: Watch
    _record: RunRecord
    _objects: Mapping[str, Any]
    _ending: _Ending
    _open: ExitStack

    @classmethod
    def start(cls, preparation: Preparation, partial: Mapping[str, Iterable[str]]) -> TrainingRun:
        """Open the MLflow run, log the parameters, and watch what is saved.

        Args:
            preparation: The run, before its first node.
            partial: By model name, the trained artifacts that it gives to pairs of which it trains a part: what it
                saves is noted in the MLflow run, which can be packaged when other processes have done the rest.

        Raises:
            TrackingError: When the tracking server does not answer, or will not have the run.
        """
        run, pairs = preparation.run, preparation.pairs
        # What is to be undone when it ends, the last first, each whatever the others raise.
        with without_collecting(), ExitStack() as opened:
            opened.callback(preparation.abandon)
            # What packaging needs of MLflow is imported now: whatever that lacks, no training is lost by it.
            import mlflow.pyfunc  # noqa: F401

            opened.enter_context(EXPORTED_CREDENTIALS.exported(preparation.project.credentials))
            is_new = find_store(preparation.project.config.server, run.project_path).is_new
            tracked = _track(preparation)
            ending = _Ending(tracked)
            opened.callback(ending.close_run)
            hold_run(tracked)
            opened.callback(Termination().release)
            parameters = _read_parameters(preparation)
            record = _record(preparation, tracked, partial, parameters.plain)
            staging = StagingDirectory.of(run.project_path, tracked.run_id)
            staging.make()
            record.write(staging.record)
            trained = {*partial, *(pair.config.name for pair in pairs)}
            models = preparation.project.config.autolog_pipeline.models
            watch = Watch.begin(
                run,
                pairs,
                others={name for names in partial.values() for name in names},
                measured={dataset_of(name) for model in models if model.name in trained for name in model.metrics},
                staging=staging,
                writing=WritingRun(tracked.run_id, datetime.now(timezone.utc).isoformat(timespec="seconds")),
                opened=opened,
            )
            log_parameters(tracked, run.parameters())
            _try_imports(preparation)
            training = cls(
                preparation,
                tracked,
                staging,
                watch,
                record,
                parameters.objects,
                ending,
                opened.pop_all(),
            )
        # A run that nothing ends (Ctrl-C calls no hook of Kedro's) would be shown as finished by MLflow.
        atexit.register(training.end, RunStatus.KILLED)
        announce_run(tracked)
        if is_new:
            announce_new_store(run.project_path)
        set_apart()
        return training

    @property
    def run(self) -> KedroRun:
        """What Kedro runs."""
        return self.preparation.run

    def stop_if_imports_fail(self) -> None:
        """Raise what is known by now of functions that cannot be imported where a model is deployed.

        Raises:
            VerificationError: With the faults of the first model that has any.
        """
        for name, verifier in self.preparation.verifiers.started():
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
        """Close the MLflow run of a training that failed; what it has saved can still be packaged.

        It raises nothing, for the user to see why the training failed.
        """
        try:
            record = self._ended_as(RunStatus.FAILED)
            log_inputs(self.tracked, record.inputs.values())
            if not record.saves or keep_record(self.tracked, record.kedro_run_id, record.to_json(), {}):
                self.staging.remove()
            else:
                record.write(self.staging.record)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is not what stopped the training
            _LOGGER.warning("What this training has saved cannot be noted for '%s': %s", self.tracked.run_id, error)
        finally:
            self.end(RunStatus.FAILED)

    def interrupt(self) -> None:
        """Close the MLflow run of a training that was interrupted: this thread is about to run another one."""
        self.end(RunStatus.KILLED)

    def end(self, status: RunStatus) -> None:
        """Close the MLflow run if it is ours, and the processes in any case; a second time does nothing."""
        self._ending.status = status
        self._open.close()
        atexit.unregister(self.end)

    def _ended_as(self, status: RunStatus) -> RunRecord:
        noted = Journal(self.staging.journal).read()
        return attrs.evolve(
            self._record,
            ends_as=status,
            saves=noted.saves,
            reads=noted.reads,
            inputs=noted.inputs,
            metrics=noted.metrics,
        )

    def _package(self) -> BaseException | None:
        self.watch.end()
        record = self._ended_as(RunStatus.FINISHED)
        record.write(self.staging.record)
        log_inputs(self.tracked, record.inputs.values())
        finished = FinishedRun(
            self.run,
            record,
            self.staging,
            takes_unsaved=self.run.only_missing_outputs,
            secrets=collect_secrets(
                self.preparation.project, self.preparation.pairs, self.run.catalog, record.withheld
            ),
            early=self.watch.early,
            objects=self._objects,
            values=self.watch.rows(),
        )
        failure = log_models(self.preparation.pairs, finished, self.tracked, self.preparation.verifiers).failure
        on_failure = self.preparation.project.config.autolog_pipeline.on_failure
        # A refusal fails the command only where the user asks for that.
        is_failure = isinstance(failure, Exception) and not isinstance(failure, PromotionRefusedError)
        if failure is not None and is_failure and on_failure is OnFailure.WARN:
            _LOGGER.warning("%s", failure, exc_info=failure.__cause__)
            return None
        return failure


def _track(preparation: Preparation) -> TrackedRun:
    """Join the run that is active, or open one."""
    run, project = preparation.run, preparation.project
    store = find_store(project.config.server, run.project_path)
    names = ",".join(run.pipeline_names)
    # People tell runs apart by what they train and when they are started: most of them are '__default__' to Kedro.
    trained = ",".join(sorted({pair.config.training for pair in preparation.pairs}))
    started = datetime.now().astimezone()
    return join_active_run(store.registry_uri) or open_run(
        store,
        project.config.tracking,
        default_experiment=project.package_name,
        default_name=f"{trained or names} {started:%d %b %H:%M}",
        tags=run_tags(run, project, _runtime_params(preparation)),
    )


def _read_parameters(preparation: Preparation) -> ParameterValues:
    names = sorted({name for pair in preparation.pairs for name in pair.inputs_from(Origin.PARAMETER)})
    return read_parameters(names, preparation.run.catalog, preparation.project.parameters)


def _record(
    preparation: Preparation, tracked: TrackedRun, partial: Iterable[str], parameters: dict[str, Any]
) -> RunRecord:
    run, pairs = preparation.run, preparation.pairs
    runtime_params, withheld = _runtime_params(preparation)
    conf_source = str(preparation.project.config_loader.conf_source)
    is_own = conf_source == str(run.project_path / settings.CONF_SOURCE)
    return RunRecord(
        run_id=tracked.run_id,
        kedro_run_id=run.run_id,
        pipelines=list(run.pipeline_names),
        env=run.env,
        runtime_params=runtime_params,
        withheld=withheld,
        conf_source=None if is_own else conf_source,
        package=None if is_kedro_project(run.project_path) else preparation.project.package_name,
        models=[*(pair.config.name for pair in pairs), *partial],
        parameters=parameters,
        closes_run=tracked.is_ours,
        process=this_process(),
    )


def _runtime_params(preparation: Preparation) -> tuple[dict[str, Any], list[str]]:
    """Split the parameters of the command line by whether a pipeline reads them."""
    run, pairs = preparation.run, preparation.pairs
    read = {*run.pipeline.inputs(), *(name for pair in pairs for name in pair.inference.inputs())}
    return split_by_reader(run.runtime_params, read)


def _try_imports(preparation: Preparation) -> None:
    pairs = {pair.config.name: pair for pair in preparation.pairs}
    for name, verifier in preparation.verifiers.started():
        verifier.try_imports(plan_import_check(pairs[name], preparation.artifacts[name], preparation.run))
