"""Models of the libraries that people train with answer in an environment made of their requirements alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import mlflow.pyfunc
import pandas as pd
import pytest
from mlflow import MlflowClient

from kedro_project import CATALOG, MODEL, write_project
from mlflow_store import models

pytestmark = pytest.mark.libraries

PIPELINE = """
from kedro.pipeline import Pipeline, node

{body}

def create_pipeline(**kwargs):
    return Pipeline([node({function}, {inputs!r}, {output!r})])
"""

ASK = """
import json, sys
import mlflow.pyfunc, pandas as pd

rows = pd.read_json(sys.argv[2], orient="split")
print(json.dumps(pd.Series(mlflow.pyfunc.load_model(sys.argv[1]).predict(rows)["y"]).tolist()))
"""


@attrs.frozen
class Library:
    """A library that trains a model.

    Attributes:
        fit: The body of ``fit(table)``, which returns the model.
        predict: An expression of ``instances`` and ``model`` that gives a list of numbers.
        imports: What predicting imports.
        needed: Distributions that the model must require.
        unwanted: Distributions that training alone needs.
    """

    fit: str
    predict: str = "model.predict(instances).tolist()"
    imports: str = ""
    needed: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()


LIBRARIES = {
    "scikit-learn": Library(
        "from sklearn.linear_model import LinearRegression\n"
        "    return LinearRegression().fit(table[['x']], table['y'])",
        needed=("scikit-learn",),
        unwanted=("xgboost", "lightgbm", "statsmodels"),
    ),
    "xgboost": Library(
        "from xgboost import XGBRegressor\n    return XGBRegressor(n_estimators=5).fit(table[['x']], table['y'])",
        needed=("xgboost",),
        unwanted=("lightgbm", "statsmodels"),
    ),
    "lightgbm": Library(
        "from lightgbm import LGBMRegressor\n"
        "    return LGBMRegressor(n_estimators=5, verbose=-1, min_child_samples=1).fit(table[['x']], table['y'])",
        needed=("lightgbm",),
        unwanted=("xgboost", "statsmodels"),
    ),
    "statsmodels": Library(
        "import statsmodels.api as sm\n    return sm.OLS(table['y'], sm.add_constant(table[['x']])).fit()",
        predict="model.predict(sm.add_constant(instances, has_constant='add')).tolist()",
        imports="import statsmodels.api as sm",
        needed=("statsmodels",),
        unwanted=("xgboost", "lightgbm"),
    ),
    "onnx": Library(
        "from sklearn.linear_model import LinearRegression\n"
        "    from skl2onnx import to_onnx\n"
        "    fitted = LinearRegression().fit(table[['x']].to_numpy('float32'), table['y'])\n"
        "    return to_onnx(fitted, table[['x']].to_numpy('float32')).SerializeToString()",
        predict="session(model).run(None, {'X': instances.to_numpy('float32')})[0].ravel().tolist()",
        imports="from onnxruntime import InferenceSession as session",
        needed=("onnxruntime",),
        unwanted=("skl2onnx", "scikit-learn"),
    ),
}


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_model_answers_where_its_requirements_alone_are_installed(
    tmp_path: Path, clean_mlflow: None, name: str
) -> None:
    """The answers are those of the live pipeline, and what only training needs is not installed."""
    library = LIBRARIES[name]
    project = write_project(tmp_path / "shop")
    store = f"sqlite:///{project.path / 'mlflow.db'}"
    predict = f"{library.imports}\nimport pandas as pd\n\ndef predict(instances, model):\n    return pd.DataFrame("
    project.write_pipeline(
        "training",
        PIPELINE.format(body=f"def fit(table):\n    {library.fit}", function="fit", inputs="table", output="model"),
    )
    project.write_pipeline(
        "inference",
        PIPELINE.format(
            body=f"{predict}{{'y': {library.predict}}})",
            function="predict",
            inputs=["instances", "model"],
            output="predictions",
        ),
    )
    table = pd.DataFrame({"x": [x + 0.5 for x in range(20)], "y": [2.0 * x + 2 for x in range(20)]})
    table.to_csv(project.path / "data" / "table.csv", index=False)
    table[["x"]].to_csv(project.path / "data" / "instances.csv", index=False)
    project.write_config("catalog", CATALOG)
    project.write_config(
        "mlflow", {"server": {"mlflow_tracking_uri": store}, "autolog_pipeline": {"models": {"prices": MODEL}}}
    )

    project.run(pipelines=["training"])

    (model,) = models(MlflowClient(store))
    assert "READY" == model.status
    requirements = Path(mlflow.pyfunc.get_model_dependencies(model.artifact_location))
    required = {line.partition("==")[0].lower() for line in requirements.read_text(encoding="utf-8").split()}
    assert required.issuperset(library.needed)
    assert required.isdisjoint(library.unwanted)
    live: Any = project.run(pipelines=["inference"])["predictions"].load()
    assert pytest.approx(answers(tmp_path, model.artifact_location, requirements, table[["x"]])) == live["y"].tolist()


def answers(directory: Path, location: str, requirements: Path, rows: pd.DataFrame) -> Any:
    """Make an environment of a model's requirements, and have the model answer there."""
    uv = [sys.executable, "-m", "uv"]
    environment = directory / "environment"
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, str(environment)], check=True, timeout=300)
    python = str(environment / "bin" / "python")
    install = [*uv, "pip", "install", "--quiet", "--python", python, "--requirement", str(requirements)]
    subprocess.run(install, check=True, timeout=1200)
    asked = directory / "rows.json"
    rows.to_json(asked, orient="split")
    done = subprocess.run(
        [python, "-I", "-c", ASK, location, str(asked)],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert 0 == done.returncode, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
