"""What becomes of a run that leaves out nodes of a training pipeline, on a real project."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import LoggedModel

from kedro_autolog_pipeline.errors import PreflightError
from kedro_project import CATALOG, KEDRO_VERSION, MODEL, TRAINING, KedroProject
from mlflow_store import models

NODES = """
def create_pipeline(**kwargs):
    return Pipeline([
        node(fit_scaler, "table", "scaler", name="fit_scaler", tags=["scaling"]),
        node(fit_model, ["table", "scaler", "params:training.factor"], "model", name="fit_model"),
        node(evaluate, ["table", "scaler", "model"], None, name="evaluate"),
    ])
"""

LOCKED = """
from kedro_datasets.json import JSONDataset

class Locked(JSONDataset):
    def _exists(self):
        raise PermissionError
"""

OPTION = "--pipelines" if KEDRO_VERSION >= (1, 2) else "--pipeline"

REMEDY = (
    f". Run 'kedro run {OPTION} training', or package it with what is there: set 'partial_runs: package' in "
    "mlflow.yml, or run 'kedro autolog package --run-id <id>' for a run that MLflow tracks."
)

PARTIAL = [
    ({"from_nodes": ["fit_model"]}, "does not produce 'scaler'"),
    ({"tags": ["scaling"]}, "does not produce 'model'"),
    ({"to_nodes": ["fit_model"]}, "leaves out the nodes evaluate of its training pipeline 'training'"),
    ({"only_missing_outputs": True}, "does not produce 'model', 'scaler'"),
]


def write(project: KedroProject, partial_runs: str | None) -> None:
    """Write the project with names for its nodes, and its option; its model is not proven, which has its own tests."""
    project.write_pipeline("training", TRAINING.partition("def create_pipeline")[0] + NODES)
    project.write_models(
        {"prices": {**MODEL, "verify": False}}, **({} if partial_runs is None else {"partial_runs": partial_runs})
    )


def manifest(model: LoggedModel) -> dict[str, Any]:
    """Give a model's manifest."""
    content = (Path(model.artifact_location.removeprefix("file://")) / "manifest.json").read_text(encoding="utf-8")
    read: dict[str, Any] = json.loads(content)
    return read


@pytest.mark.parametrize(("options", "why"), PARTIAL, ids=["from-nodes", "tags", "to-nodes", "only-missing-outputs"])
def test_a_partial_run_is_not_packaged_and_says_why(
    project: KedroProject,
    client: MlflowClient,
    records: list[logging.LogRecord],
    options: dict[str, Any],
    why: str,
) -> None:
    """It leaves no run and no model, and one WARNING names what it does not produce, and what to do."""
    write(project, None)
    project.run()
    records.clear()

    project.run(pipelines=["training"], **options)

    (record,) = records
    assert record.levelname == "WARNING"
    assert f"'prices' will not be packaged: this run {why}{REMEDY}" == record.getMessage()
    assert 1 == len(models(client))


def test_a_run_that_finds_no_outputs_is_whole(project: KedroProject, client: MlflowClient) -> None:
    """`--only-missing-outputs` skips nothing where nothing is there."""
    write(project, None)

    project.run(only_missing_outputs=True)

    (model,) = models(client)
    assert {"model": True, "scaler": True} == {
        entry["name"]: entry["from_this_run"] for entry in manifest(model)["artifacts"]
    }


def test_a_partial_run_can_be_an_error(project: KedroProject, client: MlflowClient) -> None:
    """It stops before its first node, with one fault a pair."""
    write(project, "error")
    pair = {**MODEL, "verify": False}
    project.write_models({"prices": pair, "costs": pair}, partial_runs="error")
    project.run(pipelines=["data_processing"])

    with pytest.raises(PreflightError) as raised:
        project.run(pipelines=["training"], tags=["scaling"])

    assert tuple(
        f"autolog_pipeline.models.{name}: this run does not produce 'model'{REMEDY}" for name in ("prices", "costs")
    ) == tuple(sorted(raised.value.faults, reverse=True))
    assert not (project.path / "data" / "scaler.pkl").exists()
    assert [] == models(client)


@pytest.mark.parametrize("filtered", [True, False])
def test_a_partial_run_can_be_packaged(
    project: KedroProject, client: MlflowClient, records: list[logging.LogRecord], *, filtered: bool
) -> None:
    """The manifest tells which artifacts are older than the run, be they left out by a filter or found by Kedro."""
    write(project, "package")
    project.run()
    records.clear()

    if filtered:
        project.run(pipelines=["training"], from_nodes=["fit_model"])
        older, newer = "scaler", "model"
    else:
        (project.path / "data" / "scaler.pkl").unlink()
        project.run(pipelines=["training"], only_missing_outputs=True)
        older, newer = "model", "scaler"

    before, newest = models(client)
    assert newest.status == before.status == "READY"
    content = manifest(newest)
    assert {older: False, newer: True} == {entry["name"]: entry["from_this_run"] for entry in content["artifacts"]}
    assert [before.source_run_id] == [
        entry["written_by"]["run_id"] for entry in content["artifacts"] if entry["name"] == older
    ]
    assert [None] == [entry["written_by"] for entry in content["artifacts"] if entry["name"] == newer]
    said = f"run {str(before.source_run_id)[:8]}, {datetime.now(timezone.utc):%d %b %Y}"
    assert f"| {said} |" in newest.tags["mlflow.note.content"]
    note = f"This run did not produce '{older}' ({said}): what was there before is packaged."
    assert note in content["notes"]
    assert any(record.levelname == "WARNING" and note in record.getMessage() for record in records)
    (digest,), (earlier,) = (
        [entry["sha256"] for entry in manifest(model)["artifacts"] if entry["name"] == older]
        for model in (newest, before)
    )
    assert earlier == digest


@pytest.mark.parametrize("is_locked", [True, False])
def test_a_partial_run_without_its_other_artifacts_stops_before_its_first_node(
    project: KedroProject, client: MlflowClient, *, is_locked: bool
) -> None:
    """What it does not produce must be there before it begins."""
    write(project, "package")
    if is_locked:
        project.write("datasets.py", LOCKED)
        locked = {"type": f"{project.package}.datasets.Locked", "filepath": "data/model.json"}
        project.write_config("catalog", {**CATALOG, "model": locked})
    project.run(pipelines=["data_processing"])

    with pytest.raises(PreflightError) as raised:
        project.run(pipelines=["training"], tags=["scaling"])

    (mistake,) = raised.value.faults
    assert mistake.startswith(
        "autolog_pipeline.models.prices: this run does not produce 'model', and "
        + ("whether there is one cannot be seen (Failed during exists check" if is_locked else "there is none yet.")
    )
    assert mistake.endswith(". Run the whole pipeline 'training' first.")
    assert not (project.path / "data" / "scaler.pkl").exists()
    assert [] == models(client)
