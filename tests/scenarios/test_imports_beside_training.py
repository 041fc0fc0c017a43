"""What an inference node cannot import where its model is deployed is found while the training runs."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from installed import install
from kedro_autolog_pipeline.errors import NotPackagedError, VerificationError
from kedro_project import INFERENCE, MODEL, KedroProject

SLOW_TRAINING = """
import tempfile
import time
from pathlib import Path
from kedro.pipeline import Pipeline, node

def fit_scaler(table):
    # The verifying process needs seconds to start; nothing here depends on how many.
    limit = time.monotonic() + float(Path("seconds.txt").read_text())
    while time.monotonic() < limit and not any(Path(tempfile.gettempdir()).glob("*/import_faults.txt")):
        time.sleep(0.05)
    return {"mean": float(table["x"].mean())}

def fit_model(table, scaler):
    return {"slope": 1.0}

def create_pipeline(**kwargs):
    return Pipeline([
        node(fit_scaler, "table", "scaler", name="first"),
        node(fit_model, ["table", "scaler"], "model", name="second"),
    ])
"""

# The search for what a model needs reads names that are written out, and cannot read these.
THAT_IMPORTS = "import importlib\n\nimportlib.import_module('{start}' + '{end}')\n"


INFERENCE_WITH_NAMES = INFERENCE.replace('"scaled")', '"scaled", name="scale")').replace(
    'ons")', 'ons", name="predict")'
)


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the directory where the verifying process keeps its files: a short path, for ParallelRunner's sockets."""
    directory = Path(tempfile.mkdtemp())
    monkeypatch.setenv("TMPDIR", str(directory))
    monkeypatch.setattr("tempfile.tempdir", str(directory))
    yield directory
    shutil.rmtree(directory)


def write_pipelines(project: KedroProject, start: str, end: str, *, seconds: float) -> None:
    """Let the inference import a module, and the training's first node wait for its fault, or for some seconds."""
    project.write_pipeline("inference", THAT_IMPORTS.format(start=start, end=end) + INFERENCE_WITH_NAMES)
    project.write_pipeline("training", SLOW_TRAINING)
    write_options(project, seconds=seconds)
    project.run(pipelines=["data_processing"])


def write_options(project: KedroProject, *, seconds: float, **options: Any) -> None:
    """Write the options of the model, and how long the training's first node waits."""
    project.write_models({"prices": {**MODEL, **options}})
    (project.path / "seconds.txt").write_text(str(seconds), encoding="utf-8")


def statuses(client: MlflowClient) -> list[str]:
    """Give the status of every run of a store."""
    return [run.info.status for run in client.search_runs([each.experiment_id for each in client.search_experiments()])]


def test_code_that_is_not_shipped_stops_the_training_at_its_second_node(
    project: KedroProject, client: MlflowClient, temporary: Path
) -> None:
    """A module that `code_paths` leaves out is named with the nodes that need it, and the run is FAILED."""
    (project.path / "src" / "prices_of_yesterday.py").touch()
    write_pipelines(project, "prices_of", "_yesterday", seconds=120)
    write_options(project, seconds=120, code_paths=[f"src/{project.package}"])

    with pytest.raises(VerificationError) as caught:
        project.run(pipelines=["training"])

    function = f"{project.package}.pipelines.inference"
    assert (
        "a fresh process, with nothing but the shipped code and the declared requirements, cannot load "
        f"the function of node 'scale', {function}:scale, "
        f"the function of node 'predict', {function}:predict "
        "(ModuleNotFoundError: No module named 'prices_of_yesterday'). Correct that and run again."
    ) == caught.value.cause
    assert ["FAILED"] == statuses(client)
    assert (project.path / "data" / "scaler.pkl").exists()
    assert not (project.path / "data" / "model.pkl").exists()
    assert [] == list(temporary.iterdir())


def test_a_requirement_that_is_not_listed_stops_the_training_at_its_second_node(
    project: KedroProject, client: MlflowClient, temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A distribution that `pip_requirements` leaves out is named, with what to do; with it, the model is READY."""
    install(tmp_path / "site", "prices-of-yesterday", {"prices_of_yesterday.py": ""})
    monkeypatch.syspath_prepend(tmp_path / "site")
    requirements = ["kedro", "kedro-datasets", "pandas", "attrs", "cattrs", "cloudpickle", "fsspec"]
    write_pipelines(project, "prices_of", "_yesterday", seconds=120)
    write_options(project, seconds=120, pip_requirements=requirements)

    with pytest.raises(VerificationError, match="cannot load the function of node 'scale") as caught:
        project.run(pipelines=["training"])
    write_options(project, seconds=0, pip_requirements=[*requirements, "prices-of-yesterday==1.0"])
    project.run(pipelines=["training"])

    assert (
        "NotDeployedError: No module named 'prices_of_yesterday': 'prices-of-yesterday' is installed here, and not "
        in (caught.value.cause)
    )
    assert ["FINISHED", "FAILED"] == statuses(client)
    (model,) = client.search_logged_models([each.experiment_id for each in client.search_experiments()])
    assert "READY" == model.status


def test_a_training_that_is_over_before_a_fault_is_known_is_not_packaged(
    project: KedroProject, client: MlflowClient, temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proof finds the same; requirements that were found count as well."""
    install(tmp_path / "site", "prices-of-yesterday", {"prices_of_yesterday.py": ""})
    monkeypatch.syspath_prepend(tmp_path / "site")
    write_pipelines(project, "prices_of", "_yesterday", seconds=0)

    with pytest.raises(NotPackagedError) as caught:
        project.run(pipelines=["training"])

    assert "the function of node 'scale'" in str(caught.value)
    assert "'prices-of-yesterday' is installed here, and not among the model's requirements." in str(caught.value)
    (model,) = client.search_logged_models([each.experiment_id for each in client.search_experiments()])
    assert "FAILED" == model.status


@pytest.mark.parametrize("runner", ["ThreadRunner", "ParallelRunner"])
def test_every_runner_stops(project: KedroProject, client: MlflowClient, temporary: Path, runner: str) -> None:
    """Nodes may run in threads that have no context, or in forks of the process."""
    (project.path / "src" / "prices_of_yesterday.py").touch()
    write_pipelines(project, "prices_of", "_yesterday", seconds=120)
    write_options(project, seconds=120, code_paths=[f"src/{project.package}"])

    done = project.command("run", "--runner", runner, "--pipeline", "training")

    assert 1 == done.returncode, json.dumps(done.stderr)
    assert "No module named 'prices_of_yesterday'" in done.stderr.replace("\n", " ")
    assert ["FAILED"] == statuses(client)
    assert not (project.path / "data" / "model.pkl").exists()
    assert [] == list(temporary.iterdir())
