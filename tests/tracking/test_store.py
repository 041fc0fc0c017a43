"""Tests of tracking.store."""

from __future__ import annotations

import os
from pathlib import Path

import mlflow
import pytest

from kedro_autolog_pipeline.config import ServerConfig
from kedro_autolog_pipeline.tracking.store import PROCESS_DEFAULT, Store, find_store


@pytest.mark.usefixtures("clean_mlflow")
def test_the_configured_store_comes_before_the_processs_own_and_the_projects(tmp_path: Path) -> None:
    """mlflow.yml wins over MLFLOW_TRACKING_URI, which wins over a database in the project."""
    configured = ServerConfig("http://localhost:1", "http://localhost:2")

    in_project = find_store(ServerConfig(), tmp_path)
    mlflow.set_tracking_uri("http://localhost:3")

    database = f"sqlite:///{tmp_path.as_posix()}/mlflow.db"
    assert in_project == Store(database, None, (tmp_path / "mlartifacts").as_uri())
    assert find_store(ServerConfig(), tmp_path) == Store("http://localhost:3", None, None)
    assert find_store(configured, tmp_path) == Store("http://localhost:1", "http://localhost:2", None)


def test_a_relative_database_is_in_the_project(tmp_path: Path) -> None:
    """`sqlite:///x.db` is the project's, wherever the command runs; an absolute path stays what it is."""
    relative = find_store(ServerConfig("sqlite:///x.db", "sqlite:///y.db"), tmp_path)
    absolute = find_store(ServerConfig("sqlite:////elsewhere/x.db"), tmp_path)

    assert relative.tracking_uri == f"sqlite:///{tmp_path.as_posix()}/x.db"
    assert relative.registry_uri == f"sqlite:///{tmp_path.as_posix()}/y.db"
    assert absolute.tracking_uri == "sqlite:////elsewhere/x.db"


@pytest.mark.usefixtures("clean_mlflow")
def test_the_default_store_is_restored_when_the_last_run_leaves() -> None:
    """Two runs at once share the process's default; nothing of them stays behind."""
    mlflow.set_tracking_uri("http://localhost:1")
    store = Store("http://localhost:2", "http://localhost:3", None)

    PROCESS_DEFAULT.enter(store)
    PROCESS_DEFAULT.enter(store)
    PROCESS_DEFAULT.leave()
    assert mlflow.get_tracking_uri() == "http://localhost:2"
    assert mlflow.get_registry_uri() == "http://localhost:3"

    PROCESS_DEFAULT.leave()
    assert mlflow.get_tracking_uri() == "http://localhost:1"
    assert mlflow.get_registry_uri() == "http://localhost:1"
    assert "MLFLOW_REGISTRY_URI" not in os.environ


@pytest.mark.usefixtures("clean_mlflow")
def test_an_unset_default_store_is_unset_again() -> None:
    """A process that had no default has none afterwards, so that the next project finds its own."""
    PROCESS_DEFAULT.enter(Store("http://localhost:2", None, None))
    PROCESS_DEFAULT.leave()

    assert not mlflow.is_tracking_uri_set()  # type: ignore[no-untyped-call]  # MLflow left its types out
    assert "MLFLOW_TRACKING_URI" not in os.environ
