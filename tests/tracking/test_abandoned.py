"""Tests of tracking.abandoned."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time

import pytest
from mlflow.entities import LoggedModel, LoggedModelStatus

from kedro_autolog_pipeline.tracking import abandoned
from kedro_autolog_pipeline.tracking.abandoned import (
    PENDING,
    is_gone,
    settle_abandoned,
    this_process,
)
from kedro_autolog_pipeline.tracking.logged_model import logged_model
from kedro_autolog_pipeline.tracking.run import TrackedRun
from kedro_autolog_pipeline.tracking.tags import PROCESS_TAG, STATE_TAG

pytestmark = pytest.mark.process

MACHINE = platform.node()


def dead_process() -> str:
    """Name a process that has ended."""
    code = "from kedro_autolog_pipeline.tracking.abandoned import this_process; print(this_process())"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def pending(run: TrackedRun, process: str) -> LoggedModel:
    """Leave a model PENDING, as a process that was killed does."""
    return run.store.client().create_logged_model(
        run.experiment_id, "prices", source_run_id=run.run_id, tags={STATE_TAG: PENDING, PROCESS_TAG: process}
    )


def test_what_a_killed_process_has_left_is_failed(run: TrackedRun) -> None:
    """A PENDING model of a process of this machine that no longer lives is FAILED, with the reason, once."""
    model = pending(run, dead_process())

    settled = settle_abandoned(run.store, run.experiment_id)
    again = settle_abandoned(run.store, run.experiment_id)

    after = run.store.client().get_logged_model(model.model_id)
    assert [model.model_id] == settled
    assert [] == again
    assert after.status == LoggedModelStatus.FAILED
    assert after.tags["kedro_autolog_pipeline.failure"] == "The process that packaged it ended before it could finish."


def test_a_process_is_gone_when_it_is_seen_to_be() -> None:
    """Nothing is seen of a process of another machine or container, nor of one without a name."""
    names = (dead_process(), this_process(), "elsewhere 1 12.00", f"{MACHINE} 1 12.00 boot/1", "", f"{MACHINE} x")

    assert [True, False, False, False, False, False] == [is_gone(process) for process in names]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no zombies.")
def test_a_zombie_is_gone() -> None:
    """In a container without an init process, nobody asks how a process that was killed has ended."""
    code = (
        "from kedro_autolog_pipeline.tracking.abandoned import this_process; print(this_process(), flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        lives = not is_gone(name)

        process.kill()
        process.stdout.read()
        deadline = time.monotonic() + 30
        while not (has_gone := is_gone(name)) and time.monotonic() < deadline:
            time.sleep(0.01)

    assert lives
    assert has_gone


def test_an_id_that_was_given_again_is_another_process(run: TrackedRun) -> None:
    """A process that has the id of one that was killed started at another time."""
    machine, number, _, *table = this_process().split()
    names = (" ".join([machine, number, "12.00", *table]), f"{machine} {number} 12.00")
    left = [pending(run, name).model_id for name in names]

    assert sorted(left) == sorted(settle_abandoned(run.store, run.experiment_id))


@pytest.mark.parametrize(
    "process",
    ["elsewhere 1 12.00", f"{MACHINE} {os.getpid()} 12.00 boot/1", ""],
    ids=["another machine", "a container of this machine", "no process"],
)
def test_a_model_of_another_machine_is_left_for_a_day(
    run: TrackedRun, process: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing can ask another machine whether it still packages, except the user who packages the same run again."""
    model = pending(run, process)

    assert [] == settle_abandoned(run.store, run.experiment_id)
    assert [] == settle_abandoned(run.store, run.experiment_id, run_id="another")
    monkeypatch.setattr(abandoned, "ABANDONED_AFTER_SECONDS", 0)
    assert [model.model_id] == settle_abandoned(run.store, run.experiment_id)


def test_packaging_the_same_run_again_settles_the_model_of_another_machine(run: TrackedRun) -> None:
    """The user says by it that nobody works at it any more."""
    model = pending(run, "elsewhere 1 12.00")

    assert [model.model_id] == settle_abandoned(run.store, run.experiment_id, run_id=run.run_id)


def test_a_model_that_is_being_made_is_left_alone(run: TrackedRun) -> None:
    """A process that lives finishes its own models, whatever another packaging in the experiment settles."""
    with logged_model(run, "prices", {}) as model:
        settled = settle_abandoned(run.store, run.experiment_id, run_id=run.run_id)
        status = run.store.client().get_logged_model(model.model_id).status

    assert [] == settled
    assert status == LoggedModelStatus.PENDING
    assert run.store.client().get_logged_model(model.model_id).status == LoggedModelStatus.READY


def test_all_that_were_left_are_failed(run: TrackedRun) -> None:
    """A process may have left several, each in another run of the experiment or in the same."""
    process = dead_process()
    left = [pending(run, process).model_id for _ in range(3)]

    settle_abandoned(run.store, run.experiment_id)

    statuses = {run.store.client().get_logged_model(model_id).status for model_id in left}
    assert {LoggedModelStatus.FAILED} == statuses


def test_a_ready_model_stays_ready(run: TrackedRun) -> None:
    """A process that was killed right behind READY has left a tag, and not a model, to be settled."""
    model = pending(run, dead_process())
    run.store.client().finalize_logged_model(model.model_id, LoggedModelStatus.READY)

    settle_abandoned(run.store, run.experiment_id)

    after = run.store.client().get_logged_model(model.model_id)
    assert after.status == LoggedModelStatus.READY
    assert "kedro_autolog_pipeline.failure" not in after.tags
