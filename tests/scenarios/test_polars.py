"""A project whose nodes take and give tables of Polars'."""

from __future__ import annotations

import pickle
from pathlib import Path

import mlflow
import pandas as pd
import polars as pl
import pytest
from mlflow import MlflowClient
from mlflow.types import DataType

from kedro_project import CATALOG, MODEL, KedroProject
from mlflow_store import models
from scoring_application import invoke

INFERENCE = """
import polars as pl
from kedro.pipeline import Pipeline, node

def predict(instances, model):
    return instances.with_columns(
        y=pl.col("n").fill_null(0) * model["slope"] + pl.col("when").dt.year(),
    ).select("y", "name")

def create_pipeline(**kwargs):
    return Pipeline([node(predict, ["instances", "model"], "predictions")])
"""

ROWS = "n,when,name\n1,2024-01-01,a\n,2025-01-01,b\n3,2026-01-01,\n"

# Kedro's dataset for a CSV file calls Polars as Polars 2 no longer allows.
LAZY = {"type": "polars.LazyPolarsDataset", "file_format": "csv", "load_args": {"try_parse_dates": True}}
DATASETS = {
    "eager": {"type": "pickle.PickleDataset", "filepath": "data/instances.pkl"},
    "lazy": {**LAZY, "filepath": "data/instances.csv"},
}


@pytest.mark.parametrize(("kind", "runner"), [("eager", None), ("lazy", "ThreadRunner")])
def test_a_pipeline_of_polars_answers_over_http(
    project: KedroProject, client: MlflowClient, kind: str, runner: str | None
) -> None:
    """Its columns are in the signature; a caller sends JSON or a table of pandas', and gets the like."""
    file = project.path / "data" / "instances.csv"
    file.write_text(ROWS)
    file.with_suffix(".pkl").write_bytes(pickle.dumps(pl.read_csv(file, try_parse_dates=True)))
    project.write_pipeline("inference", INFERENCE)
    project.write_pipeline(
        "data_processing",
        "from kedro.pipeline import Pipeline, node\n"
        "def clean(raw):\n    return raw.dropna()\n"
        "def create_pipeline(**kwargs):\n    return Pipeline([node(clean, 'raw', 'table')])\n",
    )
    project.write_config("catalog", {**CATALOG, "instances": DATASETS[kind]})
    project.write_models({"prices": {**MODEL, "runner": runner}})
    project.run(pipelines=["data_processing"])

    project.run(pipelines=["training"])

    (model,) = models(client)
    tags = {name.removeprefix("kedro_autolog_pipeline."): value for name, value in model.tags.items()}
    assert ("READY", "reproduced") == (model.status, tags["verification"])
    assert ("same", "same") == (tags["verification.http"], tags["verification.single_row"])
    loaded = mlflow.pyfunc.load_model(model.artifact_location)
    types = {name: column.type for name, column in loaded.metadata.signature.inputs.input_dict().items()}
    assert {"n": DataType.double, "when": DataType.datetime, "name": DataType.string} == types
    assert ["y", "name"] == loaded.metadata.signature.outputs.input_names()
    rows = {"columns": ["n", "when", "name"], "data": [[1, "2024-01-01", "a"], [None, "2025-01-01", None]]}
    response = invoke(loaded, {"dataframe_split": rows})
    assert 200 == response.status_code, response.text
    assert [2027.0, 2025.0] == [row["y"] for row in response.json()["predictions"]]
    sent = pd.DataFrame({"n": [2.0], "when": pd.to_datetime(["2024-01-01"]), "name": ["a"]})
    assert [{"y": 2030.0, "name": "a"}] == loaded.predict(sent).to_dict(orient="records")
    requirements = Path(mlflow.pyfunc.get_model_dependencies(model.artifact_location)).read_text()
    assert "\npolars==" in requirements
