"""Columns as projects have them: what MLflow cannot carry costs the others nothing, and times are times."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.types import DataType

from kedro_project import CATALOG, MODEL, KedroProject
from mlflow_store import models
from scoring_application import invoke

INFERENCE = """
import pandas as pd
from kedro.pipeline import Pipeline, node

def predict(instances, model):
    days = (pd.Timestamp("2025-06-01") - instances["when"]).dt.days
    return pd.DataFrame({"y": instances["n"] * days, "when": instances["when"]})

def create_pipeline(**kwargs):
    return Pipeline([node(predict, ["instances", "model"], "predictions")])
"""

WITH_LISTS = """
from kedro.pipeline import Pipeline, node

def predict(instances, model):
    return (instances["n"] + instances["tags"].map(len) + instances["moment"].dt.hour).to_frame("y")

def create_pipeline(**kwargs):
    return Pipeline([node(predict, ["instances", "model"], "predictions")])
"""


def train(project: KedroProject, inference: str, instances: Mapping[str, object]) -> None:
    """Train a model whose request is another dataset than the one that training makes."""
    project.write_pipeline("inference", inference)
    project.write_pipeline(
        "data_processing",
        "from kedro.pipeline import Pipeline, node\n"
        "def clean(raw):\n    return raw.dropna()\n"
        "def create_pipeline(**kwargs):\n    return Pipeline([node(clean, 'raw', 'table')])\n",
    )
    project.write_config("catalog", {**CATALOG, "instances": instances})
    project.run(pipelines=["data_processing"])
    project.run(pipelines=["training"])


def test_times_of_a_file_are_times_over_http(project: KedroProject, client: MlflowClient) -> None:
    """A column that pandas reads as times has MLflow's type for them, and a caller sends ISO 8601."""
    (project.path / "data" / "instances.csv").write_text("n,when\n1,2024-01-01\n2,2025-01-01\n")
    load_args = {"parse_dates": ["when"]}
    train(project, INFERENCE, {**CATALOG["instances"], "load_args": load_args})

    (model,) = models(client)
    assert ("READY", "same") == (model.status, model.tags["kedro_autolog_pipeline.verification.http"])
    loaded = mlflow.pyfunc.load_model(model.artifact_location)
    columns = loaded.metadata.signature.inputs.input_dict()
    assert {"n": DataType.long, "when": DataType.datetime} == {name: each.type for name, each in columns.items()}
    rows = {"columns": ["n", "when"], "data": [[1, "2024-01-01"], [2, "2025-01-01"]]}
    response = invoke(loaded, {"dataframe_split": rows})
    assert 200 == response.status_code, response.text
    assert [517, 302] == [row["y"] for row in response.json()["predictions"]]


def test_one_odd_column_costs_only_itself(project: KedroProject, client: MlflowClient) -> None:
    """The plain columns keep their types, and a note tells of those that take any value."""
    instances = {"type": "pickle.PickleDataset", "filepath": "data/instances.pkl"}
    moments = pd.to_datetime(["2024-01-01 03:00", "2024-01-01 04:00"]).tz_localize("UTC")
    rows = pd.DataFrame({"n": [1, 2], "tags": [["a", "b"], [1]], "moment": moments, "name": ["x", "y"]})
    rows.to_pickle(project.path / "data" / "instances.pkl")
    train(project, WITH_LISTS, instances)

    (model,) = models(client)
    assert "READY" == model.status
    loaded = mlflow.pyfunc.load_model(model.artifact_location)
    columns = loaded.metadata.signature.inputs.input_dict()
    assert (DataType.long, DataType.string) == (columns["n"].type, columns["name"].type)
    assert [6, 7] == loaded.predict(rows)["y"].tolist()
    location = model.artifact_location.removeprefix("file://")
    with open(f"{location}/manifest.json", encoding="utf-8") as file:  # noqa: PTH123 - a URI's path
        notes = json.load(file)["notes"]
    assert any(note.startswith("The signature takes any value for 'tags' (object), 'moment' (") for note in notes)


WITH_NULL = """
from kedro.pipeline import Pipeline, node

def predict(instances, model):
    assert instances["rooms"].dtype == "int64"
    assert instances["beds"].dtype == instances["stock"].dtype == "Int64"
    age = instances["age"].fillna(100).astype("int64") + instances["floor"].fillna(0).astype("int64")
    is_new = instances["is_new"].map({True: 10, False: 0, None: 20}).astype("int64")
    beds = instances["beds"].fillna(0).astype("int64") + instances["stock"].astype("int64")
    return (age + is_new + beds + instances["rooms"]).to_frame("y")

def create_pipeline(**kwargs):
    return Pipeline([node(predict, ["instances", "model"], "predictions")])
"""


def test_null_is_taken_where_the_pipeline_answers_it(project: KedroProject, client: MlflowClient) -> None:
    """Integers and booleans can be sent as such or as null, among others and alone; any other column refuses null."""
    rows = pd.DataFrame({"age": [1, 2], "is_new": [True, False], "rooms": [3, 4], "id": [5, 6], "fixed": [7, 8]})
    rows["floor"] = pd.Series([1, 2], dtype="int8")
    rows[["beds", "stock"]] = pd.DataFrame({"beds": [0, 0], "stock": [0, 0]}, dtype="Int64")
    rows.to_pickle(project.path / "data" / "instances.pkl")
    signature = {"required": ["fixed"]}
    project.write_models({"prices": {**MODEL, "signature": signature}})
    train(project, WITH_NULL, {"type": "pickle.PickleDataset", "filepath": "data/instances.pkl"})

    (model,) = models(client)
    assert "age, is_new, id, fixed, floor, beds" == model.tags["kedro_autolog_pipeline.verification.nullable"]
    assert "Null is answered in: age, is\\_new, id, fixed, floor, beds" in model.tags["mlflow.note.content"]
    loaded = mlflow.pyfunc.load_model(model.artifact_location)
    schema = loaded.metadata.signature.inputs
    typed = {name: each.type for name, each in schema.input_dict().items() if each.type == DataType.long}
    assert {"rooms": DataType.long, "fixed": DataType.long, "stock": DataType.long} == typed
    assert ["age", "is_new", "rooms", "fixed", "floor", "beds", "stock"] == schema.required_input_names()

    def over_http(*data: Sequence[object]) -> list[int] | int:
        """Ask for rows, and give the answers or the status of a refusal."""
        response = invoke(
            loaded, {"dataframe_split": {"columns": list(rows.columns), "data": [list(row) for row in data]}}
        )
        return [row["y"] for row in response.json()["predictions"]] if response.is_success else response.status_code

    assert [15, 8] == loaded.predict(rows)["y"].tolist() == over_http(*rows.to_numpy(dtype=object).tolist())
    assert [123, 8] == over_http([None, None, 3, None, 7, None, None, 0], [2, False, 4, 6, 8, 2, 0, 0])
    assert [123] == over_http([None, None, 3, None, 7, None, None, 0])
    for refused in ([1, True, None, 5, 7, 1, 0, 0], [1, True, 3, 5, None, 1, 0, 0], [1, True, 3, 5, 7, 1, 0, None]):
        assert 400 == over_http(refused)
    # The type of an open column is not lost.
    assert 400 == over_http(["one", True, 3, 5, 7, 1, 0, 0])


OF_MANY_KINDS = """
from kedro.pipeline import Pipeline, node

def predict(instances, model):
    hours = instances["at"].dt.tz_convert("UTC").dt.hour
    parts = instances["kind"].cat.codes.abs() + instances["n"].fillna(-1).astype("int64") + hours
    return (parts + instances["is_new"].fillna(False).astype("int64") + instances["small"]).to_frame("y")

def create_pipeline(**kwargs):
    return Pipeline([node(predict, ["instances", "model"], "predictions")])
"""


def test_columns_of_many_kinds_are_what_they_were_over_http(project: KedroProject, client: MlflowClient) -> None:
    """Categories, nullable integers and booleans, small integers, and times with a zone; null goes where it may."""
    rows = pd.DataFrame(
        {
            "kind": pd.Categorical(["a", "b"]),
            "n": pd.array([1, None], dtype="Int64"),
            "is_new": pd.array([True, None], dtype="boolean"),
            "small": pd.Series([7, 8], dtype="int8"),
            "at": pd.to_datetime(["2024-01-01 03:00", "2024-01-01 04:00"]).tz_localize("UTC"),
        }
    )
    rows.to_pickle(project.path / "data" / "instances.pkl")
    train(project, OF_MANY_KINDS, {"type": "pickle.PickleDataset", "filepath": "data/instances.pkl"})

    (model,) = models(client)
    assert ("READY", "same") == (model.status, model.tags["kedro_autolog_pipeline.verification.http"])
    loaded = mlflow.pyfunc.load_model(model.artifact_location)
    assert DataType.integer is loaded.metadata.signature.inputs.input_dict()["small"].type
    assert [12, 12] == loaded.predict(rows)["y"].tolist()
    data = [["a", 1, True, 7, "2024-01-01T03:00:00+00:00"], ["b", None, None, 8, "2024-01-01T04:00:00+00:00"]]
    response = invoke(loaded, {"dataframe_split": {"columns": list(rows.columns), "data": data}})
    assert 200 == response.status_code, response.text
    assert [12, 12] == [row["y"] for row in response.json()["predictions"]]
