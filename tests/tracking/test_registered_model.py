"""Tests of tracking.registered_model."""

from __future__ import annotations

from pathlib import Path

import pytest

from kedro_autolog_pipeline.errors import TrackingError
from kedro_autolog_pipeline.tracking.logged_model import LoggedModel, logged_model
from kedro_autolog_pipeline.tracking.registered_model import register
from kedro_autolog_pipeline.tracking.run import TrackedRun


def ready_model(run: TrackedRun, tmp_path: Path) -> LoggedModel:
    """Give a READY model with a file."""
    (tmp_path / "package").mkdir(exist_ok=True)
    (tmp_path / "package" / "MLmodel").write_text("flavors: {}")
    with logged_model(run, "prices", {}) as model:
        model.upload(tmp_path / "package")
    return model


def test_each_model_is_a_version_and_the_alias_moves(run: TrackedRun, tmp_path: Path) -> None:
    """The registered model is made at first, and gets a version each time; the alias is at the newest."""
    client = run.store.client()

    first = register(ready_model(run, tmp_path), "shop-prices", "champion", {"team": "shop"})
    newest = ready_model(run, tmp_path)
    second = register(newest, "shop-prices", "champion", {})

    assert (first, second) == ("1", "2")
    assert client.get_model_version("shop-prices", "1").tags == {"team": "shop"}
    version = client.get_model_version_by_alias("shop-prices", "champion")
    assert str(version.version) == "2"
    assert version.source == newest.uri


def test_without_an_alias_none_is_set(run: TrackedRun, tmp_path: Path) -> None:
    """A version alone is registered when no alias is configured."""
    register(ready_model(run, tmp_path), "shop-prices", None, {})

    assert run.store.client().get_registered_model("shop-prices").aliases == {}


def test_a_registry_that_refuses_is_an_error_with_the_remedy(run: TrackedRun, tmp_path: Path) -> None:
    """The model is READY all the same, and the message says how to register it."""
    model = ready_model(run, tmp_path)

    with pytest.raises(TrackingError) as caught:
        register(model, "shop-prices", "latest", {})

    assert str(caught.value).startswith(f"Cannot register '{model.uri}' as 'shop-prices': ")
    assert str(caught.value).endswith(
        f"The model is READY; register it with mlflow.register_model('{model.uri}', 'shop-prices')."
    )
    assert run.store.client().get_logged_model(model.model_id).status == "READY"
