"""What both plugins leave in the store of one project, with one mlflow.yml."""

from __future__ import annotations

import logging
from typing import Any

import mlflow
import pandas as pd
import pytest
from kedro.framework.startup import bootstrap_project
from mlflow import MlflowClient
from mlflow.entities import LoggedModel

from kedro_autolog_pipeline.errors import ConfigurationError, NotPackagedError
from kedro_project import MODEL, KedroProject
from mlflow_store import models, runs

# kedro-mlflow and what it imports warn of themselves.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")

REQUEST = pd.DataFrame({"x": [1, 2]})

FROM_SETTINGS = """
from kedro_autolog_pipeline import AutologPipelineHook
from kedro_mlflow.framework.hooks import MlflowHook

DISABLE_HOOKS_FOR_PLUGINS = ("kedro-autolog-pipeline", "kedro_mlflow")
HOOKS = ({hooks})
"""

SETTINGS = {
    "both by their entry points": "",
    "ours listed first": FROM_SETTINGS.format(hooks="AutologPipelineHook(), MlflowHook()"),
    "theirs listed first": FROM_SETTINGS.format(hooks="MlflowHook(), AutologPipelineHook()"),
}

INFERENCE_THAT_FAILS = """
from kedro.pipeline import Pipeline, node

def predict(instances, model):
    raise RuntimeError("no answer")

def create_pipeline(**kwargs):
    return Pipeline([node(predict, ["instances", "model"], "predictions")])
"""

REGISTRY_OF_THEIRS = """
from kedro.framework.project import find_pipelines
from kedro_mlflow.pipeline import pipeline_ml_factory
from {package}.pipelines import inference, training

def register_pipelines():
    made = pipeline_ml_factory(training.create_pipeline(), inference.create_pipeline(), input_name="instances")
    return {{**find_pipelines(), "training": made}}
"""


@pytest.fixture(params=SETTINGS)
def shared(project: KedroProject, request: pytest.FixtureRequest) -> KedroProject:
    """Give the project, prepared for its training, with both plugins' hooks in one of the orders."""
    project.write("settings.py", SETTINGS[request.param])
    return prepared(project)


@pytest.fixture
def installed(project: KedroProject) -> KedroProject:
    """Give the project, prepared for its training, with both plugins' hooks by their entry points."""
    return prepared(project)


def prepared(project: KedroProject) -> KedroProject:
    """Write a configuration for both, and what the training reads: its data are not a run of their own."""
    configure(project)
    table = pd.read_csv(project.path / "data" / "raw.csv").dropna()
    table.to_csv(project.path / "data" / "table.csv", index=False)
    table[["x"]].to_csv(project.path / "data" / "instances.csv", index=False)
    return project


def configure(project: KedroProject, *, untracked: list[str] | None = None, **ours: Any) -> None:
    """Write one mlflow.yml for both, with keys that only one of them knows."""
    project.write_config(
        "mlflow",
        {
            "server": {"mlflow_tracking_uri": f"sqlite:///{project.path / 'mlflow.db'}"},
            "tracking": {
                "experiment": {"name": "shared"},
                "disable_tracking": {"pipelines": untracked or []},
                "params": {"dict_params": {"flatten": True}},
            },
            "ui": {"port": "5001"},
            "autolog_pipeline": {"models": {"prices": MODEL}, **ours},
        },
    )


def predictions(model: LoggedModel) -> list[float]:
    """Load a model, and give what it predicts for two rows."""
    return [float(value) for value in mlflow.pyfunc.load_model(model.model_uri).predict(REQUEST)["prediction"]]


def test_each_training_is_one_run_with_their_tracking_and_our_model(shared: KedroProject, client: MlflowClient) -> None:
    """Two trainings in one process: each has one FINISHED run, with what both log of it, and nothing of the other."""
    for factor in (2.0, 3.0):
        shared.run(pipelines=["training"], runtime_params={"training": {"factor": factor}})

    first, second = runs(client)
    assert ["FINISHED", "FINISHED"] == [first.info.status, second.info.status]
    assert ["2.0", "3.0"] == [run.data.params["training.factor"] for run in (first, second)]
    assert ["kedro run --pipeline=training"] * 2 == [run.data.tags["kedro_command"] for run in (first, second)]
    assert [["error"]] * 2 == [list(run.data.metrics) for run in (first, second)]
    assert ["READY", "READY"] == [model.status for model in models(client)]
    assert [first.info.run_id, second.info.run_id] == [model.source_run_id for model in models(client)]
    expected = [[(x - 9.5) * 3 * factor + 0.5 for x in (1, 2)] for factor in (2.0, 3.0)]
    assert [pytest.approx(each) for each in expected] == [predictions(model) for model in models(client)]


def test_their_run_is_closed_when_our_packaging_fails(shared: KedroProject, client: MlflowClient) -> None:
    """The error is what the user sees; the run is FINISHED as the training did finish, and our model is FAILED."""
    shared.write_pipeline("inference", INFERENCE_THAT_FAILS)

    with pytest.raises(NotPackagedError, match="no answer"):
        shared.run(pipelines=["training"])

    (run,) = runs(client)
    (model,) = models(client)
    assert "FINISHED" == run.info.status
    assert ("FAILED", run.info.run_id) == (model.status, model.source_run_id)
    assert "RuntimeError('no answer')" in model.tags["kedro_autolog_pipeline.failure"]


def test_a_failing_training_is_one_failed_run(shared: KedroProject, client: MlflowClient) -> None:
    """The node's error is what the user sees, there is no model, and the next training is its own run."""
    with pytest.raises(TypeError):
        shared.run(pipelines=["training"], runtime_params={"training": {"factor": "a word"}})
    shared.run(pipelines=["training"])

    failed, finished = runs(client)
    assert ["FAILED", "FINISHED"] == [failed.info.status, finished.info.status]
    assert [finished.info.run_id] == [model.source_run_id for model in models(client)]


def test_a_mistake_of_ours_leaves_no_run_of_theirs(shared: KedroProject, client: MlflowClient) -> None:
    """What is wrong in our part is found before kedro-mlflow opens its run, and named as ours."""
    configure(shared, on_failure="rase")

    with pytest.raises(ConfigurationError) as caught:
        shared.run(pipelines=["training"])

    assert "autolog_pipeline.on_failure" in str(caught.value)
    assert [] == runs(client)


def test_a_run_that_they_do_not_track_is_ours(installed: KedroProject, client: MlflowClient) -> None:
    """A training that `disable_tracking` names is in a run of ours, also after one that they tracked."""
    installed.run(pipelines=["training"])
    configure(installed, untracked=["training"])

    installed.run(pipelines=["training"])

    theirs, ours = runs(client)
    assert ["FINISHED", "FINISHED"] == [theirs.info.status, ours.info.status]
    assert [False, True] == ["kedro.run_id" in run.data.tags for run in (theirs, ours)]
    assert [theirs.info.run_id, ours.info.run_id] == [model.source_run_id for model in models(client)]


def test_a_run_that_was_active_before_both_is_left_open(installed: KedroProject, client: MlflowClient) -> None:
    """Whoever opened the run around the session closes it; a training in it is logged by both."""
    mlflow.set_tracking_uri(f"sqlite:///{installed.path / 'mlflow.db'}")
    # kedro-mlflow leaves its experiment to the process.
    with mlflow.start_run(experiment_id="0") as outer:
        installed.run(pipelines=["training"])
        assert "RUNNING" == client.get_run(outer.info.run_id).info.status

    (model,) = models(client)
    assert outer.info.run_id == model.source_run_id
    assert [outer.info.run_id] == [run.info.run_id for run in runs(client)]


def test_the_runs_of_one_service_session_are_their_own(installed: KedroProject, client: MlflowClient) -> None:
    """Several runs through one pair of hook objects, some of them not ours: each model is in its own run."""
    from kedro.framework.session.service_session import KedroServiceSession

    bootstrap_project(installed.path)
    opened: Any = KedroServiceSession.create(str(installed.path))
    with opened as session:
        session.run(pipeline_names=["training"], runtime_params={"training": {"factor": 2.0}})
        session.run(pipeline_names=["data_processing"])
        session.run(pipeline_names=["training"], runtime_params={"training": {"factor": 3.0}})

    assert [("2.0", "FINISHED"), (None, "FINISHED"), ("3.0", "FINISHED")] == [
        (run.data.params.get("training.factor"), run.info.status) for run in runs(client)
    ]
    first, _, last = runs(client)
    assert [first.info.run_id, last.info.run_id] == [model.source_run_id for model in models(client)]


@pytest.mark.parametrize("runner", ["ThreadRunner", "ParallelRunner"])
def test_other_runners_leave_one_run(installed: KedroProject, client: MlflowClient, runner: str) -> None:
    """kedro-mlflow's hooks of nodes fire in threads and in other processes; there is one run with our model."""
    done = installed.command("run", "--pipelines", "training", f"--runner={runner}")

    assert 0 == done.returncode, done.stderr
    (run,) = runs(client)
    assert ("FINISHED", "1.0") == (run.info.status, run.data.params["training.factor"])
    assert [("READY", run.info.run_id)] == [(model.status, model.source_run_id) for model in models(client)]


def test_a_project_with_their_factory_is_told_once_how_to_move_over(
    installed: KedroProject, client: MlflowClient, records: list[logging.LogRecord]
) -> None:
    """One line for all runs of a process names the pipelines and the document; both models are in the run."""
    installed.write("pipeline_registry.py", REGISTRY_OF_THEIRS.format(package=installed.package))
    records.clear()

    installed.run(pipelines=["training"])
    installed.run(pipelines=["training"])

    told = [record for record in records if "pipeline_ml_factory" in record.getMessage()]
    assert ["INFO"] == [record.levelname for record in told]
    assert told[0].getMessage().startswith("kedro-mlflow packages what pipeline_ml_factory made: 'training'. ")
    assert "docs/migrate-from-kedro-mlflow.md" in told[0].getMessage()
    for run in runs(client):
        of_run = [model for model in models(client) if model.source_run_id == run.info.run_id]
        assert ["model", "prices"] == sorted(model.name for model in of_run)


def test_a_project_without_their_factory_is_told_nothing(
    installed: KedroProject, records: list[logging.LogRecord]
) -> None:
    """Beside kedro-mlflow's tracking alone there is nothing to move."""
    records.clear()

    installed.run(pipelines=["training"])

    assert [] == [record for record in records if "pipeline_ml_factory" in record.getMessage()]
