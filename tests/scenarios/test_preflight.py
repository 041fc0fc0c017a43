"""What stops a run before its first node, on a real project and a real store."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient

from kedro_autolog_pipeline.errors import PreflightError
from kedro_project import CATALOG, MODEL, TRAINING, KedroProject

SLOW = """
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from kedro.pipeline import Pipeline, node

def clean(raw):
    Path("started").touch()
    time.sleep(600)
    return raw

def create_pipeline(**kwargs):
    return Pipeline([node(clean, "raw", "table")])
"""

INFERENCE = """
from kedro.pipeline import Pipeline, node

def predict(instances, model, words, offset):
    return instances

def create_pipeline(**kwargs):
    return Pipeline([node(predict, ["instances", "model", "words", "params:offset"], "predictions", name="predict")])
"""


RUN = """
import sys
from pathlib import Path
from threading import Thread
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro_autolog_pipeline.errors import PreflightError

bootstrap_project(Path.cwd())
with KedroSession.create(Path.cwd()) as session:
    try:
        session.run()
    except PreflightError as error:
        print(len(error.faults), "mlflow" in sys.modules)
"""


@pytest.fixture
def closed_port() -> Iterator[int]:
    """Give a port that nobody listens at."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield unused.getsockname()[1]


def files(project: KedroProject) -> list[Path]:
    """Give all files of a project but what Python compiles, and what MLflow makes when it is asked (before 3.7)."""
    return sorted(path for path in project.path.rglob("*") if {"__pycache__", "mlruns"}.isdisjoint(path.parts))


def faults_of(project: KedroProject, *, pipelines: list[str] | None = None) -> tuple[str, ...]:
    """Run a project, and give the faults that stop it before it writes anything."""
    before = files(project)
    with pytest.raises(PreflightError) as caught:
        project.run(pipelines=pipelines)
    assert files(project) == before
    return caught.value.faults


def test_a_fault_stops_a_run_before_a_slow_first_node(project: KedroProject, client: MlflowClient) -> None:
    """The node never starts, and neither a run nor an experiment is left in the store."""
    project.write_pipeline("data_processing", SLOW)
    project.write_models({"prices": {**MODEL, "registered_model_name": "prices", "alias": "latest"}})
    started = time.perf_counter()

    faults = faults_of(project)

    assert time.perf_counter() - started < 60
    assert faults == (
        "autolog_pipeline.models.prices.alias: 'latest' cannot be an alias. "
        "MLflow reserves 'latest', and 'v' with a number.",
    )
    assert not (project.path / "started").exists()
    assert [each.name for each in client.search_experiments()] == ["Default"]
    assert client.search_runs(["0"]) == []


def test_a_run_that_is_not_packaged_is_not_checked(project: KedroProject) -> None:
    """What is wrong with a model stops no run that does not train it."""
    project.write_models({"pri.ces": MODEL})

    project.run(pipelines=["data_processing"])

    assert (project.path / "data" / "table.csv").exists()


def test_a_server_that_does_not_answer_is_named_at_once(
    project: KedroProject, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No retry of MLflow's is waited for, and the registry is asked where a model is registered; no secret is shown."""
    server, registry = f"127.0.0.1:{closed_port}", f"localhost:{closed_port}"
    monkeypatch.setenv("no_proxy", "*")
    content: dict[str, Any] = {
        "server": {
            "mlflow_tracking_uri": f"http://me:secret@{server}",
            "mlflow_registry_uri": f"http://me:secret@{registry}",
        },
        "autolog_pipeline": {"models": {"prices": {**MODEL, "registered_model_name": "prices"}}},
    }
    project.write_config("mlflow", content)
    started = time.perf_counter()

    silent, unregistered = faults_of(project, pipelines=["training"])

    assert time.perf_counter() - started < 60
    assert silent.startswith(f"The tracking server 'http://{server}' does not answer (")
    assert unregistered.startswith(f"The model registry 'http://{registry}' does not answer (")
    assert "secret" not in silent + unregistered


class _Healthy(BaseHTTPRequestHandler):
    """Answers whatever it is asked, as a server that is there."""

    def do_GET(self) -> None:
        """Say that all is well."""
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Write no log."""


def test_a_registry_on_another_server_is_refused_before_the_first_node(project: KedroProject) -> None:
    """After the training there would be minutes of retries, and no version."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Healthy) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        registry = f"http://127.0.0.1:{server.server_port}"
        models = {"prices": {**MODEL, "registered_model_name": "prices"}}
        content = {"server": {"mlflow_registry_uri": registry}, "autolog_pipeline": {"models": models}}
        project.write_config("mlflow", content)

        (fault,) = faults_of(project, pipelines=["training"])
        server.shutdown()

    assert fault.startswith(f"server.mlflow_registry_uri: '{registry}' cannot register models of 'sqlite:///")


def test_a_deleted_experiment_is_noticed_before_a_run_is_opened(project: KedroProject, client: MlflowClient) -> None:
    """MLflow would refuse the run after the nodes of other hooks; it is asked before."""
    client.delete_experiment(client.create_experiment(project.package))

    (fault,) = faults_of(project)

    assert fault.startswith(f"tracking.experiment.name: the experiment '{project.package}' was deleted. Restore it")


def test_the_callers_run_needs_no_experiment_of_ours(project: KedroProject, client: MlflowClient) -> None:
    """Where a run is active, what the configuration says of another place does not matter."""
    client.delete_experiment(client.create_experiment(project.package))
    mlflow.set_tracking_uri(f"sqlite:///{project.path / 'mlflow.db'}")

    with mlflow.start_run(experiment_id="0") as run:
        project.run()

    (model,) = client.search_logged_models(["0"])
    assert (model.source_run_id, model.status) == (run.info.run_id, "READY")


def test_all_faults_of_all_kinds_are_told_at_once(project: KedroProject) -> None:
    """Whatever prevents one model is looked for, also where another thing does already."""
    project.write_pipeline("inference", INFERENCE)
    project.write_config("parameters", {"training": {"factor": 1.0}})
    project.write_config(
        "catalog",
        {
            **CATALOG,
            "words": {"type": "pandas.CSVDataset", "filepath": "data/words.csv"},
            "model": {"type": "pickle.PickleDataset", "filepath": "data/raw.csv/model.pkl"},
        },
    )
    (project.path / ".autolog_pipeline").touch()
    project.write_config(
        "mlflow",
        {
            "tracking": {"experiment": {"name": "a" * 501}},
            "autolog_pipeline": {
                "models": {
                    "pri.ces": {
                        **MODEL,
                        "code_paths": ["conf"],
                        "pip_requirements": ["scikit-learn", "kedro", "attrs"],
                    },
                    "costs": {**MODEL, "training": "trainin"},
                }
            },
        },
    )

    told = [fault.partition(" without which")[0] for fault in faults_of(project)]

    data = project.path / "data"
    assert told == [
        "autolog_pipeline.models.costs.training: no pipeline is registered as 'trainin'. Did you mean 'training'?",
        "autolog_pipeline.models.pri.ces.inference: node 'predict' of 'inference' reads 'params:offset', "
        "which no parameters file has.",
        "autolog_pipeline.models.pri.ces: 'pri.ces' cannot name a logged model. MLflow forbids / : . % \" ' in it.",
        f"autolog_pipeline.models.pri.ces.inference: 'words' has no data at '{data / 'words.csv'}', "
        "and no node will write it. Put it there.",
        f"autolog_pipeline.models.pri.ces.training: 'model' cannot be saved at '{data / 'raw.csv' / 'model.pkl'}': "
        f"'{data / 'raw.csv'}' is no directory. Correct its path.",
        "autolog_pipeline.models.pri.ces.pip_requirements: brings no 'cattrs',",
        "autolog_pipeline.models.pri.ces.pip_requirements: brings no 'kedro-datasets',",
        f"autolog_pipeline.models.pri.ces.code_paths: ships no '{project.package}',",
        "tracking.experiment.name: it has 501 characters. MLflow allows 500.",
        f"Packages cannot be made: '{project.path / '.autolog_pipeline'}' is no directory. Allow it.",
    ]


def test_a_module_that_is_lacking_is_named_with_the_node_that_needs_it(project: KedroProject) -> None:
    """The fault says which module imports it, for which node, and what to add."""
    project.write_pipeline(
        "inference", "import hypothesis\n" + INFERENCE.replace(', "words"', "").replace(", words", "")
    )
    project.write_models({"prices": {**MODEL, "pip_requirements": ["kedro-datasets", "attrs", "cattrs"]}})

    (fault,) = faults_of(project, pipelines=["training"])

    assert fault.startswith(
        "autolog_pipeline.models.prices.pip_requirements: brings no 'hypothesis', without which the model cannot be "
        f"loaded (imported by {project.package}.pipelines.inference; needed by 'predict'). Add 'hypothesis=="
    )


def test_a_reference_that_the_run_itself_writes_need_not_be_there(project: KedroProject, client: MlflowClient) -> None:
    """Only what nobody will have written is missing, so the same project may train alone later on."""
    project.write_pipeline("inference", INFERENCE.replace("words", "table"))

    (fault,) = faults_of(project, pipelines=["training"])
    project.run()

    assert "'table' has no data at" in fault
    experiments = [each.experiment_id for each in client.search_experiments()]
    assert [model.status for model in client.search_logged_models(experiments)] == ["READY"]


def test_a_fault_is_told_without_importing_mlflow(project: KedroProject) -> None:
    """MLflow takes seconds to be imported: a run that a fault stops does not wait for it."""
    project.write_pipeline("training", TRAINING.replace("import mlflow", "").replace("mlflow.active_run()", "False"))
    project.write_models({"pri.ces": MODEL})

    done = subprocess.run([sys.executable, "-c", RUN], cwd=project.path, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "1 False"
