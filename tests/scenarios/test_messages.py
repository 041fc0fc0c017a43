"""What a user reads of a mistake, whole, as the command that was typed shows it."""

from __future__ import annotations

import subprocess

import pytest

from kedro_project import CATALOG, KEDRO_VERSION, MODEL, KedroProject

OPTION = "--pipelines" if KEDRO_VERSION >= (1, 2) else "--pipeline"

TRANSCODED = """
from kedro.pipeline import Pipeline, node

def clean(instances):
    return instances

def predict(coded, model):
    return coded

def create_pipeline(**kwargs):
    return Pipeline([
        node(clean, "instances", "coded@pandas", name="clean"),
        node(predict, ["coded@spark", "model"], "predictions", name="predict"),
    ])
"""


def said(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a command says, without what older MLflow says of a database that it makes."""
    lines = done.stderr.splitlines(keepends=True)
    return "".join(line for line in lines if "mlflow.store.db" not in line and "[alembic." not in line)


def train(project: KedroProject) -> subprocess.CompletedProcess[str]:
    """Run the training pipeline as its user does."""
    return project.command("run", OPTION, "training")


def test_a_misspelt_key_and_kedro_run(project: KedroProject) -> None:
    """The error stands alone, and the command fails."""
    project.write_models({"prices": {**MODEL, "inptu_name": "x"}})

    done = train(project)

    assert done.returncode == 1
    assert said(done) == (
        "Cannot use 'mlflow.yml': 1 mistake.\n"
        "  - autolog_pipeline.models.prices.inptu_name: unknown key. Did you mean 'input_name'?\n"
        "Fix this and run again; no node has run.\n"
    )
    assert "Traceback" not in done.stdout


def test_a_misspelt_pipeline_and_kedro_run(project: KedroProject) -> None:
    """Both pipelines that are not there are told, the one that has no near name with how to get one."""
    project.write_models({"prices": {**MODEL, "inference": "serving"}, "costs": {**MODEL, "inference": "inferense"}})

    done = train(project)

    assert done.returncode == 1
    assert said(done) == (
        "Cannot start 'kedro run': 2 faults.\n"
        "  - autolog_pipeline.models.costs.inference: no pipeline is registered as 'inferense'. "
        "Did you mean 'inference'?\n"
        "  - autolog_pipeline.models.prices.inference: no pipeline is registered as 'serving'. There are: "
        "'__default__', 'data_processing', 'inference', 'training'. Run 'kedro pipeline create serving', and have its "
        "create_pipeline() return the nodes that predict. Where 'training' has these nodes already, tag them "
        "'serving', and return its create_pipeline().only_nodes_with_tags('serving').\n"
        "Fix these and run again; no node has run, and no MLflow run was opened.\n"
    )


def test_a_transcoded_dataset_between_two_nodes(project: KedroProject) -> None:
    """A check and a run say the same of it, each in its own name."""
    project.write_pipeline("inference", TRANSCODED)
    coded = {"type": "pandas.CSVDataset", "filepath": "data/coded.csv"}
    project.write_config("catalog", {**CATALOG, "coded@pandas": coded, "coded@spark": coded})
    fault = (
        "  - autolog_pipeline.models.prices.inference: 'coded' is saved as 'coded@pandas' by 'clean', and loaded as "
        "'coded@spark' by 'predict'. A model has no dataset between its nodes that makes one of the other: convert it "
        "in a node.\n"
    )

    checked, trained = project.command("autolog", "check"), train(project)

    assert (checked.returncode, trained.returncode) == (1, 1)
    assert said(checked) == f"'kedro autolog check': 1 fault.\n{fault}Fix this before the next training.\n"
    assert said(trained) == (
        f"Cannot start 'kedro run': 1 fault.\n{fault}"
        "Fix this and run again; no node has run, and no MLflow run was opened.\n"
    )


def test_a_model_that_nobody_configured(project: KedroProject) -> None:
    """The option is named, with the models that there are; its traceback is there for who asks."""
    run = ["autolog", "package", "--run-id", trained_run(project), "--model", "nope"]

    short, long = project.command(*run), project.command(*run, "--verbose")

    assert (short.returncode, long.returncode) == (1, 1)
    message = f"Cannot package run '{run[3]}' again: --model: there is no 'nope'. There are: 'prices'.\n"
    assert said(short).endswith(message)
    assert "Traceback (most recent call last):\n" in long.stderr
    assert long.stderr.endswith(f"RunRecordError: {message}\n") or message in long.stderr


def test_a_name_that_would_steer_a_terminal(project: KedroProject) -> None:
    """A control character in a key or a value is shown and not sent."""
    project.write_models({"prices": {**MODEL, "alias\x1b[2J": "x", "inference": "a\x07"}})

    done = train(project)

    assert done.returncode == 1
    assert "\x1b[2J" not in done.stdout + done.stderr
    assert "autolog_pipeline.models.prices.alias\\x1b[2J: unknown key." in done.stderr
    assert "inference: expected a string without control characters, got 'a\\x07'." in done.stderr


def trained_run(project: KedroProject) -> str:
    """Train without a proof, and return the id of the MLflow run."""
    import mlflow

    project.write_models({"prices": {**MODEL, "verify": False}})
    project.run(pipelines=["data_processing"])
    project.run(pipelines=["training"])
    store = f"sqlite:///{project.path / 'mlflow.db'}"
    (run,) = mlflow.MlflowClient(store).search_runs(
        [each.experiment_id for each in mlflow.MlflowClient(store).search_experiments()]
    )
    return str(run.info.run_id)


@pytest.mark.skipif(KEDRO_VERSION < (1, 5), reason="Kedro loads all pipelines before 1.5, and shows its own error")
def test_a_module_that_cannot_be_imported(project: KedroProject) -> None:
    """What a module of the project raises is one sentence, with the command that shows more."""
    project.write_pipeline("inference", "raise RuntimeError('[red]no[/red] licence')")
    project.write(
        "pipeline_registry.py",
        """
        from kedro.framework.project import find_pipelines

        def register_pipelines():
            return find_pipelines(raise_errors=True)
        """,
    )

    done = train(project)

    assert done.returncode == 1
    assert done.stderr.startswith(
        "Cannot start 'kedro run': 1 fault.\n  - autolog_pipeline.models.prices: its pipelines cannot be loaded ("
    )
    assert done.stderr.endswith("Fix this and run again; no node has run, and no MLflow run was opened.\n")
