"""What a fresh process is to import is what the package will hold."""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Collection
from pathlib import Path
from types import ModuleType
from typing import Any

import mlflow
import pytest
from fsspec.implementations.local import LocalFileSystem
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline, node

from installed import install
from kedro_autolog_pipeline.config.schema import ModelConfig
from kedro_autolog_pipeline.datasets.locations import Location
from kedro_autolog_pipeline.pairing.pair import Pair
from kedro_autolog_pipeline.preflight.forecast import ExpectedInput, Presence
from kedro_autolog_pipeline.run.kedro_run import KedroRun
from kedro_autolog_pipeline.serving.manifest import Origin, PathArgument
from kedro_autolog_pipeline.verification.import_check import ImportCheck, plan_import_check

PIPELINE = """
import threading

def predict(instances):
    return instances

def cannot_be_pickled(instances, lock=threading.Lock()):
    return instances

cannot_be_pickled.__qualname__ = "somewhere.else"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a project with one module, ``check_shop``, importable in this process."""
    (tmp_path / "check_shop.py").write_text(PIPELINE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "check_shop", raising=False)
    return tmp_path


def shop() -> ModuleType:
    """Give the project's module."""
    return __import__("check_shop")


def plan(project: Path, *functions: Any, artifacts: Collection[ExpectedInput] = (), **options: Any) -> ImportCheck:
    """Plan the check of a pipeline that makes calls of functions, one after the other."""
    config = ModelConfig(name="prices", training="training", inference="inference", **options)
    names = ["instances", *(f"step_{number}" for number, _ in enumerate(functions))]
    inference = Pipeline(
        [
            node(function, read, written, name=f"node_{number}")
            for number, (function, read, written) in enumerate(zip(functions, names, names[1:], strict=False))
        ]
    )
    pair = Pair(config, Pipeline([]), inference, {"instances": Origin.REQUEST})
    run = KedroRun("1", ("training",), project, False, Pipeline([]), DataCatalog())  # noqa: FBT003 - as in the class
    return plan_import_check(pair, artifacts, run)


def test_the_code_that_the_functions_are_in_is_staged(project: Path, tmp_path: Path) -> None:
    """A process finds the shipped code, each function by its path or as its pickle, and takes all that is installed."""
    check = plan(project, shop().predict, lambda instances: instances, shop().cannot_be_pickled)

    staged = json.loads(json.dumps(check.stage(tmp_path / "imports", sys.path)))

    model, function, pickled = staged["functions"]
    assert ["the model itself", "kedro_autolog_pipeline.serving.model", False] == model
    assert ["the function of node 'node_0', check_shop:predict", "check_shop:predict", False] == function
    assert ("the function of node 'node_1', functions/1.pkl", True) == (pickled[0], pickled[2])
    assert 7 == pickle.loads(Path(pickled[1]).read_bytes())(7)
    assert PIPELINE == (Path(staged["code"]) / "check_shop.py").read_text(encoding="utf-8")
    assert "check_shop" in staged["shipped"]
    assert staged["declared"] is None


def test_the_code_of_a_dataset_is_staged(project: Path) -> None:
    """A class of the project's own loads an artifact where the project is not."""
    (project / "check_io.py").touch()
    location = Location(LocalFileSystem(), "model", PathArgument.FILEPATH, {"type": "check_io.Blob"})
    artifact = ExpectedInput("model", Origin.TRAINED, "check_io.Blob", location, Presence.PRODUCED)

    check = plan(project, shop().predict, artifacts=[artifact])

    assert {"check_io", "check_shop"} <= {entry.module for entry in check.code}


def test_a_list_of_requirements_is_held_against_the_imports(project: Path, tmp_path: Path) -> None:
    """What the user lists is final; what is found may grow with the artifacts, and Conda has a list of its own."""
    fixed = plan(project, shop().predict, pip_requirements=["gulls==1.0"])
    site = tmp_path / "site"
    for name in ("mlflow", "gulls"):
        install(site, name, {})

    assert (f"mlflow=={mlflow.__version__}", "gulls==1.0") == fixed.requirements
    assert ["gulls", "mlflow"] == fixed.stage(tmp_path / "imports", [str(site)])["declared"]
    assert plan(project, shop().predict, extra_pip_requirements=["gulls"]).requirements is None
    assert plan(project, shop().predict, conda_env={"dependencies": []}).requirements is None


def test_code_that_the_user_names_takes_the_place_of_what_is_found(project: Path) -> None:
    """As in the package."""
    (project / "other.py").touch()

    check = plan(project, shop().predict, code_paths=["other.py"])

    assert "other" in [entry.module for entry in check.code]
    assert "check_shop" not in [entry.module for entry in check.code]
