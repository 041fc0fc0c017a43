"""A model runs the code that it was packaged with, whatever else its process has loaded."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import attrs
import pytest
from mlflow import MlflowClient

from kedro_project import CATALOG, MODEL, KedroProject, write_project

DATASETS = """
import json
from pathlib import Path
from kedro.io import AbstractDataset

class JSONFileDataset(AbstractDataset):
    def __init__(self, filepath):
        self._filepath = filepath

    def load(self):
        return {{**json.loads(Path(self._filepath).read_text()), "version": {version}}}

    def save(self, data):
        Path(self._filepath).write_text(json.dumps(data))

    def _describe(self):
        return {{}}
"""

SCALER = """
class Scaler:
    def __init__(self, mean):
        self.mean = mean

    def version(self):
        return {version}
"""

TRAINING = """
from kedro.pipeline import Pipeline, node
from {package}.scaler import Scaler

def fit_scaler(table):
    return Scaler(float(table["x"].mean()))

def fit_model(table):
    return {{"slope": 1.0}}

def create_pipeline(**kwargs):
    return Pipeline([node(fit_scaler, "table", "scaler"), node(fit_model, "table", "model")])
"""

INFERENCE = """
from kedro.pipeline import Pipeline, node
from {package} import versions

def predict(instances, scaler, model):
    from {package}.late import VERSION

    found = {{
        "function": {version},
        "module": versions.VERSION,
        "class in a pickle": scaler.version(),
        "dataset": model["version"],
        "imported when called": VERSION,
    }}
    return instances.assign(**found)

def create_pipeline(**kwargs):
    return Pipeline([node(predict, ["instances", "scaler", "model"], "predictions")])
"""

ANSWERS_OF_A_CLASS = """
from dataclasses import dataclass
from kedro.pipeline import Pipeline, node

@dataclass(frozen=True)
class Answer:
    total: float

def predict(instances, scaler, model):
    return Answer(float(instances["x"].sum()))

def create_pipeline(**kwargs):
    return Pipeline([node(predict, ["instances", "scaler", "model"], "answer")])
"""

SCORE = """
import json, logging, sys, warnings

package, source, *models = sys.argv[1:]
if source:
    from pathlib import Path
    from kedro.framework.project import pipelines
    from kedro.framework.startup import bootstrap_project
    bootstrap_project(Path(source))
    sorted(pipelines.items())

warnings.simplefilter("ignore")
import mlflow, pandas as pd

def own():
    return {name: module for name, module in sys.modules.items() if name.partition(".")[0] == package}

before = own()
loaded = [mlflow.pyfunc.load_model(model) for model in models]
unchanged = [own() == before]
answers = []
for model in loaded * 2:
    answers.append(model.predict(pd.DataFrame({"x": [1, 2]})).iloc[0, 1:].tolist())
unchanged.append(own() == before)
print(json.dumps({"answers": answers, "unchanged": unchanged, "modules": len(before)}))
"""

PICKLE = """
import multiprocessing, pickle, sys
import mlflow, pandas as pd

if __name__ == "__main__":
    model = mlflow.pyfunc.load_model(sys.argv[1])
    answer = model.predict(pd.DataFrame({"x": [1, 2]}))
    assert answer == pickle.loads(pickle.dumps(answer))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert answer == pool.apply(type(answer), (3.0,))
    print(type(answer).__module__, answer)
"""


@attrs.frozen
class Shop:
    """A project whose source has changed after each of two trainings.

    Attributes:
        project: The project; its source is that of version 3.
        models: Directories of the models of version 1 and 2.
    """

    project: KedroProject
    models: tuple[str, str]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Shop:
    """Give a project with the models of two versions of its source, and a third one in its files."""
    project = write_shop(tmp_path_factory.mktemp("shop"), migrated_database)
    packages = []
    for version in (1, 2):
        write_version(project, version)
        done = project.run_command()
        assert done.returncode == 0, done.stderr
        packages.append(newest_model(project))
    write_version(project, 3)
    return Shop(project, (packages[0], packages[1]))


def write_shop(directory: Path, database: Path) -> KedroProject:
    """Write a project with a dataset class of its own, and a class in an artifact."""
    project = write_project(directory)
    shutil.copy(database, project.path / "mlflow.db")
    own = {"type": f"{project.package}.datasets.JSONFileDataset", "filepath": "data/model.json"}
    project.write_config("catalog", {**CATALOG, "model": own})
    project.write_config("parameters", {})
    return project


def write_version(project: KedroProject, version: int) -> None:
    """Write all source that tells its version."""
    texts = {"datasets.py": DATASETS, "scaler.py": SCALER, "pipelines/inference/__init__.py": INFERENCE}
    texts |= dict.fromkeys(("versions.py", "late.py"), "VERSION = {version}")
    texts["pipelines/training/__init__.py"] = TRAINING
    for path, text in texts.items():
        project.write(path, text.format(version=version, package=project.package))


def newest_model(project: KedroProject) -> str:
    """Give the directory of the newest model of a project, which is READY."""
    client = MlflowClient(f"sqlite:///{project.path / 'mlflow.db'}")
    experiments = [each.experiment_id for each in client.search_experiments()]
    newest = max(client.search_logged_models(experiments), key=lambda model: model.creation_timestamp)
    assert newest.status == "READY"
    assert newest.tags["kedro_autolog_pipeline.verification"] == "reproduced"
    return str(newest.artifact_location).removeprefix("file://")


def run_script(script: str, directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own, which finds nothing of any project by itself."""
    file = directory / "script.py"
    file.write_text(script)
    done = subprocess.run(
        [sys.executable, str(file), *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{directory / 'unused.db'}"},
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
@pytest.mark.parametrize("place", ["elsewhere", "in the project"])
def test_each_model_answers_by_the_code_it_was_packaged_with(
    shop: Shop, tmp_path: Path, order: tuple[int, int], place: str
) -> None:
    """Functions, classes in pickles, dataset classes and late imports: all are of the model's own version."""
    source = str(shop.project.path) if place == "in the project" else ""

    done = run_script(SCORE, tmp_path, shop.project.package, source, *(shop.models[number - 1] for number in order))

    result = json.loads(done.stdout.splitlines()[-1])
    assert [[number] * 5 for number in order * 2] == result["answers"]
    # Where the process has no modules of its own by these names, they are the models'.
    assert [bool(source)] * 2 == result["unchanged"]
    assert bool(source) == (result["modules"] > 0)
    assert "may run code" not in done.stderr


def test_one_model_in_the_project_answers_by_its_own_code(shop: Shop, tmp_path: Path) -> None:
    """A project that has gone on loads a model of an earlier version, and keeps its own modules."""
    done = run_script(SCORE, tmp_path, shop.project.package, str(shop.project.path), shop.models[0])

    result = json.loads(done.stdout.splitlines()[-1])
    assert [[1] * 5] * 2 == result["answers"]
    assert [True, True] == result["unchanged"]
    assert result["modules"] > 0


def test_answers_of_a_class_of_the_project_are_proven_and_travel_on(tmp_path: Path, migrated_database: Path) -> None:
    """A fresh process hands such an answer back to its training, and one that serves the model to its workers."""
    project = write_shop(tmp_path / "shop", migrated_database)
    write_version(project, 1)
    project.write_pipeline("inference", ANSWERS_OF_A_CLASS)
    project.write_models({"prices": {**MODEL, "signature": "none"}})
    done = project.run_command()
    assert done.returncode == 0, done.stderr
    package = newest_model(project)

    done = run_script(PICKLE, tmp_path, package)

    assert f"{project.package}.pipelines.inference Answer(total=3.0)" == done.stdout.splitlines()[-1]
