"""A store and an open run for the tests of tracking."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kedro_autolog_pipeline.config.schema import TrackingConfig
from kedro_autolog_pipeline.tracking.run import RunStatus, TrackedRun, close_run, open_run
from kedro_autolog_pipeline.tracking.store import Store


@pytest.fixture
def store(database: Path, clean_mlflow: None) -> Store:
    """Give an empty store."""
    return Store(f"sqlite:///{database}", None, (database.parent / "mlartifacts").as_uri())


@pytest.fixture
def run(store: Store) -> Iterator[TrackedRun]:
    """Give an open run."""
    opened = open_run(store, TrackingConfig(), default_experiment="shop", default_name="training", tags={})
    yield opened
    close_run(opened, RunStatus.FINISHED)
