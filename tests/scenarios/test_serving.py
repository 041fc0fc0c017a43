"""What a packaged model answers to the clients of a real ``mlflow models serve``."""

from __future__ import annotations

import json
import urllib.error
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from kedro_project import CATALOG, KEDRO_VERSION, MODEL, KedroProject
from local_server import post
from mlflow_store import models
from model_server import served

CLIENTS = 16
REQUESTS_OF_A_CLIENT = 10

CHECKS = """
def positive(instances):
    if (instances["x"] < 0).any():
        raise ValueError("x is negative")
    return instances
"""

TWO_INPUTS = """
from kedro.pipeline import Pipeline, node

def predict(instances, prices, model, offset):
    return instances["x"].sum() * model["slope"] + offset, prices["price"].tolist()

def create_pipeline(**kwargs):
    return Pipeline([node(predict, ["instances", "prices", "model", "params:offset"], ["total", "each"])])
"""


def predictions(port: int, content: Any) -> Any:
    """Ask a server on this machine for a prediction."""
    return post(f"http://127.0.0.1:{port}/invocations", content, seconds=60)["predictions"]


def package(project: KedroProject) -> Path:
    """Give the package that the project's run has left."""
    (manifest,) = (project.path / "mlartifacts").rglob("manifest.json")
    return manifest.parent


def test_concurrent_clients_get_their_own_answers(project: KedroProject, client: MlflowClient) -> None:
    """16 clients with their own rows and parameters get their own answers; bad data gets its validator's message."""
    if KEDRO_VERSION >= (1, 6):
        project.write("checks.py", CHECKS)
        instances = {**CATALOG["instances"], "validator": f"{project.package}.checks.positive"}
        project.write_config("catalog", {**CATALOG, "instances": instances})
    project.run()
    if KEDRO_VERSION >= (1, 6):
        code = json.loads((package(project) / "manifest.json").read_text())["code"]
        (reasons,) = [each["reasons"] for each in code if each["module"] == project.package]
        assert "validator of 'instances'" in reasons

    with served(package(project)) as port:

        def ask(number: int) -> bool:
            answers = predictions(
                port, {"dataframe_split": {"columns": ["x"], "data": [[number]]}, "params": {"offset": number}}
            )
            # The mean of x is 9.5, and the slope is 3.
            return bool(answers == [{"prediction": 3 * (number - 9.5) + number}])

        with ThreadPoolExecutor(CLIENTS) as pool:
            right = list(pool.map(ask, range(CLIENTS * REQUESTS_OF_A_CLIENT)))
        assert all(right)
        assert [{"prediction": -28.0}] == predictions(port, {"dataframe_records": [{"x": 0}]})
        assert [{"prediction": -28.0}] == predictions(port, {"inputs": {"x": [0]}})
        assert [{"prediction": -28.0}] == predictions(port, {"instances": [{"x": 0}]})
        if KEDRO_VERSION >= (1, 6):
            with pytest.raises(urllib.error.HTTPError) as raised:
                predictions(port, {"dataframe_records": [{"x": -1}]})
            assert 400 == raised.value.code
            assert "'instances' is not valid. Correct the data: x is negative" in raised.value.read().decode()


def test_several_inputs_and_outputs_are_served(project: KedroProject, client: MlflowClient) -> None:
    """Under the key ``inputs``, JSON carries DataFrames as columns or rows, and outputs that are plain come back."""
    project.write_pipeline("inference", TWO_INPUTS)
    project.write_models({"prices": {**MODEL, "input_name": ["instances", "prices"], "runner": "ThreadRunner"}})
    prices = {"type": "pandas.CSVDataset", "filepath": "data/prices.csv"}
    project.write_config("catalog", {**CATALOG, "prices": prices})
    (project.path / "data" / "prices.csv").write_text("price\n1\n2\n")
    project.run()
    (model,) = models(client)
    assert "same" == model.tags["kedro_autolog_pipeline.verification.http"]

    with served(package(project)) as port:
        inputs = {"instances": {"x": [1, 2]}, "prices": [{"price": 5}]}
        assert {"total": 9.5, "each": [5]} == predictions(port, {"inputs": inputs})
        assert {"total": 10.0, "each": [5]} == predictions(port, {"inputs": inputs, "params": {"offset": 1.0}})
