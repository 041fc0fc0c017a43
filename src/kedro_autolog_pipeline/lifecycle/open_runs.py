"""Know which trainings are open in this thread, and which of them were interrupted."""

from __future__ import annotations

import inspect
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kedro.io import DataCatalog

    from kedro_autolog_pipeline.lifecycle.training_run import TrainingRun

# A Kedro server runs two pipelines at once, each in a thread of its own, and a node may run another pipeline by a
# session of its own: the innermost comes last.
_OPEN: ContextVar[tuple[TrainingRun, ...]] = ContextVar("_OPEN", default=())

# By Kedro's id of the run: the threads of a runner know no context, and the forks of one have a copy of this.
_BY_ID: dict[str, TrainingRun] = {}


def remember(training: TrainingRun) -> None:
    """Count a training among those that are open in this thread."""
    _OPEN.set((*_OPEN.get(), training))
    _BY_ID[training.run.run_id] = training


def find(run_id: str) -> TrainingRun | None:
    """Find an open training of this process by Kedro's id of the run, from any thread."""
    return _BY_ID.get(run_id)


def of_this_process() -> list[TrainingRun]:
    """List the open trainings of this process, from any thread."""
    return list(_BY_ID.values())


def take(catalog: DataCatalog) -> TrainingRun | None:
    """Take the training that has run on a catalog; from now on it is not open.

    Returns:
        None when there is none, which a run that has nothing to do with a pair and one that was taken have in common.
    """
    trainings = _OPEN.get()
    for position, training in enumerate(trainings):
        if training.run.catalog is catalog:
            for interrupted in reversed(trainings[position + 1 :]):
                _forget(interrupted)
                interrupted.interrupt()
            _forget(training)
            return training
    return None


def interrupt_abandoned() -> None:
    """End the trainings that were interrupted, for Kedro calls no hook then: this thread begins another run.

    One whose node runs that other one goes on.
    """
    for training in reversed(_OPEN.get()):
        if not _is_going_on(training):
            _forget(training)
            training.interrupt()


def _forget(training: TrainingRun) -> None:
    _OPEN.set(tuple(other for other in _OPEN.get() if other is not training))
    # Two runs that began in the same millisecond have one id.
    if _BY_ID.get(training.run.run_id) is training:
        del _BY_ID[training.run.run_id]


def _is_going_on(training: TrainingRun) -> bool:
    """Tell whether a runner of this thread is at work on a training's catalog."""
    from kedro.runner import AbstractRunner

    frame = inspect.currentframe()
    while frame is not None:
        # Every runner is given the catalog under this name.
        local: dict[str, Any] = frame.f_locals
        if local.get("catalog") is training.run.catalog and isinstance(local.get("self"), AbstractRunner):
            return True
        frame = frame.f_back
    return False
