"""Tests of serving.place, and of models that are sent to where they were not loaded."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cloudpickle
import joblib
import mlflow.pyfunc
import pandas as pd
import pytest

from kedro_autolog_pipeline.errors import ModelLoadError
from kedro_autolog_pipeline.serving.manifest import MANIFEST_FILE
from kedro_autolog_pipeline.serving.place import PackagePlace
from model_package import predictor

PACKAGE = Path(__file__).parent.parent / "data" / "packages" / "format_1"

ROWS = pd.DataFrame({"x": [0, 1]})

PICKLERS: dict[str, Callable[[Any], bytes]] = {
    "pickle": pickle.dumps,
    "cloudpickle": cloudpickle.dumps,
    "closure": lambda model: cloudpickle.dumps(lambda rows: model.predict(rows)),  # noqa: PLW0108 - it holds the model
}

FRESH = """
import pickle, sys
from importlib.util import find_spec
import pandas as pd

assert find_spec("shop_of_format_1") is None
with open(sys.argv[1], "rb") as file:
    model = pickle.load(file)
predict = getattr(model, "predict", model)
print(predict(pd.DataFrame({"x": [0, 1]}))["prediction"].tolist())
"""

WORKERS = """
import multiprocessing, sys, warnings
import cloudpickle, joblib
import pandas as pd

ROWS = pd.DataFrame({"x": [0, 1]})

def ask(model):
    return model.predict(ROWS)["prediction"].tolist()

if __name__ == "__main__":
    import mlflow.pyfunc
    model = mlflow.pyfunc.load_model(sys.argv[1], suppress_warnings=True)
    for method in ("fork", "spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            assert [ask(model)] * 4 == pool.map(ask, [model] * 4), method
    assert [ask(model)] * 4 == joblib.Parallel(2)([joblib.delayed(lambda: ask(model))() for _ in range(4)])
    print(ask(model))
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Give a package of the test's own."""
    return Path(shutil.copytree(PACKAGE, tmp_path / "package"))


def load(package: Path) -> Any:
    """Load a package as its users do."""
    return mlflow.pyfunc.load_model(str(package), suppress_warnings=True)


def run_script(script: str, directory: Path, *arguments: str) -> str:
    """Run a script in a process of its own, which knows no project, and give what it prints."""
    (directory / "script.py").write_text(script, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "script.py", *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{directory / 'unused.db'}"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("pickler", PICKLERS)
def test_a_model_travels_to_a_process_that_knows_no_project(package: Path, tmp_path: Path, pickler: str) -> None:
    """What is pickled is what MLflow returns to the user; the fresh process imports nothing but what is installed."""
    pickled = PICKLERS[pickler](load(package))
    (tmp_path / "model.pkl").write_bytes(pickled)

    assert "[-28.0, -25.0]" == run_script(FRESH, tmp_path, "model.pkl")


def test_a_model_travels_to_workers(package: Path, tmp_path: Path) -> None:
    """It is an argument of pools that fork, spawn or have a server, and in a closure of joblib."""
    assert "[-28.0, -25.0]" == run_script(WORKERS, tmp_path, str(package))


def test_a_model_is_written_and_read_by_joblib(package: Path, tmp_path: Path) -> None:
    """The file holds where the package is, and nothing that was loaded."""
    model = load(package)

    joblib.dump(model, tmp_path / "model.joblib")

    assert model.predict(ROWS).equals(joblib.load(tmp_path / "model.joblib").predict(ROWS))
    assert b"slope" not in (tmp_path / "model.joblib").read_bytes()


def test_a_model_that_was_not_loaded_travels(package: Path) -> None:
    """What was sent on before it was asked arrives as what was loaded does."""
    arrived = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(load(package)))))

    assert [-28.0, -25.0] == arrived.predict(ROWS)["prediction"].tolist()


def test_threads_that_ask_a_model_first_load_it_once(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight threads ask a model that has just arrived, and each artifact is read once."""
    from kedro_datasets.json import JSONDataset

    reads: list[object] = []
    read = JSONDataset.load

    def counted(dataset: JSONDataset) -> Any:
        reads.append(dataset)
        return read(dataset)

    monkeypatch.setattr(JSONDataset, "load", counted)
    arrived = pickle.loads(pickle.dumps(load(package)))
    reads.clear()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: arrived.predict(ROWS)["prediction"].tolist(), range(8)))

    assert [[-28.0, -25.0]] * 8 == answers
    assert 1 == len(reads)


def test_a_model_whose_package_is_gone_says_what_to_do(package: Path) -> None:
    """Without a logged model to download, the error names the path, and travels itself."""
    (package / "MLmodel").write_text((package / "MLmodel").read_text().replace("model_id:", "former_id:"))
    arrived = pickle.loads(pickle.dumps(load(package)))
    package.rename(package.with_name("elsewhere"))

    with pytest.raises(ModelLoadError) as raised:
        arrived.predict(ROWS)

    assert str(pickle.loads(pickle.dumps(raised.value))) == (
        f"Cannot load the model in '{package}': there is no such directory on this machine, and MLflow knows no logged "
        "model to download instead. Copy the package to this path, or load it here with mlflow.pyfunc.load_model."
    )


def test_a_model_is_not_loaded_from_another_package_at_its_path(package: Path) -> None:
    """A path may be that of another version on another machine: the model does not answer as that."""
    (package / "MLmodel").write_text((package / "MLmodel").read_text().replace("model_id:", "former_id:"))
    arrived = pickle.loads(pickle.dumps(load(package)))
    manifest = json.loads((package / MANIFEST_FILE).read_text())
    (package / MANIFEST_FILE).write_text(json.dumps({**manifest, "parameters": {"params:offset": 1.5}}))

    with pytest.raises(ModelLoadError, match="another package is there on this machine"):
        arrived.predict(ROWS)


def test_a_logged_model_that_cannot_be_downloaded_is_named(package: Path, tmp_path: Path, clean_mlflow: None) -> None:
    """The error names the model's URI, the server without the password, and the server's answer."""
    database = f"sqlite:///{tmp_path / 'mlflow.db'}"
    mlflow.set_tracking_uri(database)
    arrived = pickle.loads(pickle.dumps(load(package)))
    shutil.rmtree(package)

    with pytest.raises(ModelLoadError) as raised:
        arrived.predict(ROWS)

    uri = "models:/m-77e3f628e33149aebccb6832cc75aab7"
    assert raised.value.cause.startswith(
        f"there is no such directory on this machine, and '{uri}' cannot be downloaded from '{database}' ("
    )
    assert str(raised.value).endswith(
        "Make one of them reachable from this machine, with the credentials in its environment."
    )


def test_a_password_does_not_travel(tmp_path: Path, clean_mlflow: None) -> None:
    """A tracking URI may hold one; the process where the model arrives has its own."""
    mlflow.set_tracking_uri("https://anna:s3cret@tracking.example:5000/mlflow")

    state = PackagePlace(tmp_path).to_state()

    assert "https://tracking.example:5000/mlflow" == state["tracking_uri"]
    assert PackagePlace(tmp_path, tracking_uri=state["tracking_uri"]) == PackagePlace.from_state(state)


def test_a_deep_copy_of_a_model_answers(package: Path) -> None:
    """Copying a model copies where it is."""
    import copy

    model = load(package)

    assert model.predict(ROWS).equals(copy.deepcopy(model).predict(ROWS))


def test_a_model_of_a_relative_path_travels(package: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The path is the one that it was when the model was loaded."""
    monkeypatch.chdir(package.parent)
    model = load(Path(package.name))
    monkeypatch.chdir(tmp_path.parent)

    assert [-28.0, -25.0] == pickle.loads(pickle.dumps(model)).predict(ROWS)["prediction"].tolist()
    assert -28.0 == predictor(package)(ROWS)["prediction"][0]
