"""A small real Kedro project for tests: its files are written to a folder, and it is run as its user would."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import attrs
import kedro
import yaml
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

KEDRO_VERSION = tuple(map(int, kedro.__version__.split(".")[:2]))

DATA_PROCESSING = """
from kedro.pipeline import Pipeline, node

def clean(raw):
    return raw.dropna()

def request(table):
    return table.drop(columns="label")

def create_pipeline(**kwargs):
    return Pipeline([node(clean, "raw", "table"), node(request, "table", "instances")])
"""

TRAINING = """
import mlflow
from kedro.pipeline import Pipeline, node

def fit_scaler(table):
    return {"mean": float(table["x"].mean())}

def fit_model(table, scaler, factor):
    centred = table["x"] - scaler["mean"]
    return {"slope": factor * float((centred * table["label"]).sum() / (centred ** 2).sum())}

def evaluate(table, scaler, model):
    error = float(((table["x"] - scaler["mean"]) * model["slope"] - table["label"]).abs().mean())
    if mlflow.active_run():
        mlflow.log_metric("error", error)

def create_pipeline(**kwargs):
    return Pipeline([
        node(fit_scaler, "table", "scaler"),
        node(fit_model, ["table", "scaler", "params:training.factor"], "model"),
        node(evaluate, ["table", "scaler", "model"], None),
    ])
"""

INFERENCE = """
from kedro.pipeline import Pipeline, node

def scale(instances, scaler):
    return instances["x"] - scaler["mean"]

def predict(scaled, model, offset):
    return (scaled * model["slope"] + offset).to_frame("prediction")

def create_pipeline(**kwargs):
    return Pipeline([
        node(scale, ["instances", "scaler"], "scaled"),
        node(predict, ["scaled", "model", "params:offset"], "predictions"),
    ])
"""

REGISTRY = """
from kedro.framework.project import find_pipelines

def register_pipelines():
    pipelines = find_pipelines()
    pipelines["__default__"] = sum(pipelines.values())
    return pipelines
"""

CATALOG: dict[str, Any] = {
    "raw": {"type": "pandas.CSVDataset", "filepath": "data/raw.csv"},
    "table": {"type": "pandas.CSVDataset", "filepath": "data/table.csv", "save_args": {"index": False}},
    "instances": {
        "type": "pandas.CSVDataset",
        "filepath": "data/instances.csv",
        "save_args": {"index": False},
    },
    "scaler": {"type": "pickle.PickleDataset", "filepath": "data/scaler.pkl"},
    "model": {"type": "pickle.PickleDataset", "filepath": "data/model.pkl", "versioned": True},
}

MODEL: dict[str, Any] = {"training": "training", "inference": "inference", "input_name": "instances"}


@attrs.define
class KedroProject:
    """A Kedro project on disk.

    Attributes:
        path: Its directory.
        package: Its Python package, unlike that of every other project in this process.
    """

    path: Path
    package: str

    def write(self, path: str, text: str) -> None:
        """Write a file of the package, given by its path below it."""
        file = self.path / "src" / self.package / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")

    def write_pipeline(self, name: str, text: str) -> None:
        """Write a pipeline into a directory of its own."""
        self.write(f"pipelines/{name}/__init__.py", text)

    def write_config(self, name: str, content: Mapping[str, Any], env: str = "base") -> None:
        """Write a file of the configuration, ``mlflow`` for mlflow.yml."""
        file = self.path / "conf" / env / f"{name}.yml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump(dict(content)), encoding="utf-8")

    def write_models(self, models: Mapping[str, Any], **options: Any) -> None:
        """Write mlflow.yml with these models."""
        self.write_config("mlflow", {"autolog_pipeline": {"models": dict(models), **options}})

    def run(self, env: str | None = None, runtime_params: dict[str, Any] | None = None, **arguments: Any) -> Any:
        """Run it in this process, as ``kedro run`` does."""
        bootstrap_project(self.path)
        with KedroSession.create(self.path, env=env, **_runtime_params(runtime_params)) as session:
            return session.run(**_pipeline_names(arguments))

    def run_command(self, pipeline: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run ``kedro run``, of one pipeline when it is named, in a process of its own."""
        option = "--pipelines" if KEDRO_VERSION >= (1, 2) else "--pipeline"
        return self.command("run", *([] if pipeline is None else [option, pipeline]))

    def command(
        self, *arguments: str, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run ``kedro …`` in a process of its own, with more variables than this one's."""
        return subprocess.run(
            [sys.executable, "-m", "kedro", *arguments],
            cwd=cwd or self.path,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            env={**os.environ, "COLUMNS": "200", **(env or {})},
        )


def write_project(directory: Path) -> KedroProject:
    """Write the project: three pipelines in directories of their own, the stock registry, and one paired model."""
    project = KedroProject(directory, f"shop_{uuid4().hex[:8]}")
    project.path.mkdir(parents=True, exist_ok=True)
    (project.path / "pyproject.toml").write_text(
        textwrap.dedent(f"""
            [tool.kedro]
            package_name = "{project.package}"
            project_name = "shop"
            kedro_init_version = "{kedro.__version__}"
            source_dir = "src"
        """)
    )
    project.write("__init__.py", "")
    project.write("settings.py", "")
    project.write("pipeline_registry.py", REGISTRY)
    project.write("pipelines/__init__.py", "")
    project.write_pipeline("data_processing", DATA_PROCESSING)
    project.write_pipeline("training", TRAINING)
    project.write_pipeline("inference", INFERENCE)
    project.write_config("catalog", CATALOG)
    project.write_config("parameters", {"training": {"factor": 1.0}, "offset": 0.5})
    (project.path / "conf" / "local").mkdir()
    project.write_models({"prices": MODEL})
    (project.path / "data").mkdir()
    rows = "\n".join(f"{x},{3 * x + 1}" for x in range(20))
    (project.path / "data" / "raw.csv").write_text(f"x,label\n{rows}\n7,\n", encoding="utf-8")
    return project


def _runtime_params(values: dict[str, Any] | None) -> dict[str, Any]:
    return {} if values is None else {"runtime_params": values}


def _pipeline_names(arguments: dict[str, Any]) -> dict[str, Any]:
    # Kedro 1.0 and 1.1 run one pipeline by name, later ones several.
    names = arguments.pop("pipelines", None)
    if names is None:
        return arguments
    if KEDRO_VERSION < (1, 2):
        return {**arguments, "pipeline_name": names[0]}
    return {**arguments, "pipeline_names": names}


def training_until_a_copy_is_begun(project: KedroProject) -> str:
    """Give the training, its second node waiting until the first one's output is being copied for the model."""
    waiting = f"""
def fit_model(table, scaler, factor):
    import time
    from pathlib import Path

    end = time.monotonic() + 60
    while not list(Path({str(project.path / ".autolog_pipeline")!r}).glob("*/early/*")):
        assert time.monotonic() < end, "nothing is copied"
        time.sleep(0.01)
"""
    return TRAINING.replace("def fit_model(table, scaler, factor):\n", waiting.lstrip())
