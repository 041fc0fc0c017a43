"""Tests of tracking.destination, on a real store."""

from __future__ import annotations

import attrs
import pytest

from kedro_autolog_pipeline.config.schema import ExperimentConfig, RunConfig, TrackingConfig
from kedro_autolog_pipeline.tracking.destination import Destination, DestinationState, find_destination
from kedro_autolog_pipeline.tracking.store import Store


def in_run(run_id: str) -> TrackingConfig:
    """Name a run."""
    return TrackingConfig(run=RunConfig(id=run_id))


def test_an_experiment_is_there_or_will_be(store: Store) -> None:
    """An experiment that is there can be used, another one will be created; none is by asking."""
    store.client().create_experiment("shop")
    named = TrackingConfig(ExperimentConfig("nightly"))

    assert Destination("shop", None, DestinationState.EXISTS) == find_destination(store, TrackingConfig(), "shop")
    assert Destination("nightly", None, DestinationState.NEW) == find_destination(store, named, "shop")
    assert store.client().get_experiment_by_name("nightly") is None


def test_a_deleted_experiment_is_a_fault(store: Store) -> None:
    """MLflow keeps the name of a deleted experiment: the fault says how to restore it."""
    experiment_id = store.client().create_experiment("shop")
    store.client().delete_experiment(experiment_id)

    found = find_destination(store, TrackingConfig(), "shop")

    assert found.state is DestinationState.UNUSABLE
    assert found.fault == (
        "tracking.experiment.name: the experiment 'shop' was deleted. Restore it with "
        f"'mlflow experiments restore --experiment-id {experiment_id}', or name another one."
    )


def test_a_run_that_is_named_must_be_there(store: Store) -> None:
    """A run that exists is joined; one that nobody knows, or that was deleted, is a fault."""
    client = store.client()
    experiment_id = client.create_experiment("shop")
    run_id = client.create_run(experiment_id).info.run_id

    assert Destination("shop", run_id, DestinationState.EXISTS) == find_destination(store, in_run(run_id), "default")

    unknown = find_destination(store, in_run("nobody"), "default")
    assert unknown.state is DestinationState.UNUSABLE
    assert f"{unknown.fault}".startswith(
        f"The tracking server '{store.tracking_uri}' does not give us tracking.run.id 'nobody': "
    )

    client.delete_run(run_id)
    assert find_destination(store, in_run(run_id), "default").fault == (
        f"tracking.run.id: the run '{run_id}' was deleted. "
        f"Restore it with 'mlflow runs restore --run-id {run_id}', or leave it out."
    )

    client.restore_run(run_id)
    client.delete_experiment(experiment_id)
    assert find_destination(store, in_run(run_id), "default").state is DestinationState.UNUSABLE


def test_a_database_that_is_not_there_is_not_made(store: Store) -> None:
    """Asking a database that a run would make makes none: its experiment is new, and it has no runs."""
    new = attrs.evolve(store, tracking_uri=f"{store.tracking_uri}.new")

    assert find_destination(new, TrackingConfig(), "shop").state is DestinationState.NEW
    assert find_destination(new, in_run("a"), "shop").fault == (
        "tracking.run.id: there is no run 'a', nor the database that it would be in. Leave it out."
    )
    assert new.is_new


@pytest.mark.usefixtures("clean_mlflow")
def test_what_mlflow_cannot_open_is_a_fault_without_its_password() -> None:
    """Whatever MLflow or a driver raises is told, and no secret with it."""
    found = find_destination(Store("nothing://me:secret@host/db", None, None), TrackingConfig(), "shop")

    assert found.state is DestinationState.UNUSABLE
    assert f"{found.fault}".startswith("The tracking server 'nothing://host/db' does not give us the experiment 'shop'")
    assert "secret" not in f"{found.fault}"
