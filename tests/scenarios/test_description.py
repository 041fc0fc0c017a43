"""What MLflow's pages say of a model, and that what they offer to paste works, on a real project."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from kedro_autolog_pipeline.errors import NotPackagedError
from kedro_project import INFERENCE, MODEL, KedroProject
from mlflow_store import models
from scoring_application import invoke

NOTE = "mlflow.note.content"


def test_what_the_page_of_a_ready_model_offers_to_paste_works(
    project: KedroProject, client: MlflowClient, tmp_path: Path
) -> None:
    """In a process without the project, and by the request that it shows; the version's page says the same."""
    project.write_models({"prices": {**MODEL, "registered_model_name": "prices", "alias": "champion"}})

    project.run()

    (model,) = models(client)
    page = model.tags[NOTE]
    assert page == client.get_model_version_by_alias("prices", "champion").description
    (program,) = re.findall(r"```python\n(.*?)\n```", page, re.DOTALL)
    subprocess.run([sys.executable, "-I", "-c", program], cwd=tmp_path, check=True, timeout=300)
    (post,) = [line for line in page.splitlines() if line.startswith("curl ")]
    response = invoke(mlflow.pyfunc.load_model(f"models:/{model.model_id}"), json.loads(shlex.split(post)[-1]))
    assert 200 == response.status_code, response.text
    assert "- The same over HTTP: yes" in page
    assert "| `model` | " in page


def test_the_page_of_a_failed_model_says_why_and_how_to_try_again(project: KedroProject, client: MlflowClient) -> None:
    """MLflow's UI shows no other tag of a logged model."""
    failing = '    raise ValueError("no <price>")\n    return (scaled'
    project.write_pipeline("inference", INFERENCE.replace("    return (scaled", failing))
    project.run(pipelines=["data_processing"])

    with pytest.raises(NotPackagedError):
        project.run(pipelines=["training"])

    (model,) = models(client)
    assert "FAILED" == model.status
    page = model.tags[NOTE]
    assert page.startswith("**FAILED.** Cannot ")
    assert "no &lt;price&gt;" in page
    assert page.endswith(f"```bash\nkedro autolog package --run-id {model.source_run_id}\n```")
