"""READY means deployable: what a model is asked before it is, and what it is refused for."""

from __future__ import annotations

import json
import os
from typing import Any

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient

from kedro_autolog_pipeline.errors import NotPackagedError
from kedro_project import CATALOG, MODEL, KedroProject
from mlflow_store import models, runs

ONE_NODE = """
from kedro.pipeline import Pipeline, node

{body}

def create_pipeline(**kwargs):
    return Pipeline([node(predict, ["instances", "model"], "predictions")])
"""

TWO_NODES = """
from kedro.pipeline import Pipeline, node

{body}

def create_pipeline(**kwargs):
    return Pipeline([
        node(clean, "instances", "coded", name="clean"),
        node(predict, ["coded", "model"], "predictions", name="predict"),
    ])
"""

LOOK_UP = """
TABLE = {"7": 11.0, "42": 30.0}

def clean(instances):
    return instances

def predict(coded, model):
    return coded["code"].map(lambda code: TABLE.get(str(code), -1.0)).to_frame("price")
"""


def prepare(project: KedroProject, inference: str, instances: pd.DataFrame, **options: Any) -> None:
    """Give a project an inference pipeline, and rows that it is asked."""
    project.write_pipeline("inference", inference)
    catalog = {name: entry for name, entry in CATALOG.items() if name != "instances"}
    catalog["instances"] = {"type": "pickle.PickleDataset", "filepath": "data/instances.pkl"}
    project.write_config("catalog", {**catalog, **options.pop("datasets", {})})
    instances.to_pickle(project.path / "data" / "instances.pkl")
    project.write_models({"prices": {**MODEL, **options}})
    table = pd.DataFrame({"x": range(20), "label": range(20)})
    table.to_csv(project.path / "data" / "table.csv", index=False)


def packaged(project: KedroProject, client: MlflowClient) -> tuple[Any, dict[str, str]]:
    """Train, and give the loaded model and its tags."""
    project.run(pipelines=["training"])
    (model,) = models(client)
    mlflow.set_tracking_uri(f"sqlite:///{project.path / 'mlflow.db'}")
    tags = {key.removeprefix("kedro_autolog_pipeline."): value for key, value in model.tags.items()}
    return mlflow.pyfunc.load_model(f"models:/{model.model_id}"), tags


def remarks(project: KedroProject) -> list[str]:
    """Give what the only package says that its user should know."""
    (manifest,) = (project.path / "mlartifacts").rglob("manifest.json")
    notes: list[str] = json.loads(manifest.read_text(encoding="utf-8"))["notes"]
    return notes


def refused(project: KedroProject) -> str:
    """Train, and give the reason why there is no model."""
    with pytest.raises(NotPackagedError) as caught:
        project.run(pipelines=["training"])
    return str(caught.value)


CODES = pd.DataFrame({"code": ["007", "042"]})
CSV = {"type": "pandas.CSVDataset", "filepath": "data/coded.csv", "save_args": {"index": False}}


def test_what_a_file_between_two_nodes_makes_of_the_data_is_not_passed_over(
    project: KedroProject, client: MlflowClient
) -> None:
    """A CSV file makes numbers of codes: a model that keeps them as text would answer otherwise."""
    prepare(project, TWO_NODES.format(body=LOOK_UP), CODES, datasets={"coded": CSV})

    message = refused(project)

    assert "first at index 0: 11.0 (live) and -1.0 (packaged)" in message
    assert "It begins with node 'predict', in 'predictions'" in message
    assert "'kedro run' stores 'coded' by CSVDataset before 'predict' reads it" in message
    assert "'in_memory: [coded]'" in message
    assert not (project.path / "data" / "coded.csv").exists()


def test_a_file_between_two_nodes_may_be_left_out_by_name(project: KedroProject, client: MlflowClient) -> None:
    """The user says that the model keeps it in memory, and the tag says so."""
    datasets = {"coded": CSV}
    prepare(project, TWO_NODES.format(body=LOOK_UP), CODES, datasets=datasets, in_memory=["coded"])

    model, tags = packaged(project, client)

    assert [-1.0, -1.0] == list(model.predict(CODES)["price"])
    assert "reproduced" == tags["verification"]
    assert "stored as by 'kedro run': none; kept in memory: coded" == tags["verification.intermediates"]


def test_a_file_that_gives_back_what_it_was_given_is_no_obstacle(project: KedroProject, client: MlflowClient) -> None:
    """A pickle between two nodes is written and read, and the model does without."""
    stored = {"type": "pickle.PickleDataset", "filepath": "data/coded.pkl", "versioned": True}
    prepare(project, TWO_NODES.format(body=LOOK_UP), CODES, datasets={"coded": stored})

    model, tags = packaged(project, client)

    assert [-1.0, -1.0] == list(model.predict(CODES)["price"])
    assert "stored as by 'kedro run': coded; kept in memory: none" == tags["verification.intermediates"]
    assert ("same", "same") == (tags["verification.http"], tags["verification.single_row"])
    assert not (project.path / "data" / "coded.pkl").exists()


HOOKS = """
from kedro.framework.hooks import hook_impl

class Masking:
    @hook_impl
    def {hook}

HOOKS = (Masking(),)
"""

DOUBLE = """
def clean(instances):
    return instances

def predict(coded, model):
    return (coded["x"] * 2).to_frame("price")
"""


@pytest.mark.parametrize(
    "hook",
    [
        "before_node_run(self, node, inputs):\n"
        '        if node.name == "clean": return {"instances": inputs["instances"] + 100}',
        'after_dataset_loaded(self, dataset_name, data):\n        if dataset_name == "instances": data["x"] += 100',
        'before_dataset_saved(self, dataset_name, data):\n        if dataset_name == "coded": data["x"] += 100',
    ],
    ids=lambda hook: hook.partition("(")[0],
)
def test_a_hook_that_changes_the_data_is_named(project: KedroProject, client: MlflowClient, hook: str) -> None:
    """`kedro run` calls it, and a model does not: the answers differ."""
    project.write("settings.py", HOOKS.format(hook=hook))
    prepare(project, TWO_NODES.format(body=DOUBLE), pd.DataFrame({"x": [1, 2, 3]}))

    message = refused(project)

    assert "first at index 0: 202 (live) and 2 (packaged)" in message
    assert f"`{hook.partition('(')[0]}` of `{project.package}.settings.Masking`" in message


def test_hooks_that_travel_make_the_model_answer_as_kedro_run_does(project: KedroProject, client: MlflowClient) -> None:
    """Their class, its module and what that imports are in the package, and a fresh process has proven it."""
    change = (
        'before_dataset_saved(self, dataset_name, data):\n        if dataset_name == "coded": data["x"] += amount()'
    )
    hooks = HOOKS.format(hook=change).replace("HOOKS = (Masking(),)", "")
    project.write("masking.py", f"from {project.package}.amounts import amount\n{hooks}")
    project.write("amounts.py", "def amount():\n    return 100\n")
    project.write("settings.py", f"from {project.package}.masking import Masking\n\nHOOKS = (Masking(),)")
    rows = pd.DataFrame({"x": [1, 2, 3]})
    prepare(project, TWO_NODES.format(body=DOUBLE), rows, hooks=[f"{project.package}.masking.Masking"])

    model, tags = packaged(project, client)

    assert [202, 204, 206] == list(model.predict(rows)["price"])
    assert "reproduced" == tags["verification"]


def test_an_output_that_is_written_in_chunks_is_refused(project: KedroProject, client: MlflowClient) -> None:
    """Its dataset puts the chunks together, and a model would answer with the last one."""
    body = """
def predict(instances, model):
    for place in range(len(instances)):
        yield instances.iloc[[place]]
"""
    appending = {
        "type": "pandas.CSVDataset",
        "filepath": "data/predictions.csv",
        "fs_args": {"open_args_save": {"mode": "a"}},
    }
    rows = pd.DataFrame({"x": [1, 2, 3]})
    prepare(project, ONE_NODE.format(body=body), rows, datasets={"predictions": appending})

    message = refused(project)

    assert "yields 'predictions' in chunks, which CSVDataset puts together" in message
    assert not (project.path / "data" / "predictions.csv").exists()


def test_an_answer_that_depends_on_the_rows_beside_it_is_told(
    project: KedroProject, client: MlflowClient, caplog: pytest.LogCaptureFixture
) -> None:
    """The model is READY, with a tag, a remark in its manifest and a WARNING."""
    body = """
import pandas as pd

def predict(instances, model):
    return pd.get_dummies(instances, columns=["kind"])
"""
    prepare(project, ONE_NODE.format(body=body), pd.DataFrame({"kind": ["a", "b"], "x": [1, 2]}))

    _, tags = packaged(project, client)

    assert "reproduced" == tags["verification"]
    assert tags["verification.single_row"].startswith("differs: row 0:")
    assert any("the answer depends on the rows that are asked together" in note for note in remarks(project))


@pytest.mark.parametrize(
    "without_y", ["time.sleep(10**6)", "sys.exit(0)", "os._exit(0)"], ids=["sleeps", "exits", "ends the process"]
)
def test_a_pipeline_that_hangs_or_ends_without_a_column_needs_it(
    project: KedroProject, client: MlflowClient, without_y: str
) -> None:
    """The column is required, and the model is READY; nothing of it happens where the training runs."""
    body = f"""
import os, sys, time
from pathlib import Path

def predict(instances, model):
    with Path({str(project.path / "calls.txt")!r}).open("a") as calls:
        calls.write(f"{{os.getpid()}}\\n")
    if "y" not in instances:
        {without_y}
    return instances[["x"]] * 2
"""
    rows = pd.DataFrame({"x": [1, 2], "y": [3, 4], "z": [5, 6]})
    prepare(project, ONE_NODE.format(body=body), rows, verify_timeout=120)

    model, tags = packaged(project, client)

    assert "reproduced" == tags["verification"]
    required = {column.name: column.required for column in model.metadata.signature.inputs}
    assert required["y"]
    calls = (project.path / "calls.txt").read_text(encoding="utf-8").split()
    assert 1 == calls.count(f"{os.getpid()}")


def test_what_a_node_prints_at_each_call_is_not_kept(project: KedroProject) -> None:
    """However often it is asked, `kedro run` neither shows nor holds more than the output of one call."""
    size, noted = 20 * 2**20, project.path / "peaks.txt"
    body = f"""
import atexit, os
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

def note():
    with Path({str(noted)!r}).open("a") as file:
        file.write(f"{{os.getpid()}} {{getrusage(RUSAGE_SELF).ru_maxrss}}\\n")

def predict(instances, model):
    note()
    atexit.register(note)
    print("x" * {size})
    return instances[["x"]] * instances[["n7"]].to_numpy()
"""
    rows = pd.DataFrame({"x": [1, 2]} | {f"n{number}": [1, 1] for number in range(20)})
    prepare(project, ONE_NODE.format(body=body), rows)

    done = project.run_command("training")

    assert 0 == done.returncode, done.stderr
    calls = [line.split() for line in noted.read_text(encoding="utf-8").splitlines()]
    of_the_run = [int(peak) for process, peak in calls if process == calls[0][0]]
    assert 2 == len(of_the_run)
    assert len(calls) > 10
    assert done.stdout.count("x") < 1.1 * size
    # In KiB: importing MLflow takes some, and all that the calls print would be more than twice as much.
    assert of_the_run[1] - of_the_run[0] < 200 * 2**10


def test_a_pipeline_that_exits_is_a_failure_of_the_command(project: KedroProject) -> None:
    """`kedro run` ends with 1, whatever code a node of inference gives; what was trained is saved."""
    body = """
import sys

def predict(instances, model):
    sys.exit(0)
"""
    prepare(project, ONE_NODE.format(body=body), pd.DataFrame({"x": [1, 2]}))

    done = project.run_command("training")

    assert 1 == done.returncode, done.stderr
    assert "Cannot" in done.stdout + done.stderr


def test_what_nodes_log_to_mlflow_reaches_no_server(project: KedroProject, client: MlflowClient) -> None:
    """Neither the run of the training nor another one gets what an inference node logs while it is proven."""
    body = """
import mlflow

def predict(instances, model):
    mlflow.log_metric("asked", len(instances))
    return instances * 2
"""
    prepare(project, ONE_NODE.format(body=body), pd.DataFrame({"x": [1, 2]}))

    packaged(project, client)

    (run,) = runs(client)
    assert {"error"} == set(run.data.metrics)


DROP = """
def predict(instances, model):
    rows = instances.drop(columns=["order_id", "price"])
    return rows.assign(price=rows["x"] * model["slope"], x=rows["x"])
"""


def test_a_request_that_must_hold_what_is_predicted_is_told(project: KedroProject, client: MlflowClient) -> None:
    """A remark names the label, and no column that the pipeline passes on."""
    rows = pd.DataFrame({"order_id": [1, 2], "x": [1.0, 2.0], "price": [0.5, 0.25]})
    prepare(project, ONE_NODE.format(body=DROP), rows)

    packaged(project, client)

    (note,) = remarks(project)
    assert note.startswith("Requests must contain 'price', which the answer contains too. If this is what the model")


KEPT = """
def clean(instances):
    return instances

def predict(coded, model):
    return coded * model["slope"]
"""


def test_what_is_stored_in_a_table_between_two_nodes_is_told(project: KedroProject, client: MlflowClient) -> None:
    """It cannot be tried elsewhere than in its own table, which the proof leaves alone."""
    table = {"type": "pandas.SQLTableDataset", "table_name": "coded", "credentials": "database"}
    rows = pd.DataFrame({"x": [1.0, 2.0]})
    prepare(project, TWO_NODES.format(body=KEPT), rows, datasets={"coded": table})
    project.write_config("credentials", {"database": {"con": f"sqlite:///{project.path / 'data' / 'shop.db'}"}})

    _, tags = packaged(project, client)

    assert "stored as by 'kedro run': none; kept in memory: coded" == tags["verification.intermediates"]
    (note,) = remarks(project)
    assert note == (
        "'kedro run' stores 'coded' (SQLTableDataset), and the model keeps it in memory. Whether this changes its "
        "values was not tested. To accept this, set 'in_memory: [coded]'."
    )
