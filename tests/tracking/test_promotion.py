"""Tests of tracking.promotion."""

from __future__ import annotations

from pathlib import Path

import pytest

from kedro_autolog_pipeline.errors import TrackingError
from kedro_autolog_pipeline.tracking.logged_model import LoggedModel, logged_model
from kedro_autolog_pipeline.tracking.promotion import Promotion, move_alias, plan_promotion
from kedro_autolog_pipeline.tracking.registered_model import find_aliases, register
from kedro_autolog_pipeline.tracking.run import TrackedRun
from kedro_autolog_pipeline.tracking.stored_model import find_stored_model


@pytest.fixture
def model(run: TrackedRun, tmp_path: Path) -> LoggedModel:
    """Give a READY model that is not registered."""
    (tmp_path / "package").mkdir()
    with logged_model(run, "prices", {}) as model:
        model.upload(tmp_path / "package")
    return model


def plan(model: LoggedModel, uri: str, alias: str = "champion") -> Promotion:
    """Plan to promote what a URI names."""
    client = model.run.store.client()
    return plan_promotion(find_stored_model(uri, client), alias, client)


def test_a_model_that_is_registered_once_needs_no_version(model: LoggedModel) -> None:
    """Its version is found, and the alias moves to it."""
    client = model.run.store.client()
    register(model, "shop-prices", None, {})

    promotion = plan(model, model.uri)
    move_alias(promotion, client)

    assert Promotion("shop-prices", "1", "champion", None) == promotion
    assert {"champion": "1"} == find_aliases("shop-prices", client)


def test_a_model_that_is_not_registered_is_refused(model: LoggedModel) -> None:
    """The message has the call that registers it."""
    with pytest.raises(TrackingError) as raised:
        plan(model, model.uri)

    assert str(raised.value) == (
        f"Cannot promote '{model.uri}': it is no version of a registered model, and an alias points at a version. "
        f"Register it with mlflow.register_model('{model.uri}', '<name>'), and promote that."
    )


def test_a_model_that_is_registered_twice_is_asked_for_by_version(model: LoggedModel) -> None:
    """The message names them."""
    register(model, "shop-prices", None, {})
    register(model, "shop-prices", None, {})

    with pytest.raises(TrackingError, match=r"more than once. Name one of 'models:/shop-prices/\d', 'models:/shop-pr"):
        plan(model, model.uri)
    assert plan(model, "models:/shop-prices/2").version == "2"


def test_an_alias_that_mlflow_refuses_is_refused_first(model: LoggedModel) -> None:
    """Before anything is asked of the registry."""
    with pytest.raises(TrackingError, match=r"'v1' cannot be an alias. MLflow reserves .* Name another alias"):
        plan(model, model.uri, alias="v1")


def test_an_alias_that_moves_meanwhile_stays_where_it_is(model: LoggedModel) -> None:
    """Somebody else has promoted another version since the promotion was planned."""
    client = model.run.store.client()
    register(model, "shop-prices", "champion", {})
    register(model, "shop-prices", None, {})
    promotion = plan(model, "models:/shop-prices/2")
    register(model, "shop-prices", "champion", {})

    with pytest.raises(TrackingError, match="'champion' has moved meanwhile, from version 1 to version 3"):
        move_alias(promotion, client)
    assert {"champion": "3"} == find_aliases("shop-prices", client)
