"""What a packaged model answers when its nodes change in place what they read."""

from __future__ import annotations

import json
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts

from kedro_project import CATALOG, MODEL, KedroProject

TRAINING = """
import pandas as pd
from kedro.pipeline import Pipeline, node
from sklearn.preprocessing import LabelEncoder

def fit_encoder(table):
    encoder = LabelEncoder().fit(["dear", "cheap"])
    encoder.classes_ = encoder.classes_[::-1].copy()
    return encoder

def fit_scaler(table):
    return {"mean": float(table["x"].mean()), "seen": []}

def fit_model(table):
    return {"slope": 2.0}

def create_pipeline(**kwargs):
    return Pipeline([
        node(fit_encoder, "table", "encoder"),
        node(fit_scaler, "table", "scaler"),
        node(fit_model, "table", "model"),
    ])
"""

INFERENCE = """
from kedro.pipeline import Pipeline, node

def count(instances, scaler):
    instances["x"] = instances["x"] - scaler["mean"]
    scaler["seen"].append(len(instances))
    return {"rows": instances, "scaler": scaler}

def predict(counted, encoder, model):
    rows = counted["rows"]
    rows["kind"] = encoder.classes_[0]
    encoder.classes_.sort()
    rows["price"] = rows["x"] * model["slope"]
    rows["calls"] = len(counted["scaler"]["seen"])
    return rows

def create_pipeline(**kwargs):
    return Pipeline([
        node(count, ["instances", "scaler"], "counted"),
        node(predict, ["counted", "encoder", "model"], "predictions"),
    ])
"""


@pytest.mark.parametrize("verify", [True, False])
def test_changes_in_place_reach_neither_the_caller_nor_the_next_call(
    project: KedroProject, client: MlflowClient, tmp_path: Path, *, verify: bool
) -> None:
    """Three calls of one model give one answer, and only what a node changes is copied for each, proven or not."""
    project.write_models({"prices": {**MODEL, "verify": verify}})
    encoder = {"type": "pickle.PickleDataset", "filepath": "data/encoder.pkl"}
    project.write_config("catalog", {**CATALOG, "encoder": encoder})
    project.write_pipeline("training", TRAINING)
    project.write_pipeline("inference", INFERENCE)
    project.run()
    (model,) = client.search_logged_models([each.experiment_id for each in client.search_experiments()])
    mlflow.set_tracking_uri(f"sqlite:///{project.path / 'mlflow.db'}")
    package = Path(download_artifacts(f"models:/{model.model_id}", dst_path=str(tmp_path / "package")))
    request = pd.DataFrame({"x": [1, 2]})

    loaded = mlflow.pyfunc.load_model(str(package))
    answers = [loaded.predict(request) for _ in range(3)]

    expected = pd.DataFrame({"x": [-8.5, -7.5], "kind": ["dear", "dear"], "price": [-17.0, -15.0], "calls": [1, 1]})
    for answer in answers:
        pd.testing.assert_frame_equal(expected, answer, check_dtype=False)
    pd.testing.assert_frame_equal(pd.DataFrame({"x": [1, 2]}), request)
    manifest = json.loads((package / "manifest.json").read_text())
    assert manifest["copy_modes"] == {"encoder": "deepcopy", "scaler": "deepcopy"}
