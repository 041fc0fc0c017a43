"""A real Kedro project with a store of its own for each scenario."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mlflow import MlflowClient

from kedro_project import KedroProject, write_project


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder: pytest hands the items of all folders to each."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.scenario)


@pytest.fixture
def project(
    tmp_path: Path, migrated_database: Path, clean_mlflow: None, monkeypatch: pytest.MonkeyPatch
) -> KedroProject:
    """Give a project whose database is prepared, in the directory of the process."""
    written = write_project(tmp_path / "shop")
    shutil.copy(migrated_database, written.path / "mlflow.db")
    # What a node logs in a run that is not ours goes where MLflow finds itself.
    monkeypatch.chdir(written.path)
    return written


@pytest.fixture
def client(project: KedroProject) -> MlflowClient:
    """Give a client of the project's store."""
    return MlflowClient(f"sqlite:///{project.path / 'mlflow.db'}")
