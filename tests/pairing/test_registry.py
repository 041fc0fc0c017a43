"""Tests of registry."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from kedro.framework.project import pipelines
from kedro.framework.startup import bootstrap_project

from kedro_autolog_pipeline.config.schema import ModelConfig
from kedro_autolog_pipeline.pairing.registry import fetch_pipelines, may_be_trained, registered_names
from kedro_project import KEDRO_VERSION, KedroProject, write_project

is_selective = pytest.mark.skipif(KEDRO_VERSION < (1, 5), reason="Kedro loads all pipelines before 1.5")

REGISTRY = """
from kedro.framework.project import find_pipelines

def register_pipelines():
    pipelines = find_pipelines(raise_errors=True)
    pipelines["__default__"] = sum(pipelines.values())
    if "training" in pipelines:
        pipelines["derived"] = pipelines["training"]
    return pipelines
"""


@pytest.fixture
def project(tmp_path: Path) -> KedroProject:
    """Write a project of which Kedro is asked to run the pipeline that processes data."""
    written = write_project(tmp_path / "shop")
    written.write("pipeline_registry.py", REGISTRY)
    bootstrap_project(written.path)
    if KEDRO_VERSION >= (1, 5):
        pipelines.set_requested(["data_processing"])
    return written


def is_imported(project: KedroProject, name: str) -> bool:
    """Tell whether the module of a pipeline was imported."""
    return f"{project.package}.pipelines.{name}" in sys.modules


@is_selective
def test_what_kedro_has_not_loaded_is_fetched_alone(project: KedroProject) -> None:
    """A pipeline in a directory of its own is fetched without importing its neighbours, and Kedro's choice stands."""
    before = sorted(pipelines.keys())

    fetched = fetch_pipelines(["inference"])

    assert sorted(fetched) == ["inference"]
    assert {"predictions"} == fetched["inference"].outputs()
    assert not is_imported(project, "training")
    assert before == sorted(pipelines.keys())
    assert "inference" not in before


@is_selective
@pytest.mark.usefixtures("project")
def test_what_kedro_was_asked_for_is_read_and_set_again() -> None:
    """Kedro keeps it under a name of its own, and has only a setter for it."""
    assert ["data_processing"] == vars(pipelines)["_requested_pipelines"]

    fetch_pipelines(["inference"])

    assert ["data_processing"] == vars(pipelines)["_requested_pipelines"]
    pipelines.set_requested(None)
    assert vars(pipelines)["_requested_pipelines"] is None


@is_selective
def test_a_broken_neighbour_does_no_harm(project: KedroProject) -> None:
    """What a pipeline without faults needs is loaded although another one cannot be imported."""
    project.write_pipeline("training", "raise RuntimeError('broken')")

    assert list(fetch_pipelines(["inference"])) == ["inference"]
    with pytest.raises(Exception, match="importing the"):
        fetch_pipelines(["training"])


@pytest.mark.usefixtures("project")
def test_what_only_the_registry_knows_is_fetched_with_all() -> None:
    """A pipeline that the registry makes of another one, in no directory, is found as well."""
    assert list(fetch_pipelines(["derived", "no_such"])) == ["derived"]
    assert registered_names() == ["__default__", "data_processing", "derived", "inference", "training"]


@is_selective
def test_what_may_be_trained_is_told_without_importing_it(project: KedroProject) -> None:
    """Only a training pipeline in a directory that nobody imported is surely in no run."""
    assert may_be_trained(ModelConfig("m", "data_processing", "inference"))
    assert not may_be_trained(ModelConfig("m", "training", "inference"))
    assert not may_be_trained(ModelConfig("m", "training", "data_processing"))
    # Only the registry can say whether these are there.
    assert may_be_trained(ModelConfig("m", "derived", "inference"))
    assert may_be_trained(ModelConfig("m", "training", "no_such"))
    assert not is_imported(project, "training")

    fetch_pipelines(["training"])

    assert may_be_trained(ModelConfig("m", "training", "inference"))
