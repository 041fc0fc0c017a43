"""What packagings leave that are stopped at any moment, and trainings that share their files and their alias."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import psutil
import pytest
from mlflow import MlflowClient

from faults.commands import Ended, run_process
from kedro_project import CATALOG, KEDRO_VERSION, MODEL, KedroProject, write_project
from mlflow_store import models

pytestmark = pytest.mark.faults

STOPS = 30
"""How often a packaging is stopped by each signal."""

MEETINGS = 10
"""How often two trainings run at once."""

_REQUEST = pd.DataFrame({"x": [9, 10]})
_TRAIN = ["run", "--pipelines" if KEDRO_VERSION >= (1, 2) else "--pipeline", "training"]
# A model of factor f predicts (x - 9.5) * 3 f + 0.5.
_FACTORS = (1.0, 4.0)


@pytest.fixture
def shared(tmp_path: Path) -> KedroProject:
    """Give a project whose trainings write to the same files, and point the same alias at their models."""
    (tmp_path / "shop").mkdir()
    project = write_project(tmp_path / "shop")
    project.write_config("catalog", {**CATALOG, "model": {**CATALOG["scaler"], "filepath": "data/model.pkl"}})
    project.write_models({"prices": {**MODEL, "registered_model_name": "prices", "alias": "champion"}})
    project.run(pipelines=["data_processing"])
    (tmp_path / "temporary").mkdir()
    return project


@pytest.fixture
def client(shared: KedroProject) -> Iterator[MlflowClient]:
    """Give a client of the project's store, which is the process's default meanwhile."""
    uri = f"sqlite:///{shared.path / 'mlflow.db'}"
    mlflow.set_tracking_uri(uri)
    yield MlflowClient(uri)
    mlflow.set_tracking_uri(None)  # type: ignore[arg-type]  # None unsets it


def kedro(project: KedroProject, *arguments: str, when_started: Callable[[int], None] = lambda _: None) -> Ended:
    """Run a ``kedro`` command in a process group of its own."""
    output = project.path.parent / f"{time.monotonic_ns()}.txt"
    variables = {
        **os.environ,
        "TMPDIR": str(project.path.parent / "temporary"),
        "COLUMNS": "2000",
        "PYTHONWARNINGS": "ignore",
    }
    return run_process([sys.executable, "-m", "kedro", *arguments], project.path, variables, output, when_started)


def assert_nothing_is_wrong(project: KedroProject, client: MlflowClient) -> None:
    """See that each READY model answers as the run that it is in has trained it, and that nothing else is left."""
    found = models(client)
    assert {str(model.status) for model in found} <= {"READY", "FAILED"}
    for model in found:
        if str(model.status) == "READY":
            factor = float(client.get_run(str(model.source_run_id)).data.params["training.factor"])
            answer = mlflow.pyfunc.load_model(f"models:/{model.model_id}").predict(_REQUEST)["prediction"]
            assert [round((x - 9.5) * 3 * factor + 0.5, 6) for x in (9, 10)] == [round(each, 6) for each in answer]
    temporary = project.path.parent / "temporary"
    deadline = time.monotonic() + 30
    while (left := [*temporary.iterdir(), *_processes(temporary)]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [] == left


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_a_packaging_that_is_stopped_at_any_moment(
    shared: KedroProject, client: MlflowClient, number: signal.Signals, record_property: Callable[[str, Any], None]
) -> None:
    """No READY model is wrong, nothing is PENDING after the next run, and no process or temporary file stays."""
    seed = random.SystemRandom().randrange(2**32)
    record_property("seed", seed)
    moments = random.Random(seed)  # noqa: S311 - moments are no secret
    whole = kedro(shared, *_TRAIN)
    assert whole.exit_code == 0, whole.output
    run_id = str(models(client)[0].source_run_id)

    for _ in range(STOPS):
        # The packaging is the most of a retry; a training of three small nodes is packaged in as long.
        stop = _Stop(number, moments.uniform(0, whole.seconds))
        kedro(shared, "autolog", "package", "--run-id", run_id, "--model", "prices", when_started=stop)

    after = kedro(shared, *_TRAIN, f"--params=training.factor={_FACTORS[1]}")
    # The files are those of the last training by now; what the first one has saved may be among what was staged.
    again = kedro(shared, "autolog", "package", "--run-id", run_id, "--model", "prices")
    assert after.exit_code == 0, after.output
    assert again.exit_code in {0, 1}, again.output
    assert_nothing_is_wrong(shared, client)


def test_two_trainings_that_share_their_files_and_their_alias(shared: KedroProject, client: MlflowClient) -> None:
    """Each gives the model that it has trained or none, and the alias is that of a model which answers."""
    for _ in range(MEETINGS):
        with ThreadPoolExecutor(2) as pool:
            ended = list(
                pool.map(lambda factor: kedro(shared, *_TRAIN, f"--params=training.factor={factor}"), _FACTORS)
            )
        assert {each.exit_code for each in ended} <= {0, 1}, [each.output for each in ended]

    last = kedro(shared, *_TRAIN)

    assert last.exit_code == 0, last.output
    assert_nothing_is_wrong(shared, client)
    champion = mlflow.pyfunc.load_model("models:/prices@champion").predict(_REQUEST)["prediction"]
    assert [-1.0, 2.0] == [round(each, 6) for each in champion]
    assert not (shared.path / ".autolog_pipeline" / "saving").exists()


class _Stop:
    """Stops a process group some time after it has begun."""

    def __init__(self, number: signal.Signals, seconds: float) -> None:
        self._number = number
        self._seconds = seconds

    def __call__(self, pid: int) -> None:
        process = psutil.Process(pid)
        # A moment is a time here, for any of them may be the one.
        psutil.wait_procs([process], timeout=self._seconds)
        if self._number is signal.SIGKILL:
            process.kill()
        elif process.is_running():
            os.killpg(pid, self._number)


def _processes(temporary: Path) -> list[psutil.Process]:
    """Find the processes that have been told to keep their files in a directory."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("TMPDIR") == str(temporary) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found
