"""What a package that `kedro run` made holds, and that it needs nothing else."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts

import kedro_autolog_pipeline
from installed import install
from kedro_project import CATALOG, KedroProject, write_project

SECRET = "s3cr3t-t0ken-0f-the-tr41ning-machine"

TRAINING_WITH_AN_ESTIMATOR = """
import training_only
from kedro.pipeline import Pipeline, node
from sklearn.linear_model import LinearRegression

def fit_scaler(table):
    return {"mean": training_only.mean(table["x"])}

def fit_model(table, scaler):
    return LinearRegression().fit(table[["x"]] - scaler["mean"], table["label"])

def create_pipeline(**kwargs):
    return Pipeline([
        node(fit_scaler, "table", "scaler"),
        node(fit_model, ["table", "scaler"], "model"),
    ])
"""

INFERENCE_WITH_AN_ESTIMATOR = """
from kedro.pipeline import Pipeline, node

def predict(table, scaler, model):
    return model.predict(table[["x"]] - scaler["mean"])

def create_pipeline(**kwargs):
    return Pipeline([node(predict, ["table", "scaler", "model"], "predictions")])
"""


def package_of(project: KedroProject) -> Path:
    """Give the files of the only model of a project, on this machine."""
    client = MlflowClient(f"sqlite:///{project.path / 'mlflow.db'}")
    (model,) = client.search_logged_models([each.experiment_id for each in client.search_experiments()])
    assert model.status == "READY"
    return Path(download_artifacts(model.artifact_location))


def all_bytes(content: bytes) -> Iterator[bytes]:
    """Give a file's content, and what is compressed in it."""
    yield content
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                yield from all_bytes(archive.read(name))
    for decompress in (gzip.decompress, bz2.decompress, lzma.decompress):
        try:
            inner = decompress(content)
        except (OSError, EOFError, ValueError, lzma.LZMAError):
            continue
        if inner:
            yield from all_bytes(inner)


def test_nothing_of_the_training_machine_is_in_a_package(
    project: KedroProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No path of the project, of Python or of our own code, and no environment variable is in any byte of it."""
    monkeypatch.setenv("SHOP_TOKEN", SECRET)
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", SECRET)
    (project.path / "uv.lock").write_text(f"# {SECRET}\n")
    project.run()
    traces = [
        SECRET,
        str(project.path),
        sys.prefix,
        str(Path(kedro_autolog_pipeline.__file__).parents[1]),
        tempfile.gettempdir() + os.sep,
    ]

    found = {
        (file.name, trace)
        for file in package_of(project).rglob("*")
        if file.is_file()
        for content in all_bytes(file.read_bytes())
        for trace in traces
        if trace.encode() in content
    }

    assert found == set()


def test_only_what_inference_needs_is_required_and_that_is_complete(
    project: KedroProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library that training alone imports stays out; one that only a pickled estimator needs is there.

    So is the label of the table that is both trained on and predicted.
    """
    install(tmp_path / "site", "training-only", {"training_only.py": "def mean(x):\n    return float(x.mean())\n"})
    monkeypatch.syspath_prepend(tmp_path / "site")
    project.write_pipeline("training", TRAINING_WITH_AN_ESTIMATOR)
    project.write_pipeline("inference", INFERENCE_WITH_AN_ESTIMATOR)
    project.write_models({"prices": {"training": "training", "inference": "inference", "input_name": "table"}})
    project.write_config("catalog", CATALOG)
    project.run()
    package = package_of(project)

    names = {line.partition("==")[0].lower() for line in (package / "requirements.txt").read_text().splitlines()}
    assert "scikit-learn" in names
    assert "training-only" not in names
    assert not any("training_only" in file.name for file in package.rglob("*"))
    model = mlflow.pyfunc.load_model(str(package))
    schema = model.metadata.get_input_schema()
    assert {name: column.required for name, column in schema.input_dict().items()} == {"x": True, "label": False}
    assert model.predict(pd.DataFrame({"x": [1, 2]})).round(6).tolist() == [4.0, 7.0]


def test_a_project_anywhere_is_packaged_and_proven(
    tmp_path: Path, migrated_database: Path, clean_mlflow: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its path may have spaces and letters of any alphabet."""
    project = write_project(tmp_path / "Größe und 模型" / "mein Laden")
    (project.path / "mlflow.db").write_bytes(migrated_database.read_bytes())
    monkeypatch.chdir(project.path)

    project.run()

    answer = mlflow.pyfunc.load_model(str(package_of(project))).predict(pd.DataFrame({"x": [1]}))
    assert list(answer.columns) == ["prediction"]
