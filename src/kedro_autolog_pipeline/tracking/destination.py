"""Find out whether a run can be opened where the user asked for it; none is opened."""

from __future__ import annotations

from enum import Enum

import attrs

from kedro_autolog_pipeline.config.schema import TrackingConfig
from kedro_autolog_pipeline.tracking.refusals import Refusal, explain_refusal
from kedro_autolog_pipeline.tracking.run import named_run
from kedro_autolog_pipeline.tracking.store import Store


class DestinationState(Enum):
    """Whether a run can go there."""

    EXISTS = "exists"
    NEW = "will be created"
    UNUSABLE = "cannot be used"


@attrs.frozen
class Destination:
    """The experiment that a run will be in, or the run that it will be.

    Attributes:
        experiment: The experiment's name; None when the run that is named is in none, being unknown.
        run_id: The run that the user names; None when there will be a new one.
        state: Whether a run can go there.
        fault: Why it cannot, and what to do; None when it can.
    """

    experiment: str | None
    run_id: str | None
    state: DestinationState
    fault: str | None = None


def find_destination(store: Store, tracking: TrackingConfig, default_experiment: str) -> Destination:
    """Ask the tracking server where a run will go. A database that is not there yet is not made.

    Args:
        store: The tracking server, which answers.
        tracking: What the user asked for.
        default_experiment: The experiment where none is configured.
    """
    from mlflow.exceptions import MlflowException

    run_id, name = named_run(tracking), tracking.experiment.name or default_experiment
    remedy = "Correct it in mlflow.yml."
    try:
        return _find_experiment(store, name) if run_id is None else _find_run(store, run_id)
    except MlflowException as error:
        refusal = explain_refusal(error, remedy)
    except Exception as error:  # noqa: BLE001 - a database's driver raises what it likes
        refusal = Refusal(f"{error}", remedy)
    asked = f"the experiment '{name}'" if run_id is None else f"tracking.run.id '{run_id}'"
    # Some of these texts hold the URI as it was given.
    cause = refusal.cause.replace(store.tracking_uri, store.public_uri)
    fault = f"The tracking server '{store.public_uri}' does not give us {asked}: {cause} {refusal.remedy}"
    return Destination(name, run_id, DestinationState.UNUSABLE, fault)


def _find_experiment(store: Store, name: str) -> Destination:
    from mlflow.entities import LifecycleStage

    found = None if store.is_new else store.client().get_experiment_by_name(name)
    if found is None:
        return Destination(name, None, DestinationState.NEW)
    if found.lifecycle_stage == LifecycleStage.ACTIVE:
        return Destination(name, None, DestinationState.EXISTS)
    return Destination(name, None, DestinationState.UNUSABLE, _deleted(name, found.experiment_id))


def _find_run(store: Store, run_id: str) -> Destination:
    from mlflow.entities import LifecycleStage

    if store.is_new:
        nowhere = f"tracking.run.id: there is no run '{run_id}', nor the database that it would be in. Leave it out."
        return Destination(None, run_id, DestinationState.UNUSABLE, nowhere)
    client = store.client()
    run = client.get_run(run_id).info
    experiment = client.get_experiment(run.experiment_id)
    fault: str | None = None
    if run.lifecycle_stage != LifecycleStage.ACTIVE:
        fault = (
            f"tracking.run.id: the run '{run_id}' was deleted. "
            f"Restore it with 'mlflow runs restore --run-id {run_id}', or leave it out."
        )
    elif experiment.lifecycle_stage != LifecycleStage.ACTIVE:
        fault = _deleted(experiment.name, run.experiment_id)
    state = DestinationState.EXISTS if fault is None else DestinationState.UNUSABLE
    return Destination(experiment.name, run_id, state, fault)


def _deleted(experiment: str, experiment_id: str) -> str:
    return (
        f"tracking.experiment.name: the experiment '{experiment}' was deleted. "
        f"Restore it with 'mlflow experiments restore --experiment-id {experiment_id}', or name another one."
    )
