"""These tests need kedro-mlflow and run by `make test-beside`: its hook would be in the runs of all other tests."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

collect_ignore_glob = [] if find_spec("kedro_mlflow") else ["test_*.py"]


@pytest.fixture(autouse=True)
def _no_experiment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the experiment that kedro-mlflow has set for the process: MLflow has no public way to unset it."""
    monkeypatch.setattr("mlflow.tracking.fluent._active_experiment_id", None)
