"""Parameters as projects have them, changed by the callers of a model: in Python, and over HTTP."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.pyfunc import PyFuncModel

from kedro_project import KEDRO_VERSION, MODEL, KedroProject
from mlflow_store import models
from scoring_application import invoke

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
    response = invoke(model, content)
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


RESOLVERS = """
import datetime as dt

import numpy as np
import pandas as pd

from {package}.kinds import Doubler, doubled

CONFIG_LOADER_ARGS = {{
    "base_env": "base",
    "default_run_env": "local",
    "custom_resolvers": {{
        "pair": lambda *items: tuple(items),
        "day": lambda: dt.date(2026, 1, 3),
        "time": lambda: pd.Timestamp("2026-01-02"),
        "kind": lambda: Doubler,
        "function": lambda: doubled,
        "array": lambda: np.array([1.0, 2.0]),
        "table": lambda: pd.DataFrame({{"a": [1]}}),
        "number": lambda: np.float64(0.25),
    }},
}}
"""

KINDS = """
class Doubler:
    def times(self, x):
        return 2 * x

def doubled(x):
    return 2 * x
"""

OBJECTS = """
from kedro.pipeline import Pipeline, node

def predict(instances, model, pair, day, time, kind, function, array, table, number, nested):
    assert isinstance(pair, tuple) and isinstance(nested["pair"], tuple)
    days = (day - time.date()).days
    # 1 + 2 + 1 + 3 + 1 + 0.25 + 0.25
    added = sum(pair) + days + float(array.sum()) + int(table["a"].sum()) + number + nested["number"]
    return (kind().times(instances["x"]) + function(1) * nested["scale"] + added).to_frame("y")

def create_pipeline(**kwargs):
    names = ["pair", "day", "time", "kind", "function", "array", "table", "number", "nested"]
    return Pipeline([node(predict, ["instances", "model", *(f"params:{name}" for name in names)], "predictions")])
"""


@pytest.mark.parametrize("on_failure", ["raise", "warn"])
def test_a_parameter_of_any_type_travels_and_stays_fixed(
    project: KedroProject, client: MlflowClient, records: list[logging.LogRecord], on_failure: str
) -> None:
    """What JSON cannot hold is packaged as an artifact is, and the remark names it by its path, once."""
    project.write("kinds.py", KINDS)
    project.write("settings.py", RESOLVERS.format(package=project.package))
    project.write_models({"prices": MODEL}, on_failure=on_failure)
    single = ["day", "time", "kind", "function", "array", "table", "number"]
    nested = {"pair": "${pair:1,2}", "number": "${number:}", "scale": 1.0}
    values = {"pair": "${pair:1,2}", **{name: f"${{{name}:}}" for name in single}, "nested": nested}

    model = packaged(project, client, OBJECTS, values)

    # 2 * x + 2 * scale + 3 + 1 + 3 + 1 + 0.25 + 0.25
    assert [12.5, 14.5] == answers(model, None)
    assert [14.5, 16.5] == answers_over_http(model, {"nested.scale": 2.0})
    assert [13.25, 15.25] == answers(model, {"number": 1.0})
    assert [13.25, 15.25] == answers(model, {"nested": {"number": 1.0}})
    warnings = [record.getMessage() for record in records if record.levelno == logging.WARNING]
    told = "MLflow has no type for the parameters array, day, function, kind, nested.pair, pair, table, time: they keep"
    assert [1] == [message.count(told) for message in warnings]
    output = project.command("autolog", "check").stdout
    assert "fixed: JSON cannot hold its value" in output


PAIR = """
from kedro.pipeline import Pipeline, node

def predict(instances, model, pair):
    assert isinstance(pair, tuple)
    return (instances["x"] + sum(pair)).to_frame("y")

def create_pipeline(**kwargs):
    return Pipeline([node(predict, ["instances", "model", "params:pair"], "predictions")])
"""


def test_a_parameter_of_any_type_is_packaged_again(project: KedroProject, client: MlflowClient) -> None:
    """Its value is taken from the run's READY model; without one it is read anew and told, and no other is taken."""
    project.write("kinds.py", KINDS)
    project.write("settings.py", RESOLVERS.format(package=project.package))
    packaged(project, client, PAIR, {"pair": "${pair:1,2}"})
    (first,) = models(client)
    project.write_config("parameters", {"training": {"factor": 1.0}, "pair": "${pair:1,3}"})
    command = ["autolog", "package", "--run-id", first.source_run_id or ""]

    again = project.command(*command)
    assert 0 == again.returncode, again.stderr
    second = models(client)[-1]
    assert [4, 5] == answers(mlflow.pyfunc.load_model(second.model_uri), None)
    for model in (first, second):
        client.finalize_logged_model(model.model_id, "FAILED")
    other = project.command(*command)
    project.write_config("parameters", {"training": {"factor": 1.0}, "pair": "${pair:1,2}"})
    anew = project.command(*command)

    told = "The record of the run does not hold 'params:pair'"
    assert told not in " ".join((again.stdout + again.stderr).split())
    assert 1 == other.returncode
    refusal = " ".join(other.stderr.split())
    assert f"'params:pair' is not what run '{first.source_run_id}' was packaged with before: its SHA-256 was" in refusal
    assert "Its value is another one now. Give it that of the run, or train again." in refusal
    assert told in " ".join((anew.stdout + anew.stderr).split())
    last = models(client)[-1]
    assert [4, 5] == answers(mlflow.pyfunc.load_model(last.model_uri), None)


def test_a_parameter_that_nothing_can_hold_is_told_before_the_training(
    project: KedroProject, client: MlflowClient
) -> None:
    """A weak reference is neither plain data nor anything that a pickle takes."""
    settings = """
        import weakref

        CONFIG_LOADER_ARGS = {
            "base_env": "base",
            "default_run_env": "local",
            "custom_resolvers": {"reference": lambda: weakref.ref(weakref)},
        }
        """
    project.write("settings.py", settings)
    project.write_config("parameters", {"training": {"factor": 1.0}, "offset": "${reference:}"})

    output = " ".join(project.command("autolog", "check").stderr.split())

    assert "inference: neither JSON nor a pickle can hold the value of 'params:offset' (TypeError(" in output
    assert "Use plain data." in output
