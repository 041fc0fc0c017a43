"""What `kedro run` leaves in the store, on a real project and a real store."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from kedro_autolog_pipeline.errors import NotPackagedError
from kedro_project import CATALOG, INFERENCE, KEDRO_VERSION, MODEL, TRAINING, KedroProject
from mlflow_store import models

REQUEST = pd.DataFrame({"x": [1, 2]})

SCORE = """
import importlib.util, json, sys
import mlflow, pandas as pd

project, tracking_uri, *models = sys.argv[1:]
assert importlib.util.find_spec(project) is None
mlflow.set_tracking_uri(tracking_uri)
answers = [mlflow.pyfunc.load_model(model).predict(pd.DataFrame({"x": [1, 2]})) for model in models]
print(json.dumps([answer["prediction"].tolist() for answer in answers]))
"""

INFERENCE_THAT_FAILS = """
from kedro.pipeline import Pipeline, node

def predict(instances, model):
    raise RuntimeError("no answer")

def create_pipeline(**kwargs):
    return Pipeline([node(predict, ["instances", "model"], "predictions", name="predict")])
"""


def runs(client: MlflowClient) -> list[Run]:
    """Give all runs of a store."""
    return list(client.search_runs([each.experiment_id for each in client.search_experiments()]))


def test_a_training_run_leaves_one_ready_model_in_its_mlflow_run(project: KedroProject, client: MlflowClient) -> None:
    """`kedro run` ends with a FINISHED run, its parameters and metrics, and one READY model linked to them."""
    project.run()

    (run,) = runs(client)
    (model,) = models(client)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"training.factor": "1.0", "offset": "0.5"}
    assert list(run.data.metrics) == ["error"]
    assert client.get_experiment(run.info.experiment_id).name == project.package
    assert model.status == "READY"
    assert model.name == "prices"
    assert model.source_run_id == run.info.run_id
    outputs = client.get_run(run.info.run_id).outputs
    assert outputs is not None
    assert [output.model_id for output in outputs.model_outputs] == [model.model_id]
    assert [(metric.key, metric.value) for metric in model.metrics or ()] == [("error", run.data.metrics["error"])]
    assert model.params == run.data.params
    assert model.tags["kedro_autolog_pipeline.verification"] == "reproduced"
    assert float(model.tags["kedro_autolog_pipeline.packaging_seconds"]) > 0
    assert mlflow.active_run() is None
    assert "MLFLOW_TRACKING_URI" not in os.environ
    assert {path.name for path in (project.path / ".autolog_pipeline").iterdir()} == {".gitignore", "written"}


def test_a_process_that_knows_nothing_of_the_project_predicts_what_kedro_predicts(
    project: KedroProject, client: MlflowClient, tmp_path: Path
) -> None:
    """`models:/<id>` and `runs:/<run>/<name>` load elsewhere and answer as `kedro run --pipelines inference`."""
    project.run()
    (model,) = models(client)
    predictions = {"type": "pandas.CSVDataset", "filepath": "data/predictions.csv"}
    project.write_config("catalog", {**CATALOG, "predictions": predictions})
    (project.path / "data" / "instances.csv").write_text("x\n1\n2\n")
    project.run(pipelines=["inference"])
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    scored = subprocess.run(
        [
            sys.executable,
            "-I",  # Kedro puts the project's source into PYTHONPATH
            "-c",
            SCORE,
            project.package,
            f"sqlite:///{project.path / 'mlflow.db'}",
            f"models:/{model.model_id}",
            f"runs:/{model.source_run_id}/prices",
        ],
        cwd=elsewhere,
        capture_output=True,
        text=True,
        check=False,
    )

    assert scored.returncode == 0, scored.stderr
    expected = pd.read_csv(project.path / "data" / "predictions.csv")["prediction"].tolist()
    assert json.loads(scored.stdout.splitlines()[-1]) == [expected, expected]


@pytest.mark.parametrize(
    "pipelines",
    [["training"], ["data_processing", "training"], ["nightly"]],
    ids="+".join,
)
def test_whatever_run_contains_the_training_leaves_one_ready_model(
    project: KedroProject, client: MlflowClient, pipelines: list[str]
) -> None:
    """The training pipeline is recognised by its nodes, alone, beside another one, or inside a composite."""
    project.write_pipeline(
        "nightly",
        f"""
        from {project.package}.pipelines import data_processing, training

        def create_pipeline(**kwargs):
            return data_processing.create_pipeline() + training.create_pipeline()
        """,
    )
    project.run(pipelines=["data_processing"])
    if len(pipelines) > 1 and KEDRO_VERSION < (1, 2):
        pytest.skip("This Kedro runs one pipeline by name.")
    project.run(pipelines=pipelines)

    assert [model.status for model in models(client)] == ["READY"]
    assert [run.info.status for run in runs(client)] == ["FINISHED"]


def test_an_unpaired_run_costs_nothing(project: KedroProject) -> None:
    """`kedro run --pipelines data_processing` imports neither mlflow nor the training, and makes no store."""
    (project.path / "mlflow.db").unlink()
    project.write(
        "settings.py",
        f"""
        import atexit, json, sys

        def tell():
            names = ["mlflow", "cattrs", "{project.package}.pipelines.training"]
            print("IMPORTED", json.dumps([name for name in names if name in sys.modules]))

        atexit.register(tell)
        """,
    )

    done = project.run_command("data_processing")

    assert done.returncode == 0, done.stderr
    (imported,) = [line for line in done.stdout.splitlines() if line.startswith("IMPORTED")]
    selects = KEDRO_VERSION >= (1, 5)
    assert json.loads(imported.removeprefix("IMPORTED ")) == (
        ["cattrs"] if selects else ["mlflow", "cattrs", f"{project.package}.pipelines.training"]
    )
    assert not (project.path / "mlflow.db").exists()
    assert not (project.path / "mlartifacts").exists()


def test_every_mistake_stops_the_run_before_its_first_node(project: KedroProject, client: MlflowClient) -> None:
    """A wrong mlflow.yml is one error that lists every mistake, and no node has run."""
    project.write_models(
        {
            "prices": {"inptu_name": "instances", "inference": "inference"},
            "costs": {**MODEL, "signature": "automatic"},
        }
    )

    done = project.run_command()

    assert done.returncode == 1
    assert "autolog_pipeline.models.prices.inptu_name: unknown key. Did you mean 'input_name'?" in done.stderr
    assert "autolog_pipeline.models.prices.training: " in done.stderr
    assert "autolog_pipeline.models.costs.signature: " in done.stderr
    assert not (project.path / "data" / "table.csv").exists()
    assert runs(client) == []


def test_every_wrong_pipeline_and_input_stops_the_run_before_its_first_node(
    project: KedroProject, client: MlflowClient
) -> None:
    """A pipeline that is not registered and an input that inference does not read are listed together."""
    project.write_models(
        {
            "prices": {**MODEL, "input_name": "instance"},
            "costs": {**MODEL, "inference": "inferrence"},
            "sales": {**MODEL, "training": "trainig"},
        }
    )

    done = project.run_command("data_processing")

    assert done.returncode == 1
    assert "costs.inference: no pipeline is registered as 'inferrence'. Did you mean 'inference'?" in done.stderr
    assert "sales.training: no pipeline is registered as 'trainig'. Did you mean 'training'?" in done.stderr

    done = project.run_command()

    assert done.returncode == 1
    assert "prices.input_name: inference pipeline 'inference' does not read 'instance'." in done.stderr
    assert "Did you mean 'instances'?" in done.stderr
    assert not (project.path / "data" / "table.csv").exists()
    assert runs(client) == []


def test_the_hook_in_settings_besides_its_entry_point_works_once(project: KedroProject, client: MlflowClient) -> None:
    """A project that also lists the hook in settings.py gets one run and one model."""
    project.write(
        "settings.py",
        """
        from kedro_autolog_pipeline import AutologPipelineHook

        HOOKS = (AutologPipelineHook(),)
        """,
    )

    done = project.run_command()

    assert done.returncode == 0, done.stderr
    assert [run.info.status for run in runs(client)] == ["FINISHED"]
    assert [model.status for model in models(client)] == ["READY"]


def test_the_hook_can_be_switched_off_and_used_from_settings_alone(project: KedroProject, client: MlflowClient) -> None:
    """DISABLE_HOOKS_FOR_PLUGINS switches the entry point off; the hook in settings.py does the work alone."""
    project.write("settings.py", 'DISABLE_HOOKS_FOR_PLUGINS = ("kedro-autolog-pipeline",)\n')
    done = project.run_command("data_processing")
    assert done.returncode == 0, done.stderr
    done = project.run_command("training")
    assert models(client) == []

    project.write(
        "settings.py",
        """
        from kedro_autolog_pipeline import AutologPipelineHook

        DISABLE_HOOKS_FOR_PLUGINS = ("kedro-autolog-pipeline",)
        HOOKS = (AutologPipelineHook(),)
        """,
    )
    done = project.run_command("training")
    assert done.returncode == 0, done.stderr
    assert [model.status for model in models(client)] == ["READY"]


def test_registered_name_and_alias_are_honoured(project: KedroProject, client: MlflowClient) -> None:
    """The READY model becomes a version of the registered model, and the alias moves to the newest."""
    project.write_models({"prices": {**MODEL, "registered_model_name": "shop-prices", "alias": "champion"}})

    project.run()
    project.run()

    version = client.get_model_version_by_alias("shop-prices", "champion")
    newest = max(models(client), key=lambda model: model.creation_timestamp)
    assert version.version in {2, "2"}
    assert newest.model_id in str(version.source)
    mlflow.set_tracking_uri(f"sqlite:///{project.path / 'mlflow.db'}")
    answer = mlflow.pyfunc.load_model("models:/shop-prices@champion").predict(REQUEST)
    assert list(answer.columns) == ["prediction"]


def test_the_callers_run_is_joined_and_left_open(project: KedroProject, client: MlflowClient) -> None:
    """A run that is active before `kedro run` gets the model, and is still active after it."""
    mlflow.set_tracking_uri(f"sqlite:///{project.path / 'mlflow.db'}")
    with mlflow.start_run() as outer:
        project.run()
        active = mlflow.active_run()
        assert active is not None
        assert active.info.run_id == outer.info.run_id

    (model,) = models(client)
    assert model.source_run_id == outer.info.run_id
    assert len(runs(client)) == 1


def test_the_run_named_in_the_configuration_is_joined_and_keeps_its_status(
    project: KedroProject, client: MlflowClient
) -> None:
    """`tracking.run.id` names the run that the model goes into; it ends with the status that it had."""
    given = client.create_run(client.create_experiment("given")).info.run_id
    client.set_terminated(given, "KILLED")
    project.write_config(
        "mlflow", {"tracking": {"run": {"id": given}}, "autolog_pipeline": {"models": {"prices": MODEL}}}
    )

    project.run()

    (model,) = models(client)
    assert model.source_run_id == given
    assert client.get_run(given).info.status == "KILLED"
    assert mlflow.active_run() is None


def test_a_failing_training_ends_its_run_failed(project: KedroProject, client: MlflowClient) -> None:
    """An error in a node is what the user sees; our run is FAILED and holds no model."""
    project.write_config("parameters", {"training": {"factor": "a word"}, "offset": 0.5})

    with pytest.raises(TypeError):
        project.run()

    assert [run.info.status for run in runs(client)] == ["FAILED"]
    assert models(client) == []
    assert mlflow.active_run() is None


def test_an_interrupted_training_ends_its_run_killed(project: KedroProject, client: MlflowClient) -> None:
    """Ctrl-C in a node, which calls no hook of Kedro's, leaves a KILLED run and no model."""
    project.write_pipeline(
        "training",
        TRAINING.replace("def fit_scaler(table):", "def fit_scaler(table):\n    raise KeyboardInterrupt"),
    )

    done = project.run_command()

    assert done.returncode != 0
    assert [run.info.status for run in runs(client)] == ["KILLED"]
    assert models(client) == []


def test_a_run_after_an_interrupted_one_is_its_own(project: KedroProject, client: MlflowClient) -> None:
    """In a notebook, the run that was interrupted is KILLED when the next one starts."""
    project.write(
        "pipelines/training/interrupt.py",
        """
        pending = [KeyboardInterrupt]

        def interrupt():
            if pending:
                raise pending.pop()
        """,
    )
    calling = f"from {project.package}.pipelines.training.interrupt import interrupt\n"
    project.write_pipeline(
        "training",
        calling + TRAINING.replace("def fit_scaler(table):", "def fit_scaler(table):\n    interrupt()"),
    )
    with pytest.raises(KeyboardInterrupt):
        project.run()

    project.run()

    assert sorted(run.info.status for run in runs(client)) == ["FINISHED", "KILLED"]
    assert [model.status for model in models(client)] == ["READY"]


def test_packaging_that_fails_leaves_a_failed_model_and_a_finished_run(
    project: KedroProject, client: MlflowClient
) -> None:
    """What fails after the training is raised when the run is closed; the training's outputs are saved."""
    project.write_pipeline("inference", INFERENCE_THAT_FAILS)
    project.run(pipelines=["data_processing"])

    with pytest.raises(NotPackagedError) as caught:
        project.run(pipelines=["training"])

    (model,) = models(client)
    assert model.status == "FAILED"
    assert "no answer" in model.tags["kedro_autolog_pipeline.failure"]
    (run,) = runs(client)
    assert run.info.status == "FINISHED"
    reason = (
        "Cannot package 'prices': its inference pipeline fails on the first rows of this run's own data, in node "
        "'predict' (RuntimeError('no answer')). Correct it."
    )
    assert run.data.tags["kedro_autolog_pipeline.failure.prices"] == f"GATHER: {reason}"
    assert str(caught.value) == (
        f"{reason}\nWhat was trained is saved, and what was staged is kept in "
        f"'{project.path / '.autolog_pipeline' / run.info.run_id}'. "
        f"To package it into run '{run.info.run_id}' without training:\n"
        f"  kedro autolog package --run-id {run.info.run_id}"
    )
    assert (project.path / "data" / "scaler.pkl").exists()
    assert mlflow.active_run() is None


def test_parameters_may_have_names_that_mlflow_refuses(project: KedroProject, client: MlflowClient) -> None:
    """The training runs and is packaged, and each of its parameters is logged under a name that MLflow takes."""
    urls = {"s3://bucket/x": 1, "data/": 2, "/abs": 3, "..": 4, "": 5, "x" * 300: 6}
    project.write_config("parameters", {"urls": urls, "training": {"factor": 1.0}, "offset": 0.5})
    project.write_pipeline(
        "training",
        TRAINING.replace("(table, scaler, factor)", "(table, scaler, factor, urls)").replace(
            '"params:training.factor"]', '"params:training.factor", "params:urls"]'
        ),
    )
    project.write_pipeline(
        "inference",
        INFERENCE.replace("(scaled, model, offset)", "(scaled, model, offset, urls)").replace(
            '"params:offset"]', '"params:offset", "params:urls"]'
        ),
    )

    project.run()

    (run,) = runs(client)
    assert ["READY"] == [model.status for model in models(client)]
    assert sorted(urls.values()) == sorted(
        int(value) for name, value in run.data.params.items() if name.startswith("urls")
    )


@pytest.mark.parametrize("error", ["SystemExit(0)", "GeneratorExit"])
def test_a_node_that_ends_the_process_fails_its_model(project: KedroProject, client: MlflowClient, error: str) -> None:
    """A pipeline that ends the process with success has not packaged its model, and the command says so."""
    project.write_models({"prices": MODEL, "others": MODEL})
    project.write_pipeline("inference", INFERENCE_THAT_FAILS.replace('RuntimeError("no answer")', error))
    project.run(pipelines=["data_processing"])

    done = project.run_command("training")

    assert 1 == done.returncode, done.stderr
    assert ["FAILED", "FAILED"] == [model.status for model in models(client)]
    (run,) = runs(client)
    assert "FINISHED" == run.info.status
    assert run.data.tags["kedro_autolog_pipeline.failure.prices"].startswith("GATHER: ")
    assert error.partition("(")[0] in run.data.tags["kedro_autolog_pipeline.failure.prices"]


def test_a_failure_can_be_a_warning(
    project: KedroProject, client: MlflowClient, records: list[logging.LogRecord]
) -> None:
    """`on_failure: warn` lets the command succeed; the model is FAILED all the same."""
    project.write_models({"prices": MODEL}, on_failure="warn")
    project.write_pipeline("inference", INFERENCE_THAT_FAILS)

    project.run(pipelines=["data_processing"])
    project.run(pipelines=["training"])

    (record,) = records
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith("Cannot package 'prices': ")
    assert "\n  kedro autolog package --run-id " in record.getMessage()
    assert [model.status for model in models(client)] == ["FAILED"]


def test_kedro_environments_globals_and_runtime_parameters_reach_the_configuration(
    project: KedroProject, client: MlflowClient
) -> None:
    """mlflow.yml of an environment wins, and its values may come from globals.yml and from --params."""
    project.write_config("globals", {"team": "pricing"})
    project.write_config(
        "mlflow",
        {
            "tracking": {
                "experiment": {"name": "${globals:team}"},
                "run": {"name": "${runtime_params:label,none}"},
            },
            "autolog_pipeline": {"models": {"renamed": MODEL}},
        },
        env="local",
    )

    project.run(runtime_params={"label": "night"})

    (run,) = runs(client)
    assert client.get_experiment(run.info.experiment_id).name == "pricing"
    assert run.info.run_name == "night"
    assert [model.name for model in models(client)] == ["renamed"]
