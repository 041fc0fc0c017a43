"""Tests of tracking.experiment_models."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow.entities import LoggedModelStatus

from kedro_autolog_pipeline.tracking.experiment_models import RegisteredVersion, find_versions, list_models
from kedro_autolog_pipeline.tracking.logged_model import LoggedModel, logged_model
from kedro_autolog_pipeline.tracking.registered_model import register
from kedro_autolog_pipeline.tracking.run import TrackedRun


def ready_model(run: TrackedRun, tmp_path: Path) -> LoggedModel:
    """Give a READY model without files."""
    (tmp_path / "package").mkdir(exist_ok=True)
    with logged_model(run, "prices", {}) as model:
        model.upload(tmp_path / "package")
    return model


def test_models_have_their_versions_and_the_aliases_of_these(run: TrackedRun, tmp_path: Path) -> None:
    """One that is registered twice has two; a version of the same run's other model is not its own."""
    client = run.store.client()
    client.log_metric(run.run_id, "error", 2.0, step=1)
    client.log_metric(run.run_id, "error", 1.0, step=2)
    first, second = ready_model(run, tmp_path), ready_model(run, tmp_path)
    for model in (first, second, second):
        register(model, "shop-prices", "champion", {})
    client.set_registered_model_alias("shop-prices", "best", "3")

    newest, oldest = list_models(run.experiment_id, 10, client)

    assert (second.uri, first.uri) == (newest.uri, oldest.uri)
    assert (
        RegisteredVersion("shop-prices", "3", ("best", "champion")),
        RegisteredVersion("shop-prices", "2", ()),
    ) == newest.versions
    assert [RegisteredVersion("shop-prices", "1", ())] == find_versions(first.model_id, run.run_id, client)
    assert {"error": 1.0} == newest.metrics


def test_a_failed_model_says_why(run: TrackedRun) -> None:
    """Nothing is proven of it."""
    with pytest.raises(ValueError, match="no disk"), logged_model(run, "prices", {}):
        raise ValueError("no disk")

    (model,) = list_models(run.experiment_id, 10, run.store.client())

    assert (str(LoggedModelStatus.FAILED), "ValueError: no disk", None, ()) == (
        model.status,
        model.failure,
        model.proof,
        model.versions,
    )


def test_the_newest_are_listed_when_there_are_more(run: TrackedRun, tmp_path: Path) -> None:
    """As many as are asked for."""
    models = [ready_model(run, tmp_path) for _ in range(3)]

    found = list_models(run.experiment_id, 2, run.store.client())

    assert [models[2].uri, models[1].uri] == [model.uri for model in found]
