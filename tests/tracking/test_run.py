"""Tests of tracking.run."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

import attrs
import mlflow
import pytest

from kedro_autolog_pipeline.config.schema import ExperimentConfig, RunConfig, TrackingConfig
from kedro_autolog_pipeline.errors import TrackingError
from kedro_autolog_pipeline.tracking.run import (
    Owner,
    RunStatus,
    TrackedRun,
    close_run,
    end_abandoned,
    find_run,
    forget_ended_runs,
    join_active_run,
    open_run,
)
from kedro_autolog_pipeline.tracking.store import Store


def opened(store: Store, tracking: TrackingConfig | None = None) -> TrackedRun:
    """Open a run as a project without any configuration does."""
    return open_run(
        store,
        tracking or TrackingConfig(),
        default_experiment="shop",
        default_name="training",
        tags={"a": "b"},
    )


def test_a_run_of_ours_is_active_until_it_is_closed(store: Store) -> None:
    """What a node logs by mlflow.log_metric is in our run; then the run has the status we give it."""
    run = opened(store)
    mlflow.log_metric("m", 1.0)
    close_run(run, RunStatus.FAILED)

    stored = store.client().get_run(run.run_id)
    assert stored.info.status == "FAILED"
    assert stored.info.run_name == "training"
    assert stored.data.metrics == {"m": 1.0}
    assert stored.data.tags["a"] == "b"
    assert store.client().get_experiment(run.experiment_id).name == "shop"
    assert mlflow.active_run() is None


def test_an_experiment_is_made_once_and_its_files_are_in_the_project(store: Store) -> None:
    """A second run is in the same experiment, whose files are below the store's own directory."""
    first = opened(store)
    close_run(first, RunStatus.FINISHED)
    second = opened(store, TrackingConfig(ExperimentConfig("shop"), RunConfig(name="again")))
    close_run(second, RunStatus.FINISHED)

    assert first.experiment_id == second.experiment_id
    assert store.client().get_experiment(first.experiment_id).artifact_location == f"{store.artifact_root}/shop"
    assert store.client().get_run(second.run_id).info.run_name == "again"


def test_a_deleted_experiment_is_an_error_with_the_remedy(store: Store) -> None:
    """Nothing is logged into an experiment that was deleted; the message says how to get it back."""
    experiment_id = store.client().create_experiment("shop")
    store.client().delete_experiment(experiment_id)

    with pytest.raises(TrackingError) as caught:
        opened(store)

    assert str(caught.value) == (
        f"Cannot open a run in experiment 'shop' at '{store.tracking_uri}': the experiment was deleted. Restore it "
        f"with 'mlflow experiments restore --experiment-id {experiment_id}', or name another one in "
        "'tracking.experiment.name' of mlflow.yml."
    )
    assert not mlflow.is_tracking_uri_set()  # type: ignore[no-untyped-call]  # MLflow left its types out


def test_a_run_that_does_not_exist_cannot_be_joined(store: Store) -> None:
    """`tracking.run.id` of nothing is an error that names it."""
    with pytest.raises(TrackingError) as caught:
        opened(store, TrackingConfig(run=RunConfig(id="0" * 32)))

    assert str(caught.value).startswith(f"Cannot join run '{'0' * 32}' at '{store.tracking_uri}': ")
    assert str(caught.value).endswith("Check 'server' and 'tracking' in mlflow.yml.")
    assert not mlflow.is_tracking_uri_set()  # type: ignore[no-untyped-call]  # MLflow left its types out


def test_an_active_run_is_joined_and_never_closed(store: Store) -> None:
    """The caller's run stays active and RUNNING whatever becomes of ours."""
    mlflow.set_tracking_uri(store.tracking_uri)
    assert join_active_run(None) is None
    with mlflow.start_run() as callers:
        run = join_active_run(None)
        assert run is not None
        close_run(run, RunStatus.FAILED)

        assert run.owner is Owner.CALLERS
        assert run.run_id == callers.info.run_id
        assert store.client().get_run(run.run_id).info.status == "RUNNING"


def test_runs_that_have_ended_are_active_no_more(store: Store) -> None:
    """What is on top of a run that goes on, and has ended, is taken off with the status that it had."""
    mlflow.set_tracking_uri(store.tracking_uri)
    forget_ended_runs()
    going_on = mlflow.start_run().info.run_id
    ended = mlflow.start_run(nested=True).info.run_id
    mlflow.start_run(ended, nested=True)
    mlflow.end_run("FAILED")

    forget_ended_runs()

    active = mlflow.active_run()
    assert active is not None
    assert going_on == active.info.run_id
    assert "FAILED" == store.client().get_run(ended).info.status


def test_a_run_of_another_store_stays_active(store: Store, tmp_path: Path, migrated_database: Path) -> None:
    """Nothing is known of a run whose store is no longer the process's."""
    mlflow.set_tracking_uri(store.tracking_uri)
    run_id = mlflow.start_run().info.run_id
    mlflow.end_run()
    mlflow.start_run(run_id)
    store.client().set_terminated(run_id)
    mlflow.set_tracking_uri(f"sqlite:///{shutil.copy(migrated_database, tmp_path / 'other.db')}")

    forget_ended_runs()

    assert mlflow.active_run() is not None
    mlflow.set_tracking_uri(store.tracking_uri)


def test_a_run_that_a_node_has_hidden_is_closed_all_the_same(store: Store) -> None:
    """A run that a node left open on top of ours does not keep ours from its status."""
    run = opened(store)
    mlflow.start_run(nested=True)

    close_run(run, RunStatus.FINISHED)

    assert store.client().get_run(run.run_id).info.status == "FINISHED"
    assert mlflow.active_run() is None


def test_a_run_that_a_node_has_ended_gets_its_status_all_the_same(store: Store) -> None:
    """A node that calls mlflow.end_run() does not decide how the run ends."""
    run = opened(store)
    mlflow.end_run()

    close_run(run, RunStatus.FAILED)

    assert store.client().get_run(run.run_id).info.status == "FAILED"


def test_an_experiment_that_another_process_has_just_made_is_used(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two first runs at once share the experiment: the second to make it finds it made."""
    made = store.client().create_experiment("shop")
    look_up = mlflow.MlflowClient.get_experiment_by_name
    answers = iter([None])
    monkeypatch.setattr(
        mlflow.MlflowClient, "get_experiment_by_name", lambda self, name: next(answers, look_up(self, name))
    )

    run = opened(store)
    close_run(run, RunStatus.FINISHED)

    assert run.experiment_id == made


def test_an_experiment_that_cannot_be_made_is_an_error(store: Store) -> None:
    """What the server says of a name that it refuses is what the user reads."""
    with pytest.raises(TrackingError) as caught:
        opened(store, TrackingConfig(ExperimentConfig("x" * 600)))

    assert str(caught.value).startswith(f"Cannot open a run in experiment '{'x' * 600}' at '{store.tracking_uri}': ")


UNREACHABLE = "http://127.0.0.1:9"


@pytest.fixture
def hanging_up() -> Iterator[tuple[str, list[None]]]:
    """Give the address of a server that ends each connection at once, and a list with an item for each."""
    connections: list[None] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def hang_up() -> None:
            # Closing the socket of the fixture ends it.
            with suppress(OSError):
                while True:
                    listening.accept()[0].close()
                    connections.append(None)

        thread = Thread(target=hang_up)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", connections
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_server_that_is_gone_does_not_keep_a_run_from_being_closed(
    store: Store,
    hanging_up: tuple[str, list[None]],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is active any more, one WARNING names the run, and MLflow tries each request once."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "5")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
    run = opened(store)
    uri, connections = hanging_up
    mlflow.set_tracking_uri(uri)

    close_run(attrs.evolve(run, store=Store(uri, None, None)), RunStatus.FINISHED)

    # We ask whether it is there, and MLflow ends the run.
    assert 2 == len(connections)
    assert mlflow.active_run() is None
    assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "5"
    assert caplog.messages[-1].startswith(f"Run '{run.run_id}' at '{uri}' cannot be closed as FINISHED: ")


def test_the_number_of_retries_is_as_it_was_when_none_was_set(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing a run at a server that is gone sets a variable of the process, and takes it away."""
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", raising=False)
    run = opened(store)
    mlflow.set_tracking_uri(UNREACHABLE)

    close_run(attrs.evolve(run, store=Store(UNREACHABLE, None, None)), RunStatus.FINISHED)

    assert "MLFLOW_HTTP_REQUEST_MAX_RETRIES" not in os.environ


def test_a_run_that_mlflows_own_variable_names_is_continued(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that MLflow or a scheduler starts has its run in MLFLOW_RUN_ID; it keeps its status."""
    given = store.client().create_run(store.client().create_experiment("jobs")).info
    monkeypatch.setenv("MLFLOW_RUN_ID", given.run_id)

    run = opened(store)
    close_run(run, RunStatus.FAILED)

    assert given.run_id == run.run_id
    assert run.owner is Owner.NAMED
    assert store.client().get_run(given.run_id).info.status == "RUNNING"


def test_a_run_is_found_by_its_id(run: TrackedRun) -> None:
    """It is not made active, and is not ours to close; one that is not there is an error."""
    found = find_run(run.store, run.run_id)

    assert attrs.evolve(run, owner=Owner.CALLERS, status_before="RUNNING") == found
    with pytest.raises(TrackingError, match=r"^Cannot find run 'nowhere' at 'sqlite:.* Check the id, and 'server'"):
        find_run(run.store, "nowhere")


@pytest.mark.parametrize(("before", "after"), [("RUNNING", "FAILED"), ("KILLED", "KILLED")])
def test_only_a_run_that_nobody_has_ended_is_ended(store: Store, before: str, after: str) -> None:
    """What was KILLED stays so."""
    run = opened(store)
    close_run(run, RunStatus.KILLED)
    store.client().update_run(run.run_id, status=before)

    end_abandoned(run, RunStatus.FAILED)

    assert after == store.client().get_run(run.run_id).info.status
