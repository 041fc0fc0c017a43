"""What is said of an inference pipeline that works in its project and not as a model, on a real project."""

from __future__ import annotations

import re

import pytest
from mlflow import MlflowClient

from kedro_autolog_pipeline.errors import AutologPipelineError, NotPackagedError, VerificationError
from kedro_project import CATALOG, MODEL, KedroProject
from mlflow_store import models

PIPELINE = """
from kedro.pipeline import Pipeline, node
{more}

def clean(instances):
    return instances["x"].tolist()

def predict(cleaned, model):
    {body}

def create_pipeline(**kwargs):
    return Pipeline([
        node(clean, "instances", "cleaned", name="clean"),
        node(predict, ["cleaned", "model"], "predictions", name="predict"),
    ])
"""

ASKS_SERVER = 'import mlflow; return mlflow.pyfunc.load_model("models:/price/1").predict(cleaned)'

WITHOUT_SERVER = (
    "A model is proven without a tracking server, on purpose: where it is deployed there may be none, and the model "
    "that a node loads by itself is not the one that was trained. Make that model an input of the node, from a dataset "
    "of the catalog."
)


def failure(project: KedroProject, body: str, more: str = "") -> str:
    """Train, and return why there is no model."""
    project.write_pipeline("inference", PIPELINE.format(body=body, more=more))
    project.run(pipelines=["data_processing"])
    with pytest.raises(AutologPipelineError) as raised:
        project.run(pipelines=["training"])
    # The training may have been stopped at its second node already.
    assert isinstance(raised.value, (NotPackagedError, VerificationError))
    return raised.value.failures["prices"] if isinstance(raised.value, NotPackagedError) else str(raised.value)


def test_a_node_that_loads_a_model_from_a_server_is_told_to_take_it_as_its_input(
    project: KedroProject, client: MlflowClient
) -> None:
    """Where the run has data to try it on, and where it has none."""
    tried = failure(project, ASKS_SERVER)
    project.write_config("catalog", {name: each for name, each in CATALOG.items() if name != "instances"})
    untried = failure(project, ASKS_SERVER)

    assert tried.startswith(
        "Cannot package 'prices': its inference pipeline fails on the first rows of this run's own data, in node "
        "'predict' (MlflowException("
    )
    assert tried.endswith(WITHOUT_SERVER)
    assert untried == (
        "Cannot package 'prices': a model of MLflow's server is loaded by node 'predict' itself. " + WITHOUT_SERVER
    )
    assert {"FAILED"} == {model.status for model in models(client)}


def test_a_dataset_that_loads_another_type_than_it_saves_is_named(project: KedroProject) -> None:
    """With the node that fails on it, and what a model could do instead."""
    text = {"type": "json.JSONDataset", "filepath": "data/cleaned.json"}
    project.write_config("catalog", {**CATALOG, "cleaned": text})

    said = failure(project, "return cleaned.sum()")

    assert said.startswith(
        "Cannot package 'prices': its inference pipeline fails on the first rows of this run's own data, in node "
        "'predict' (AttributeError("
    )
    assert said.endswith(
        "As in 'kedro run', it reads 'cleaned' from a JSONDataset, which may load another type than was saved. Correct "
        "it, or name the dataset in 'in_memory' for a model that keeps it in memory."
    )


@pytest.mark.parametrize("file", ["conf/settings.json", "words.txt"])
def test_a_file_that_a_module_opens_when_it_is_imported_is_named(project: KedroProject, file: str) -> None:
    """Nothing can be installed against that: it has to travel, or to be read by a node."""
    (project.path / file).write_text("{}", encoding="utf-8")

    said = failure(project, "return cleaned", more=f'import pathlib; TEXT = pathlib.Path("{file}").read_text()')

    assert re.search(rf"FileNotFoundError: .*'{file}'", said), said
    assert "have a node read it from a dataset of the catalog" in said
    assert "Install" not in said


def test_a_model_that_reaches_a_server_only_by_what_it_is_given_is_not_suspected(
    project: KedroProject, client: MlflowClient
) -> None:
    """To import MLflow is no fault, where nothing can be tried either."""
    project.write_config("catalog", {name: each for name, each in CATALOG.items() if name != "instances"})
    project.write_models({"prices": {**MODEL, "verify": False}})
    project.write_pipeline("inference", PIPELINE.format(body="return mlflow.__version__", more="import mlflow"))
    project.run(pipelines=["data_processing"])

    project.run(pipelines=["training"])

    assert ["READY"] == [model.status for model in models(client)]
