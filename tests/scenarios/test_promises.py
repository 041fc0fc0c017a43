"""A pair whose model would promise nothing is refused before the first node."""

from __future__ import annotations

import pytest

from kedro_autolog_pipeline.errors import PreflightError
from kedro_project import CATALOG, KedroProject

WITHOUT_AN_ANSWER = """
from kedro.pipeline import Pipeline, node

def predict(instances, model):
    return instances

def report(predictions):
    print(predictions)

def create_pipeline(**kwargs):
    return Pipeline([
        node(predict, ["instances", "model"], "predictions", name="predict"),
        node(report, "predictions", None, name="report"),
    ])
"""

OF_ANOTHER_MODEL = """
from kedro.pipeline import Pipeline, node

def predict(instances, model):
    return instances

def create_pipeline(**kwargs):
    return Pipeline([node(predict, ["instances", "old_model"], "predictions", name="predict")])
"""


def faults_of(project: KedroProject) -> tuple[str, ...]:
    """Return what keeps a training from starting."""
    with pytest.raises(PreflightError) as caught:
        project.run(pipelines=["training"])
    return caught.value.faults


def test_a_model_without_an_answer_is_refused(project: KedroProject) -> None:
    """A pipeline whose last node returns nothing names what that node reads, before the first node runs."""
    project.write_pipeline("inference", WITHOUT_AN_ANSWER)
    project.run(pipelines=["data_processing"])

    assert faults_of(project) == (
        "autolog_pipeline.models.prices.inference: 'inference' gives no answer: 'predictions' is read by 'report', "
        "which has no output. A model answers with the outputs that no node reads: leave 'report' out of the "
        "inference pipeline.",
    )
    assert not (project.path / "data" / "scaler.pkl").exists()


def test_a_model_whose_nodes_return_nothing_is_refused(project: KedroProject) -> None:
    """Where there is nothing that could be the answer, that is said."""
    silent = WITHOUT_AN_ANSWER.replace('"predictions", name="predict"', 'None, name="predict"')
    project.write_pipeline("inference", silent.replace('report, "predictions"', 'report, "params:offset"'))
    project.run(pipelines=["data_processing"])

    (fault,) = faults_of(project)
    assert "'instances' is read by 'predict'" in fault


def test_a_model_that_no_training_changes_is_refused(project: KedroProject) -> None:
    """A pipeline that reads an older model from the catalog names it, and what the training produces instead."""
    project.write_pipeline("inference", OF_ANOTHER_MODEL)
    project.write_config(
        "catalog", {**CATALOG, "old_model": {"type": "pickle.PickleDataset", "filepath": "data/o.pkl"}}
    )
    (project.path / "data" / "o.pkl").write_bytes(b"")
    project.run(pipelines=["data_processing"])

    assert faults_of(project) == (
        "autolog_pipeline.models.prices.inference: nothing that 'training' produces goes into the model, so every "
        "training would package the same. 'inference' reads 'old_model' from the catalog; 'training' produces 'model', "
        "'scaler'. Read that instead.",
    )


def test_a_model_that_reads_no_artifact_is_refused(project: KedroProject) -> None:
    """A pipeline of rules alone has nothing to do with the training that it is paired with."""
    project.write_pipeline("inference", OF_ANOTHER_MODEL.replace('"old_model"', '"params:offset"'))
    project.run(pipelines=["data_processing"])

    (fault,) = faults_of(project)
    assert "'inference' reads no artifact; 'training' produces 'model', 'scaler'." in fault
