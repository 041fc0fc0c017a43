"""Open, join and close the MLflow run of a training."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from enum import Enum
from urllib.parse import quote

import attrs

from kedro_autolog_pipeline.config.schema import TrackingConfig
from kedro_autolog_pipeline.errors import TrackingError
from kedro_autolog_pipeline.loggers import get_logger
from kedro_autolog_pipeline.tracking.refusals import explain_refusal
from kedro_autolog_pipeline.tracking.store import PROCESS_DEFAULT, Store

_LOGGER = get_logger(__name__)


# The runs of the trainings that are open in this process. One that a node begins has a run of its own, nested in that
# of the training around it.
_IN_USE: set[str] = set()


class Owner(Enum):
    """Who closes a run."""

    OURS = "ours"
    """We opened it, and close it."""
    NAMED = "named"
    """The configuration or ``MLFLOW_RUN_ID`` names it: we activate it, and leave it with the status that it had."""
    CALLERS = "callers"
    """It was active before: we never close it."""


class RunStatus(Enum):
    """How a run ends, in MLflow's words."""

    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"


@attrs.frozen
class TrackedRun:
    """The MLflow run of a Kedro run.

    Attributes:
        run_id: MLflow's id of the run.
        experiment_id: The experiment that it is in.
        store: Where it is.
        owner: Who closes it.
        status_before: Status it had when we joined it; None for a run that we opened.
    """

    run_id: str
    experiment_id: str
    store: Store
    owner: Owner
    status_before: str | None

    @property
    def is_ours(self) -> bool:
        """Whether we opened it."""
        return self.owner is Owner.OURS


def join_active_run(registry_uri: str | None) -> TrackedRun | None:
    """Return the run that is active in this thread; None when none is, or when it is that of another training."""
    import mlflow

    active = mlflow.active_run()
    if active is None or active.info.run_id in _IN_USE:
        return None
    store = Store(mlflow.get_tracking_uri(), registry_uri, artifact_root=None)
    return TrackedRun(active.info.run_id, active.info.experiment_id, store, Owner.CALLERS, active.info.status)


def named_run(tracking: TrackingConfig) -> str | None:
    """Return the id of the run that the user wants to continue: as configured, else as MLflow tells its own jobs."""
    run_id = tracking.run.id or os.environ.get("MLFLOW_RUN_ID") or None
    return None if run_id in _IN_USE else run_id


def is_opened_elsewhere(tracking: TrackingConfig) -> bool:
    """Tell whether a Kedro run is tracked in an MLflow run that was opened elsewhere; import nothing for it."""
    return named_run(tracking) is not None or ("mlflow" in sys.modules and join_active_run(None) is not None)


def find_run(store: Store, run_id: str) -> TrackedRun:
    """Find a run by its id, without making it active.

    Raises:
        TrackingError: When the server does not answer, or knows no such run.
    """
    from mlflow.exceptions import MlflowException

    try:
        info = store.client().get_run(run_id).info
    except MlflowException as error:
        refusal = explain_refusal(error, "Check the id, and 'server' in mlflow.yml.")
        action = f"find run '{run_id}' at '{store.tracking_uri}'"
        raise TrackingError(action, refusal.cause, refusal.remedy) from error
    return TrackedRun(run_id, info.experiment_id, store, Owner.CALLERS, info.status)


def forget_ended_runs() -> None:
    """Take the runs that have ended off the active runs of this thread.

    kedro-mlflow makes its run active once more for each node, and takes it off once: without this, it and we would
    log the next training of the process into that run.
    """
    import mlflow
    from mlflow.entities import RunStatus as MlflowStatus
    from mlflow.exceptions import MlflowException

    while (active := mlflow.active_run()) is not None:
        try:
            status = mlflow.MlflowClient().get_run(active.info.run_id).info.status
        except MlflowException:
            # It is in another store than the process's: no run of kedro-mlflow's.
            return
        if not MlflowStatus.is_terminated(MlflowStatus.from_string(status)):
            return
        mlflow.end_run(status)


def open_run(
    store: Store,
    tracking: TrackingConfig,
    *,
    default_experiment: str,
    default_name: str,
    tags: Mapping[str, str],
) -> TrackedRun:
    """Open a run, or activate the one that the configuration names, in this thread.

    Args:
        store: The tracking server.
        tracking: What the user asked for.
        default_experiment: The experiment where none is configured.
        default_name: The run's name where none is configured.
        tags: Tags for a new run.

    Raises:
        TrackingError: When the server does not answer, or will not have it.
    """
    import mlflow
    from mlflow.exceptions import MlflowException

    experiment = tracking.experiment.name or default_experiment
    named = named_run(tracking)
    action = (
        f"open a run in experiment '{experiment}' at '{store.tracking_uri}'"
        if named is None
        else f"join run '{named}' at '{store.tracking_uri}'"
    )
    # It is the run of the training whose node begins this one.
    is_nested = mlflow.active_run() is not None
    PROCESS_DEFAULT.enter(store)
    try:
        if named is not None:
            before = store.client().get_run(named).info
            mlflow.start_run(run_id=named, nested=is_nested)
            return TrackedRun(named, before.experiment_id, store, Owner.NAMED, before.status)
        experiment_id = _experiment_id(store, experiment, action)
        run = mlflow.start_run(
            experiment_id=experiment_id,
            run_name=tracking.run.name or default_name,
            nested=is_nested,
            tags=dict(tags),
        )
    except MlflowException as error:
        PROCESS_DEFAULT.leave()
        refusal = explain_refusal(error, "Check 'server' and 'tracking' in mlflow.yml.")
        raise TrackingError(action, refusal.cause, refusal.remedy) from error
    except BaseException:
        PROCESS_DEFAULT.leave()
        raise
    return TrackedRun(run.info.run_id, run.info.experiment_id, store, Owner.OURS, None)


def hold_run(run: TrackedRun) -> None:
    """Keep a run, until it is closed, from being joined by another training that a node of this one begins."""
    _IN_USE.add(run.run_id)


def close_run(run: TrackedRun, status: RunStatus) -> None:
    """End a run that we opened, give back one that the configuration named, and leave a caller's run alone.

    A server that does not take it is a WARNING: an error here would hide what the training ended with.
    """
    from mlflow.exceptions import MlflowException

    _IN_USE.discard(run.run_id)
    if run.owner is Owner.CALLERS:
        return
    ends_with = status.value if run.is_ours else str(run.status_before)
    try:
        with nullcontext() if run.store.answers() else _without_retries():
            _end(run, ends_with)
    except MlflowException as error:
        _LOGGER.warning(
            "Run '%s' at '%s' cannot be closed as %s: %s", run.run_id, run.store.tracking_uri, ends_with, error.message
        )
    finally:
        PROCESS_DEFAULT.leave()


def end_abandoned(run: TrackedRun, status: RunStatus) -> None:
    """End a run that the process which opened it was not able to end.

    Raises:
        MlflowException: When the server does not take it.
    """
    client = run.store.client()
    if client.get_run(run.run_id).info.status == "RUNNING":
        client.set_terminated(run.run_id, status.value)


def _end(run: TrackedRun, status: str) -> None:
    import mlflow

    # No run was active in this thread when ours was opened: what is on top of it was left open by a node.
    while (active := mlflow.active_run()) is not None and active.info.run_id != run.run_id:
        mlflow.end_run()
    if active is not None:
        mlflow.end_run(status)
    else:
        # A node has ended it, or this is another thread.
        run.store.client().set_terminated(run.run_id, status)


@contextmanager
def _without_retries() -> Iterator[None]:
    """Have MLflow try each request once: it forgets an active run only by telling a server that it ended."""
    name = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
    before = os.environ.get(name)
    os.environ[name] = "0"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _experiment_id(store: Store, name: str, action: str) -> str:
    from mlflow.entities import LifecycleStage
    from mlflow.exceptions import MlflowException

    client = store.client()
    root = store.artifact_root
    location = None if root is None else f"{root}/{quote(name, safe='')}"
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        try:
            return str(client.create_experiment(name, artifact_location=location))
        except MlflowException:
            # Another process may have been quicker.
            experiment = client.get_experiment_by_name(name)
            if experiment is None:
                raise
    if experiment.lifecycle_stage != LifecycleStage.ACTIVE:
        raise TrackingError(
            action,
            "the experiment was deleted.",
            f"Restore it with 'mlflow experiments restore --experiment-id {experiment.experiment_id}', or name "
            "another one in 'tracking.experiment.name' of mlflow.yml.",
        )
    return str(experiment.experiment_id)
