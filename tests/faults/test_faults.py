"""What a fault leaves behind, that the next run works, and that a retry gives the run its model."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.fault import FAULTS, Cause, Fault, Retry, Stage
from faults.scene import Scene
from faults.table import Observation
from faults.tracking_server import TrackingServer
from faults.training_project import trained_outputs, write_training_project

pytestmark = pytest.mark.faults

END_SECONDS = 45
"""How long a process may take from a fault to its end, on a busy machine: MLflow's own retries take four minutes."""


@pytest.fixture(scope="session")
def running_server(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[TrackingServer]:
    """Give the server of this process's tests, whatever state they leave it in."""
    server = TrackingServer(tmp_path_factory.mktemp("server") / "data", migrated_database)
    yield server
    server.kill()


@pytest.fixture
def server(running_server: TrackingServer) -> TrackingServer:
    """Give a server that is up."""
    running_server.ensure()
    running_server.gate.requests.clear()
    return running_server


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_no_training_is_lost(
    fault: Fault, server: TrackingServer, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The outputs of training stay, no model is READY that does not load, and the run gets its model by a retry."""
    scene = Scene(fault, write_training_project(tmp_path / "shop"), server, tmp_path)

    ended = scene.run_with_fault()
    time_to_end = 0.0 if scene.struck is None else time.monotonic() - scene.struck

    runs, models = scene.runs(), scene.models()
    assert fault.exit_code == ended.exit_code, ended.output
    assert fault.says in ended.output
    assert ([] if fault.run is None else [fault.run]) == list(runs.values())
    assert ([] if fault.model is None else [fault.model]) == [model.status for model in models]
    if fault.cause is not Cause.SERVER_RESTARTED:
        assert time_to_end < END_SECONDS
    if fault.stage not in {Stage.START, Stage.BEGINNING}:
        assert ["model.pkl", "scaler.pkl"] == trained_outputs(scene.project)
    assert_nothing_stays(scene.temporary)

    server.ensure()
    refusal = ""
    if fault.run_first:
        run(scene)
        assert "PENDING" not in [model.status for model in scene.models()]
    if fault.retry in {Retry.READY, Retry.REFUSED}:
        (run_id,) = runs
        refusal = retry(scene, run_id)
    if not fault.run_first:
        run(scene)
    after = scene.models()
    assert {model.status for model in after} <= {"READY", "FAILED"}
    loaded = scene.load(model.model_id for model in after if model.status == "READY")
    assert loaded.exit_code == 0, loaded.output
    assert_nothing_stays(scene.temporary)
    stored = [f"run {status}" for status in runs.values()] + [f"model {model.status}" for model in models]
    observation = Observation.of(scene, ended, ", ".join(stored) or "nothing", refusal)
    request.node.user_properties.append(("fault", observation.as_properties()))


def run(scene: Scene) -> None:
    """Train once more, which ends with a READY model in a run of its own."""
    before = set(scene.runs())

    ended = scene.kedro("run")

    assert ended.exit_code == 0, ended.output
    (run_id,) = set(scene.runs()) - before
    assert scene.runs()[run_id] == "FINISHED"
    assert [model.status for model in scene.models() if model.run_id == run_id] == ["READY"]


def retry(scene: Scene, run_id: str) -> str:
    """Package a run again, and see that the fault's row tells what becomes of it; gives what it says."""
    fault = scene.fault
    before = scene.runs()

    ended = scene.kedro("autolog", "package", "--run-id", run_id)

    assert (1 if fault.retry is Retry.REFUSED else 0) == ended.exit_code, ended.output
    assert before | {run_id: fault.run_after} == scene.runs()
    statuses = sorted(model.status for model in scene.models() if model.run_id == run_id)
    if fault.retry is Retry.READY:
        assert ["FAILED"] * (fault.model is not None) + ["READY"] == statuses
        assert not [tag for tag in scene.tags(run_id) if tag.startswith("kedro_autolog_pipeline.failure")]
        assert not (scene.project.path / ".autolog_pipeline" / run_id).exists()
    else:
        assert fault.refusal in ended.output
        assert "READY" not in statuses
    return ended.output


def assert_nothing_stays(temporary: Path) -> None:
    """See that the verifying process has ended, which may take it a second when its parent was killed."""
    deadline = time.monotonic() + 60
    while (left := list(temporary.iterdir())) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [] == left
