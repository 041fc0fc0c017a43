"""Tests of selection."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest
from kedro.framework.project import pipelines
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.pipeline import Pipeline

from kedro_autolog_pipeline.config.project import Project, read_project
from kedro_autolog_pipeline.config.schema import ModelConfig
from kedro_autolog_pipeline.errors import ConfigurationError
from kedro_autolog_pipeline.preflight.selection import (
    Selection,
    partly_trained,
    resolve_pairs,
    select,
    select_for_run,
)
from kedro_autolog_pipeline.run.kedro_run import KedroRun
from kedro_project import CATALOG, MODEL, KedroProject, write_project


@pytest.fixture
def project(tmp_path: Path) -> KedroProject:
    """Write a project with one model."""
    return write_project(tmp_path / "shop")


def opened(project: KedroProject) -> tuple[Project, Any]:
    """Read a project's configuration, and give it with its catalog."""
    bootstrap_project(project.path)
    with KedroSession.create(project.path) as session:
        context = session.load_context()  # type: ignore[attr-defined]  # every session of Kedro's has it
        read = read_project(context)
        assert read is not None
        return read, context.catalog


def selection_of(project: KedroProject, pipeline: str = "training", **filters: Any) -> Selection | None:
    """Select the first model for a run of a pipeline, or of a part of it."""
    read, catalog = opened(project)
    nodes: Pipeline = pipelines[pipeline].filter(**filters)
    run = KedroRun.from_hook({"run_id": "now", "project_path": project.path}, nodes, catalog)
    return select_for_run(read.config.autolog_pipeline.models[0], read, run)


def test_a_run_of_the_training_pipeline_is_packaged(project: KedroProject) -> None:
    """A run that contains every node of it completes its pair, by whatever name it was asked for."""
    for pipeline in ("training", "__default__"):
        selection = selection_of(project, pipeline)
        assert selection is not None
        assert selection.mistakes == ()
        assert selection.pair is not None
        assert list(selection.pair.origins) == ["instances", "model", "params:offset", "scaler"]


def test_a_run_without_the_training_is_not_packaged(project: KedroProject, records: list[logging.LogRecord]) -> None:
    """A run that has no node of the training pipeline is not ours, and nothing is said."""
    assert selection_of(project, "data_processing") is None
    assert records == []


PARTIAL = "this run does not produce 'model'. Run 'kedro run --pipeline"


def test_a_run_of_a_part_of_the_training_is_told_once(project: KedroProject, records: list[logging.LogRecord]) -> None:
    """What the run leaves out is named, with both ways to have it packaged."""
    assert selection_of(project, to_outputs=["scaler"]) is None

    (record,) = records
    assert record.getMessage().startswith(f"'prices' will not be packaged: {PARTIAL}")


def test_a_part_in_a_run_that_was_opened_elsewhere_is_no_cause_for_a_warning(
    project: KedroProject, records: list[logging.LogRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other processes may do the rest: a line says how it is packaged then."""
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    monkeypatch.setattr(logging.getLogger("kedro_autolog_pipeline"), "level", logging.INFO)

    assert selection_of(project, to_outputs=["scaler"]) is None

    (record,) = records
    assert logging.INFO == record.levelno
    assert "'kedro autolog package --run-id <id>' packages 'prices'" in record.getMessage()


def test_a_run_of_a_part_of_the_training_may_be_a_mistake(project: KedroProject) -> None:
    """With partial_runs: error the same sentence is a mistake; the pair is resolved to look for more of them."""
    project.write_models({"prices": MODEL}, partial_runs="error")

    selection = selection_of(project, to_outputs=["scaler"])

    assert selection is not None
    assert selection.pair is not None
    (mistake,) = selection.mistakes
    assert mistake.startswith(f"autolog_pipeline.models.prices: {PARTIAL}")


def test_a_run_of_a_part_of_the_training_may_be_packaged(project: KedroProject) -> None:
    """With partial_runs: package what the run does not produce must be there already."""
    project.write_models({"prices": MODEL}, partial_runs="package")

    selection = selection_of(project, to_outputs=["scaler"])

    assert selection is not None
    assert selection.mistakes == (
        "autolog_pipeline.models.prices: this run does not produce 'model', and there is none yet. "
        "Run the whole pipeline 'training' first.",
    )


def test_what_a_run_gives_to_a_model_that_it_does_not_complete(project: KedroProject) -> None:
    """Inputs of the inference pipeline that the nodes of a partial run write, and nothing for a complete one."""
    read, catalog = opened(project)
    params = {"run_id": "now", "project_path": project.path}
    models = read.config.autolog_pipeline.models

    part = KedroRun.from_hook(params, pipelines["training"].to_outputs("scaler"), catalog)
    whole = KedroRun.from_hook(params, pipelines["training"], catalog)

    evaluation = KedroRun.from_hook(params, pipelines["training"].only_nodes_with_inputs("model"), catalog)

    assert partly_trained(models, part) == {"prices": ["scaler"]}
    assert partly_trained(models, evaluation) == {"prices": []}
    assert partly_trained(models, whole) == {}


def test_a_pipeline_that_is_not_there_is_a_mistake(project: KedroProject) -> None:
    """A name that is not registered is told with the one that was meant, and a module that fails with its error."""
    read, catalog = opened(project)

    misspelt = select(ModelConfig("m", "trainning", "inference"), read, catalog)
    assert misspelt.pair is None
    assert misspelt.mistakes == (
        "autolog_pipeline.models.m.training: no pipeline is registered as 'trainning'. Did you mean 'training'?",
    )

    project.write("pipeline_registry.py", "def register_pipelines():\n    raise RuntimeError('broken')\n")
    del sys.modules[f"{project.package}.pipeline_registry"]
    bootstrap_project(project.path)
    (mistake,) = select(ModelConfig("m", "training", "inference"), read, catalog).mistakes
    assert mistake.startswith("autolog_pipeline.models.m: its pipelines cannot be loaded (RuntimeError('broken')).")


def test_all_mistakes_of_all_pairs_are_told_at_once(project: KedroProject) -> None:
    """Pairs that are packaged whatever is run give one error with everything that would fail later."""
    project.write_config("catalog", {**CATALOG, "words": {"type": "no.such.Dataset"}})
    read, catalog = opened(project)
    good = ModelConfig("good", "training", "inference", input_name=("instances",))
    bad = attrs.evolve(good, name="bad", input_example="no_such", pip_requirements="no_such.txt", in_memory=("words",))

    (pair,) = resolve_pairs([good], read, catalog)
    with pytest.raises(ConfigurationError) as caught:
        resolve_pairs([good, bad], read, catalog)

    assert pair.config == good
    assert caught.value.mistakes == (
        "autolog_pipeline.models.bad.in_memory: 'words' is no dataset between two nodes of 'inference'. "
        "There are: 'scaled'.",
        "autolog_pipeline.models.bad.input_example: the catalog has no 'no_such'. "
        "It has: 'instances', 'model', 'raw', 'scaler', 'table', 'words'.",
        "autolog_pipeline.models.bad.pip_requirements: cannot be read: [Errno 2] No such file or directory: "
        f"'{project.path / 'no_such.txt'}'.",
    )
