"""Validators of the catalog travel with the model, for data that is asked and for what nodes hand on."""

from __future__ import annotations

import json
from typing import Any

import mlflow.pyfunc
import pandas as pd
import pytest
from mlflow import MlflowClient

from kedro_autolog_pipeline.errors import NotPackagedError
from kedro_project import CATALOG, KEDRO_VERSION, KedroProject
from mlflow_store import models

pytestmark = pytest.mark.skipif(KEDRO_VERSION < (1, 6), reason="This Kedro has no validators.")

CHECKS = """
def bounded(scaled):
    if scaled.abs().max() > 10:
        raise ValueError("x is further than 10 from the mean")
    return scaled.round()

def whole(predictions):
    return predictions.astype("int64")

def nothing(scaled):
    raise ValueError("nothing is valid")
"""


def write_validators(project: KedroProject, scaled: str, dataset: dict[str, Any]) -> None:
    """Validate what the first node hands on, and the answer."""
    project.write("checks.py", CHECKS)
    entries = {
        "scaled": {**dataset, "validator": f"{project.package}.checks.{scaled}"},
        "predictions": {"type": "MemoryDataset", "validator": f"{project.package}.checks.whole"},
    }
    project.write_config("catalog", {**CATALOG, **entries})


@pytest.mark.parametrize(
    "dataset", [{"type": "MemoryDataset"}, {"type": "pickle.PickleDataset", "filepath": "data/scaled.pkl"}]
)
def test_a_model_validates_what_its_nodes_hand_on(
    project: KedroProject, client: MlflowClient, dataset: dict[str, Any]
) -> None:
    """Its answers are those of `kedro run`; their module travels, and bad data gets the validator's message."""
    write_validators(project, "bounded", dataset)
    project.run(pipelines=["data_processing"])
    project.run(pipelines=["training"])
    live = project.run(pipelines=["inference"])["predictions"].load()
    (model,) = models(client)
    assert "READY" == str(model.status)
    assert "reproduced" == model.tags["kedro_autolog_pipeline.verification"]

    loaded = mlflow.pyfunc.load_model(str(model.artifact_location))

    rows = pd.read_csv(project.path / "data" / "instances.csv")
    pd.testing.assert_frame_equal(live, loaded.predict(rows))
    # 0.5 and 2.5 from the mean are rounded to 0 and 2, and 3 times that and 0.5 are cut off.
    assert [0, 6] == loaded.predict(pd.DataFrame({"x": [10, 12]}))["prediction"].tolist()
    with pytest.raises(
        Exception, match=r"'scaled' is not valid\. Correct the data: x is further than 10 from the mean"
    ):
        loaded.predict(pd.DataFrame({"x": [20]}))
    (manifest,) = (project.path / "mlartifacts").rglob("manifest.json")
    reasons = [reason for each in json.loads(manifest.read_text())["code"] for reason in each["reasons"]]
    assert {"validator of 'scaled'", "validator of 'predictions'"} <= set(reasons)


def test_data_of_the_run_that_a_validator_refuses_prevents_the_model(project: KedroProject) -> None:
    """The message has the node and what the validator says, as `kedro run` would fail."""
    write_validators(project, "nothing", {"type": "MemoryDataset"})

    project.run(pipelines=["data_processing"])
    with pytest.raises(NotPackagedError, match=r"'scaled' is not valid\. Correct the data: nothing is valid"):
        project.run(pipelines=["training"])
