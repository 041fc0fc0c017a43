"""Tests of tracking.credentials."""

from __future__ import annotations

import os

import pytest

from kedro_autolog_pipeline.tracking.credentials import EXPORTED_CREDENTIALS


def test_credentials_are_in_the_environment_while_any_run_needs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries of credentials.yml are variables, numbers as text, until the last run has left."""
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "before")
    monkeypatch.delenv("MLFLOW_TRACKING_PASSWORD", raising=False)

    EXPORTED_CREDENTIALS.enter({"MLFLOW_TRACKING_USERNAME": "me", "MLFLOW_TRACKING_PASSWORD": 42})
    EXPORTED_CREDENTIALS.enter({"MLFLOW_TRACKING_USERNAME": "you"})
    assert ("you", "42") == (os.environ["MLFLOW_TRACKING_USERNAME"], os.environ["MLFLOW_TRACKING_PASSWORD"])
    EXPORTED_CREDENTIALS.leave()
    assert ("you", "42") == (os.environ["MLFLOW_TRACKING_USERNAME"], os.environ["MLFLOW_TRACKING_PASSWORD"])
    EXPORTED_CREDENTIALS.leave()

    assert "before" == os.environ["MLFLOW_TRACKING_USERNAME"]
    assert "MLFLOW_TRACKING_PASSWORD" not in os.environ


def test_what_is_restored_is_what_was_there_before_this_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A later run restores what is there when it begins, not what an earlier one found."""
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "first")
    EXPORTED_CREDENTIALS.enter({"MLFLOW_TRACKING_USERNAME": "me"})
    EXPORTED_CREDENTIALS.leave()
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "second")

    EXPORTED_CREDENTIALS.enter({"MLFLOW_TRACKING_USERNAME": "me"})
    EXPORTED_CREDENTIALS.leave()

    assert "second" == os.environ["MLFLOW_TRACKING_USERNAME"]
