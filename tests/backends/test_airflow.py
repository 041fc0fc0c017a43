"""The page's DAG of Airflow trains the demo with a process for each node, and packages what they leave."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient

from mlflow_store import models, runs
from pages import ROOT, blocks

pytestmark = pytest.mark.backends

AIRFLOW = ROOT / ".venv-airflow" / "bin" / "airflow"
PAGE_PROJECT = "/opt/penguins"


def test_a_dag_with_a_task_for_each_node_leaves_a_ready_model(tmp_path: Path) -> None:
    """The last task packages the run that the first one has opened, and ends it; the metrics are in it."""
    if not AIRFLOW.exists():
        pytest.skip("Airflow is not installed.")
    project = tmp_path / "penguins"
    shutil.copytree(ROOT / "demo" / "src", project / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "demo" / "data" / "01_raw", project / "data" / "01_raw")
    shutil.copytree(ROOT / "conf_example", project / "conf")
    shutil.copy(ROOT / "demo" / "pyproject.toml", project)
    (dag,) = [block.text for block in blocks(ROOT / "docs" / "orchestrators.md") if "airflow.sdk" in block.text]
    home = tmp_path / "airflow"
    (home / "dags").mkdir(parents=True)
    (home / "dags" / "training.py").write_text(dag.replace(PAGE_PROJECT, f"{project}"), encoding="utf-8")
    tracking_uri = f"sqlite:///{project / 'mlflow.db'}"
    env = {
        **os.environ,
        "AIRFLOW_HOME": f"{home}",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "MLFLOW_TRACKING_URI": tracking_uri,
        # The tasks find `python` and `kedro` in the project's environment, which is not Airflow's.
        "PATH": os.pathsep.join([f"{Path(sys.executable).parent}", os.environ["PATH"]]),
    }
    subprocess.run(
        [sys.executable, "-m", "kedro", "run", "--pipelines", "data_processing"],
        cwd=project,
        env=env,
        check=True,
        timeout=300,
    )
    subprocess.run([AIRFLOW, "db", "migrate"], env=env, check=True, timeout=300)

    done = subprocess.run(
        [AIRFLOW, "dags", "test", "training"],
        env=env,
        check=False,
        timeout=600,
        capture_output=True,
        text=True,
    )

    assert 0 == done.returncode, done.stdout + done.stderr
    client = MlflowClient(tracking_uri)
    (run,) = runs(client)
    assert "FINISHED" == run.info.status
    (model,) = models(client)
    assert "READY" == str(model.status), done.stdout
    assert run.info.run_id == model.source_run_id
    assert "reproduced" == model.tags["kedro_autolog_pipeline.verification"]
