"""Tests of packaging.pipeline_ml; those with kedro-mlflow itself are in scenarios/beside_kedro_mlflow."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from types import ModuleType

import pytest
from kedro.framework.startup import bootstrap_project
from kedro.pipeline import Pipeline

from kedro_autolog_pipeline.pairing.kedro_mlflow import hint_at_moving
from kedro_project import write_project

MODULE = "kedro_mlflow.pipeline.pipeline_ml"

REGISTRY = """
import sys

from kedro.framework.project import find_pipelines

def register_pipelines():
    pipelines = find_pipelines()
    made = sys.modules["kedro_mlflow.pipeline.pipeline_ml"].PipelineML
    return {name: made(pipeline.nodes) if name in {names} else pipeline for name, pipeline in pipelines.items()}
"""


class PipelineML(Pipeline):
    """Stands in for the class of kedro-mlflow's that its factory makes."""


@pytest.fixture
def kedro_mlflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have kedro-mlflow imported, as far as we look at it."""
    module = ModuleType(MODULE)
    vars(module)["PipelineML"] = PipelineML
    monkeypatch.setitem(sys.modules, MODULE, module)


class _Messages(logging.Handler):
    """Keeps what is logged: Kedro replaces the handlers of the root logger, pytest's among them."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message."""
        self.kept.append(record.getMessage())


def told() -> list[str]:
    """Ask three times, and give what is logged."""
    messages = _Messages()
    logger = logging.getLogger("kedro_autolog_pipeline")
    logger.setLevel(logging.INFO)
    logger.addHandler(messages)
    for _ in range(3):
        hint_at_moving()
    logger.removeHandler(messages)
    return messages.kept


def register(directory: Path, names: list[str]) -> None:
    """Make a project, whose pipelines of these names are made by the factory, the one of this process."""
    project = write_project(directory)
    project.write("pipeline_registry.py", REGISTRY.replace("{names}", f"{names}"))
    bootstrap_project(project.path)


@pytest.mark.usefixtures("kedro_mlflow")
def test_each_project_is_told_once(tmp_path: Path) -> None:
    """One line for a project names all of its pipelines that the factory made, and where to read on."""
    register(tmp_path / "first", ["training", "inference"])
    first = told()
    register(tmp_path / "second", ["training"])

    assert [
        "kedro-mlflow packages what pipeline_ml_factory made: 'inference', 'training'. A pair in mlflow.yml does it "
        "instead, and proves the model before it is READY; docs/migrate-from-kedro-mlflow.md of kedro-autolog-pipeline "
        "tells how to move over."
    ] == first
    assert ["kedro-mlflow packages what pipeline_ml_factory made: 'training'."] == [
        message.partition(" A pair")[0] for message in told()
    ]


@pytest.mark.usefixtures("kedro_mlflow")
def test_a_project_with_plain_pipelines_is_told_nothing(tmp_path: Path) -> None:
    """kedro-mlflow's tracking alone is no reason to move."""
    register(tmp_path / "shop", [])

    assert [] == told()


def test_without_kedro_mlflow_no_pipeline_is_looked_at(tmp_path: Path) -> None:
    """A project whose registry cannot be loaded here would raise."""
    register(tmp_path / "shop", ["training"])

    assert [] == told()
