"""Fixtures of all tests: a store of their own for each, and nothing of a run left for the next."""

from __future__ import annotations

import logging
import os
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

with warnings.catch_warnings():
    # MLflow warns of its own annotations when it is first imported.
    warnings.simplefilter("ignore")
    import mlflow.pyfunc

# A shared machine may be slow at any example.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

os.environ["KEDRO_DISABLE_TELEMETRY"] = "1"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ.pop("MLFLOW_TRACKING_URI", None)


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a database that MLflow has prepared, to copy: preparing one takes a second."""
    from mlflow import MlflowClient

    directory = tmp_path_factory.mktemp("database")
    with pytest.MonkeyPatch.context() as patch:
        # MLflow makes a directory for artifacts where the process is.
        patch.chdir(directory)
        MlflowClient(f"sqlite:///{directory / 'mlflow.db'}").search_experiments()
    return directory / "mlflow.db"


@pytest.fixture
def clean_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """End every MLflow run that a test leaves open, and restore the process's default store."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    yield
    while mlflow.active_run() is not None:
        mlflow.end_run()
    mlflow.set_tracking_uri(None)  # type: ignore[arg-type]  # None unsets it


@pytest.fixture
def database(tmp_path: Path, migrated_database: Path) -> Path:
    """Give a prepared database of the test's own."""
    return Path(shutil.copy(migrated_database, tmp_path / "mlflow.db"))


class _Messages(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.kept.append(record)


@pytest.fixture
def records() -> Iterator[list[logging.LogRecord]]:
    """Give what our package logs; Kedro replaces the handlers of the root logger, pytest's among them."""
    handler = _Messages()
    logger = logging.getLogger("kedro_autolog_pipeline")
    logger.addHandler(handler)
    yield handler.kept
    logger.removeHandler(handler)
