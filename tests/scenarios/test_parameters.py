"""Parameters as projects have them, changed by the callers of a model: in Python, and over HTTP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import httpx
import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.pyfunc import PyFuncModel, scoring_server

from kedro_project import KEDRO_VERSION, KedroProject
from mlflow_store import models

ROWS = {"x": [1, 2]}

SCALED = """
from kedro.pipeline import Pipeline, node

def predict(instances, model, opts):
    return (instances["x"] * 2 * opts["scale"] + opts["inner"]["bias"]).to_frame("y")

def create_pipeline(**kwargs):
    return Pipeline([node(predict, ["instances", "model", "params:opts"], "predictions")])
"""

OPTS = {"scale": 1.0, "inner": {"bias": 0}}


def packaged(project: KedroProject, client: MlflowClient, inference: str, parameters: dict[str, Any]) -> PyFuncModel:
    """Package an inference pipeline that reads parameters, and load it as its users do."""
    project.write_pipeline("inference", inference)
    project.write_config("parameters", {"training": {"factor": 1.0}, **parameters})
    project.run()
    (model,) = models(client)
    assert "READY" == model.status
    mlflow.set_tracking_uri(f"sqlite:///{project.path / 'mlflow.db'}")
    loaded: PyFuncModel = mlflow.pyfunc.load_model(model.model_uri)
    return loaded


def answers(model: PyFuncModel, params: dict[str, Any] | None) -> list[float]:
    """Ask a model in Python."""
    answer: Any = model.predict(pd.DataFrame(ROWS), params=params)
    return list(answer["y"])


def answers_over_http(model: PyFuncModel, params: dict[str, Any] | None) -> list[float]:
    """Ask a model as MLflow's scoring server does."""
    content = {"inputs": ROWS, **({} if params is None else {"params": params})}

    async def post() -> httpx.Response:
        """Send the request to the application, without a socket."""
        transport = httpx.ASGITransport(scoring_server.init(model))
        async with httpx.AsyncClient(transport=transport, base_url="http://model") as client:
            return await client.post("/invocations", json=content)

    response = asyncio.run(post())
    assert 200 == response.status_code, response.text
    return [row["y"] for row in response.json()["predictions"]]


@pytest.mark.parametrize("ask", [answers, answers_over_http])
def test_a_part_of_a_parameter_is_changed_by_its_path_or_with_the_whole(
    project: KedroProject, client: MlflowClient, ask: Callable[[PyFuncModel, dict[str, Any] | None], list[float]]
) -> None:
    """Each part is declared beside the whole, the caller's value wins, and of two the more specific does."""
    model = packaged(project, client, SCALED, {"opts": OPTS})

    declared = model.metadata.signature.params
    assert ["opts", "opts.inner", "opts.inner.bias", "opts.scale"] == [param.name for param in declared]
    assert [2, 4] == ask(model, None)
    assert [20, 40] == ask(model, {"opts.scale": 10.0})
    assert [20, 40] == ask(model, {"opts.scale": 10})
    assert [20, 40] == ask(model, {"opts": {"scale": 10.0}})
    assert [20, 40] == ask(model, {"opts": {"scale": 10}})
    assert [21, 41] == ask(model, {"opts": {"scale": 10.0, "inner": {"bias": 1}}})
    assert [3, 5] == ask(model, {"opts.inner": {"bias": 1}})
    assert [3, 5] == ask(model, {"opts.inner.bias": 1})
    assert [20, 40] == ask(model, {"opts.scale": 10.0, "opts": {"scale": 5.0}})
    assert [21, 41] == ask(model, {"opts.scale": 10.0, "opts": {"inner": {"bias": 1}}})
    assert [2, 4] == ask(model, None)


WHOLE = """
from kedro.pipeline import Pipeline, node

def predict(instances, model, bins, parameters):
    return (instances["x"] * parameters["opts"]["scale"] + sum(bins) + len(parameters["empty"])).to_frame("y")

def create_pipeline(**kwargs):
    return Pipeline([node(predict, ["instances", "model", "params:opts.bins", "parameters"], "predictions")])
"""


def test_all_parameters_and_a_part_of_them_are_read_side_by_side(
    project: KedroProject, client: MlflowClient, records: list[logging.LogRecord]
) -> None:
    """Mixed numbers count as floats, and what has no type of its own is given with the dictionary that holds it."""
    model = packaged(
        project, client, WHOLE, {"opts": {"scale": 1.0, "bins": [0, 18.5, 1000]}, "empty": [], "odd": None}
    )

    assert [1019.5, 1020.5] == answers(model, None)
    assert [2, 3] == answers(model, {"opts.bins": [0, 1.0]})
    assert [2, 3] == answers_over_http(model, {"opts": {"bins": [0, 1]}})
    assert [1020.5, 1021.5] == answers(model, {"parameters": {"empty": ["a"]}})
    assert [4, 7] == answers_over_http(model, {"parameters": {"opts": {"bins": [1]}}, "opts.scale": 3})
    assert not [record for record in records if record.levelno >= logging.WARNING]


TYPED = """
from dataclasses import dataclass

from kedro.pipeline import Pipeline, node

@dataclass
class Options:
    scale: float
    bias: float = 0.5

def predict(instances, model, options: Options):
    assert isinstance(options, Options)
    return (instances["x"] * options.scale + options.bias).to_frame("y")

def create_pipeline(**kwargs):
    return Pipeline([node(predict, ["instances", "model", "params:options"], "predictions")])
"""


@pytest.mark.skipif(KEDRO_VERSION < (1, 3), reason="This Kedro has no typed parameters.")
def test_the_default_of_a_typed_parameter_is_declared_and_can_be_changed(
    project: KedroProject, client: MlflowClient
) -> None:
    """A field that no parameters file has is a parameter as the others."""
    model = packaged(project, client, TYPED, {"options": {"scale": 2.0}})

    assert {"options": {"scale": 2.0, "bias": 0.5}, "options.bias": 0.5, "options.scale": 2.0} == {
        param.name: param.default for param in model.metadata.signature.params
    }
    assert [2.5, 4.5] == answers(model, None)
    assert [3, 5] == answers(model, {"options.bias": 1})
    assert [3, 5] == answers_over_http(model, {"options": {"bias": 1}})
    assert [2.5, 4.5] == answers(model, None)
