"""kedro-dagster runs a project's pipelines in one process, and calls the hooks that package the model."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient

from kedro_project import write_project
from mlflow_store import models, runs

pytestmark = pytest.mark.backends


def test_a_job_of_kedro_dagster_leaves_a_ready_model(tmp_path: Path) -> None:
    """The definitions are those that `kedro dagster init` writes; the metric of a node is linked to the model."""
    pytest.importorskip("kedro_dagster")
    project = write_project(tmp_path / "shop")
    made = project.command("dagster", "init")
    assert 0 == made.returncode, made.stderr

    done = subprocess.run(
        [
            Path(sys.executable).parent / "dagster",
            *("job", "execute", "--module-name", f"{project.package}.definitions", "--job", "local__default"),
        ],
        cwd=project.path,
        env={**os.environ, "DAGSTER_HOME": f"{tmp_path}", "PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert 0 == done.returncode, done.stdout + done.stderr
    client = MlflowClient(f"sqlite:///{project.path / 'mlflow.db'}")
    (run,) = runs(client)
    assert "FINISHED" == run.info.status
    (model,) = models(client)
    assert "READY" == str(model.status), done.stderr
    assert "reproduced" == model.tags["kedro_autolog_pipeline.verification"]
    assert run.info.run_id == model.source_run_id
    assert ["error"] == [metric.key for metric in model.metrics or ()]
