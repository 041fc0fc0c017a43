"""Tests of tracking.names: a real store of MLflow is asked the same question each time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from kedro_autolog_pipeline.config.schema import ModelConfig
from kedro_autolog_pipeline.tracking.names import illegal_names, why_illegal_experiment
from kedro_autolog_pipeline.tracking.store import Store


def mistakes(name: str = "m", **options: Any) -> list[str]:
    """Give what is wrong with the names of a model."""
    return illegal_names(ModelConfig(name, "training", "inference", **options))


def mlflow_takes(call: Callable[..., Any], *arguments: Any, **options: Any) -> bool:
    """Tell whether MLflow takes a name."""
    try:
        call(*arguments, **options)
    except MlflowException:
        return False
    return True


@pytest.fixture
def client(store: Store) -> MlflowClient:
    """Give a client of a store that has the registered model 'registered', with one version."""
    client = store.client()
    client.create_registered_model("registered")
    client.create_model_version("registered", source="file:///nowhere")
    return client


@pytest.mark.parametrize(
    "name", ["species", "a b", "a-b_c", "é", "1", "a/b", "a:b", "a.b", "a%b", 'a"b', "a'b", "a\\b", "a,b"]
)
def test_the_name_of_a_logged_model(client: MlflowClient, name: str) -> None:
    """A logged model has a name that MLflow takes, or a mistake."""
    expected = [
        f"autolog_pipeline.models.{name}: {name!r} cannot name a logged model. MLflow forbids / : . % \" ' in it."
    ]

    assert ([] if mlflow_takes(client.create_logged_model, "0", name) else expected) == mistakes(name)


@pytest.mark.parametrize("name", ["species", "prod.species", "a b", "a%b", ".", "..", "..a", "a/b", "a:b", "..."])
def test_the_name_of_a_registered_model(client: MlflowClient, name: str) -> None:
    """A registered model has a name that MLflow takes, or a mistake; without one there is nothing to judge."""
    found = mistakes(registered_model_name=name)

    assert mlflow_takes(client.create_registered_model, name) == (found == [])
    assert all(
        mistake.startswith(f"autolog_pipeline.models.m.registered_model_name: {name!r} cannot name a registered model.")
        for mistake in found
    )
    assert mistakes(registered_model_name=None) == []


@pytest.mark.parametrize(
    "alias",
    ["champion", "v", "v1a", "blue-green_2", "é", "a" * 255, "a" * 256, "the best", "a.b", "Latest", "v12", "V1"],
    ids=lambda alias: alias[:9] + str(len(alias)),
)
def test_an_alias(client: MlflowClient, alias: str) -> None:
    """An alias is one that MLflow takes, or a mistake."""
    found = mistakes(registered_model_name="registered", alias=alias)

    assert mlflow_takes(client.set_registered_model_alias, "registered", alias, "1") == (found == [])
    assert all(
        mistake.startswith(f"autolog_pipeline.models.m.alias: {alias!r} cannot be an alias.") for mistake in found
    )


@pytest.mark.parametrize(
    "key",
    ["team", "a b", "a/b", "a:b", "a.b-c_d", "é", "a" * 250, "a" * 251, "a!", "a,b", "/a", "a//b", "../a", "."],
    ids=lambda key: key[:9] + str(len(key)),
)
def test_the_key_of_a_tag(client: MlflowClient, key: str) -> None:
    """A registered version has tags that MLflow takes, or a mistake; MLflow judges no tag of a logged model."""
    found = mistakes(registered_model_name="registered", tags={key: "x"})

    assert mlflow_takes(client.set_model_version_tag, "registered", "1", key, "x") == (found == [])
    assert all(mistake.startswith(f"autolog_pipeline.models.m.tags: {key!r} cannot be") for mistake in found)
    assert mlflow_takes(client.create_logged_model, "0", "m", tags={key: "x"})
    assert mistakes(tags={key: "x"}) == []


@pytest.mark.parametrize("length", [1, 500, 501])
def test_the_name_of_an_experiment(client: MlflowClient, length: int) -> None:
    """An experiment has a name that MLflow takes, or a mistake."""
    name = "a" * length
    expected = f"tracking.experiment.name: it has {length} characters. MLflow allows 500."

    assert (None if mlflow_takes(client.create_experiment, name) else expected) == why_illegal_experiment(name)
