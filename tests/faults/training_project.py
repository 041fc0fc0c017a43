"""Write a Kedro project that tells how far its training and its packaging are."""

from __future__ import annotations

from pathlib import Path

from kedro_project import INFERENCE, REGISTRY, KedroProject, write_project

GATE_VARIABLE = "FAULTS_GATE"
"""Where the project's processes tell what they have reached; unset, they tell nothing."""

REACHED = """
import http.client
import os

def reached(stage):
    address = os.environ.get("FAULTS_GATE")
    if address is not None:
        connection = http.client.HTTPConnection(address, timeout=60)
        connection.request("POST", f"/reached/{stage}")
        connection.getresponse().read()
        connection.close()
"""

# The manifest is written when half of the package is there. What opens it later tells nothing: the server may be down.
SETTINGS = """
import sys
from .reached import reached

told = []

def tell(event, arguments):
    if event == "open" and str(arguments[0]).endswith("package/manifest.json") and not told:
        told.append(event)
        reached("writing")

sys.addaudithook(tell)
"""

TRAINING = """
import os
from kedro.pipeline import Pipeline, node
from {package}.reached import reached

def fit_scaler(table):
    reached("beginning")
    return {{"mean": float(table["x"].mean()), "payload": bytes(2_000_000)}}

def fit_model(table, scaler, factor):
    centred = table["x"] - scaler["mean"]
    return {{"slope": factor * float((centred * table["label"]).sum() / (centred ** 2).sum())}}

def evaluate(table, model):
    reached("training")
    if "FAULTS_RAISE" in os.environ:
        raise ValueError("the plot has no axes")
    if "FAULTS_FILE_SIZE" in os.environ:
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(os.environ["FAULTS_FILE_SIZE"]), -1))

def create_pipeline(**kwargs):
    return Pipeline([
        node(fit_scaler, "table", "scaler"),
        node(fit_model, ["table", "scaler", "params:training.factor"], "model"),
        node(evaluate, ["table", "model"], None),
    ])
"""

TELLING_INFERENCE = INFERENCE.replace(
    "    return instances",
    '    reached("proving" if ".autolog_pipeline" in __file__ else "gathering")\n    return instances',
)

TRAINING_REGISTRY = REGISTRY.replace("sum(pipelines.values())", 'pipelines["data_processing"] + pipelines["training"]')


def write_training_project(directory: Path) -> KedroProject:
    """Write the project; ``kedro run`` trains."""
    project = write_project(directory)
    project.write("reached.py", REACHED)
    project.write("settings.py", SETTINGS)
    project.write("pipeline_registry.py", TRAINING_REGISTRY)
    project.write_pipeline("training", TRAINING.format(package=project.package))
    project.write_pipeline("inference", f"from {project.package}.reached import reached\n{TELLING_INFERENCE}")
    return project


def trained_outputs(project: KedroProject) -> list[str]:
    """Name the outputs of training that are on disk, each once whatever versions it has."""
    data = project.path / "data"
    found = [*data.glob("scaler.pkl"), *data.glob("model.pkl/*/model.pkl")]
    return sorted({file.name for file in found if file.stat().st_size})
