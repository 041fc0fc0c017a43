"""The user's document, with today's names of Kedro and MLflow, on a real project."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from kedro_project import KedroProject

SNIPPET = """
import sys

import mlflow
from kedro.framework.project import pipelines
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from mlflow.models import infer_signature

from kedro_autolog_pipeline import KedroPipelineModel

mlflow.set_tracking_uri(sys.argv[2])
bootstrap_project(sys.argv[1])
session = KedroSession.create(project_path=sys.argv[1])

context = session.load_context()
catalog = context.catalog
pipeline = pipelines["inference"]
input_name = "instances"

input_data = catalog.load(input_name)
model_signature = infer_signature(model_input=input_data)

kedro_pipeline_model = KedroPipelineModel(pipeline=pipeline, catalog=catalog, input_name=input_name)

artifacts = kedro_pipeline_model.extract_pipeline_artifacts()

info = mlflow.pyfunc.log_model(
    name="model",
    python_model=kedro_pipeline_model,
    artifacts=artifacts,
    pip_requirements=["kedro"],
    signature=model_signature,
)
print(info.model_uri)
"""

LOAD = """
import json, sys
import mlflow, pandas as pd

mlflow.set_tracking_uri(sys.argv[2])
model = mlflow.pyfunc.load_model(sys.argv[1])
answers = [model.predict(pd.DataFrame({"x": [1, 2]}))["prediction"].tolist() for _ in range(3)]
unwrapped = model.unwrap_python_model()
answers.append(unwrapped.predict(None, pd.DataFrame({"x": [1]}), {"offset": 100})["prediction"].tolist())
print(json.dumps(answers))
"""


def python(program: str, *arguments: str, **environment: str) -> str:
    """Run a program in a process of its own, and give the last line that it prints."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_the_users_snippet_gives_a_model_that_loads_in_another_process(project: KedroProject, tmp_path: Path) -> None:
    """A model logged by hand answers the same each time where the project can be imported, its data being gone."""
    project.write_config("mlflow", {})
    project.run()
    store = f"sqlite:///{project.path / 'mlflow.db'}"
    uri = python(SNIPPET, str(project.path), store)
    for file in (project.path / "data").rglob("*.pkl"):
        file.rename(file.with_suffix(".gone"))

    source = os.pathsep.join([str(project.path / "src"), os.environ.get("PYTHONPATH", "")])
    answers: list[Any] = json.loads(python(LOAD, uri, store, PYTHONPATH=source))

    # The mean of x is 9.5, the slope is 3, and the offset is 0.5.
    assert [[-25.0, -22.0]] * 3 == answers[:3]
    assert [[74.5]] == answers[3:]


ONE_CALL = """
import sys

import mlflow
from kedro.framework.project import pipelines
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

from kedro_autolog_pipeline import log_pipeline

mlflow.set_tracking_uri(sys.argv[2])
bootstrap_project(sys.argv[1])
with KedroSession.create(project_path=sys.argv[1]) as session:
    catalog = session.load_context().catalog
    info = log_pipeline(pipelines["inference"], catalog, input_name="instances", name="prices")
print(info.model_uri)
"""

ELSEWHERE = """
import json, sys
import mlflow, pandas as pd

mlflow.set_tracking_uri(sys.argv[2])
model = mlflow.pyfunc.load_model(sys.argv[1])
signature = model.metadata.signature
rows = pd.DataFrame({"x": [1, 2], "label": [0, 0]})[signature.inputs.input_names()]
print(json.dumps([
    model.predict(rows)["prediction"].tolist(),
    model.predict(rows, params={"offset": 100.0})["prediction"].tolist(),
    signature.outputs.input_names(),
    open(mlflow.pyfunc.get_model_dependencies(sys.argv[1])).read().split(),
]))
"""


def test_one_call_logs_a_model_that_loads_where_the_project_does_not_exist(
    project: KedroProject, tmp_path: Path
) -> None:
    """Its code, requirements and signature are found; a parameter can be overridden."""
    project.write_config("mlflow", {})
    project.run()
    store = f"sqlite:///{project.path / 'mlflow.db'}"

    uri = python(ONE_CALL, str(project.path), store)
    (project.path / "src").rename(tmp_path / "gone")

    answers: list[Any] = json.loads(python(ELSEWHERE, uri, store))
    assert [[-25.0, -22.0], [74.5, 77.5], ["prediction"]] == answers[:3]
    assert {"kedro", "mlflow", "pandas"} <= {line.partition("==")[0] for line in answers[3]}
