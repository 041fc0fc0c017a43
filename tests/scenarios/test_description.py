"""What MLflow's pages say of a model, and that what they offer to paste works, on a real project."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import git
import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient

from kedro_autolog_pipeline.errors import NotPackagedError
from kedro_project import INFERENCE, MODEL, KedroProject
from local_server import free_port
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
    mlflow.set_tracking_uri(f"sqlite:///{project.path / 'mlflow.db'}")
    response = invoke(mlflow.pyfunc.load_model(f"models:/{model.model_id}"), json.loads(shlex.split(post)[-1]))
    assert 200 == response.status_code, response.text
    assert "- The same over HTTP: yes" in page
    assert "| `model` | " in page
    # MLflow's page lists the datasets of metrics as "Datasets used", and this model's metric was logged without one.
    assert [None] == [metric.dataset_name for metric in model.metrics or ()]
    inputs = client.get_run(str(model.source_run_id)).inputs
    assert inputs is not None
    (trained_on,) = [each.dataset for each in inputs.dataset_inputs]
    assert f"**Trained on** `raw` (digest `{trained_on.digest}`)." in page


def test_a_prediction_is_a_trace_of_the_logged_model_as_its_page_says(
    project: KedroProject, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run itself leaves no trace, whatever the environment says, for no user has asked the model yet."""
    monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", "false")
    monkeypatch.setenv("ENABLE_MLFLOW_TRACING", "true")
    project.run()
    (model,) = models(client)
    experiments = [each.experiment_id for each in client.search_experiments()]
    assert [] == client.search_traces(experiments)
    (variable,) = re.findall(r"With `(\w+)=true` in the environment", model.tags[NOTE])
    assert "ENABLE_MLFLOW_TRACING" == variable

    mlflow.set_tracking_uri(f"sqlite:///{project.path / 'mlflow.db'}")
    mlflow.pyfunc.load_model(f"models:/{model.model_id}").predict(pd.DataFrame({"x": [1]}))

    (trace,) = client.search_traces(experiments)
    assert model.model_id == trace.info.trace_metadata["mlflow.modelId"]
    assert [["instances"], ["instances", "scaler"], ["model", "params:offset", "scaled"]] == [
        sorted(span.inputs) for span in trace.data.spans
    ]


def test_the_commands_that_a_run_ends_with_serve_the_model_and_show_it(project: KedroProject, tmp_path: Path) -> None:
    """They are typed elsewhere as they stand, and a real server answers."""
    (project.path / "mlflow.db").unlink()
    git.Repo.init(project.path).close()

    ended = project.run_command()

    assert 0 == ended.returncode, ended.stderr
    said = ended.stdout.splitlines()
    (place,) = [place for place, line in enumerate(said) if line.startswith("'prices' is READY. A clean process ")]
    look, serve = said[place + 1], said[place + 2].removeprefix("  serve: ")
    assert look == f"  look:  mlflow ui --backend-store-uri sqlite:///{project.path / 'mlflow.db'}"
    assert any(line.startswith("This training is MLflow run ") and line.endswith(look[9:]) for line in said)
    assert "  /mlflow.db\n  /mlartifacts/\n" in ended.stdout
    port = free_port()
    with subprocess.Popen(  # noqa: S602 - it is what a person would type
        f"{serve} --port {port}",
        shell=True,
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as server:
        try:
            answer = asked(f"http://127.0.0.1:{port}/invocations", server)
        finally:
            os.killpg(server.pid, signal.SIGKILL)
    assert {"predictions"} == answer.keys()


def asked(address: str, server: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Ask a server as soon as it answers."""
    body = json.dumps({"dataframe_split": {"columns": ["x"], "data": [[1.0]]}}).encode()
    request = Request(address, body, {"Content-Type": "application/json"})  # noqa: S310 - a server of the test's own
    while server.poll() is None:
        try:
            with urlopen(request, timeout=60) as response:  # noqa: S310 - see above
                content: dict[str, Any] = json.load(response)
                return content
        except URLError:
            time.sleep(0.2)
    pytest.fail(f"The server has ended with {server.returncode}.")


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
