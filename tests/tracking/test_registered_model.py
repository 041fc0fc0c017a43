"""Tests of tracking.registered_model."""

from __future__ import annotations

from pathlib import Path

import mlflow
import pytest
from mlflow.exceptions import MlflowException

from kedro_autolog_pipeline.errors import TrackingError
from kedro_autolog_pipeline.tracking.logged_model import LoggedModel, logged_model
from kedro_autolog_pipeline.tracking.registered_model import describe, find_aliases, register, why_not_registered
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


ENTRY = """
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel
from pandas import DataFrame

class Identity(PythonModel):
    def predict(self, context, model_input: DataFrame, params=None):
        return model_input

set_model(Identity())
"""


def test_a_registered_model_has_the_tags_of_one_that_mlflow_logs(run: TrackedRun, tmp_path: Path) -> None:
    """MLflow's page of a logged model shows its versions, its author and its source from these tags alone."""
    client = run.store.client()
    entry = tmp_path / "entry.py"
    entry.write_text(ENTRY)
    theirs = mlflow.pyfunc.log_model(
        name="theirs", python_model=str(entry), registered_model_name="theirs", pip_requirements=["mlflow"]
    )
    ours = ready_model(run, tmp_path)
    register(ours, "ours", None, {})

    expected = client.get_logged_model(theirs.model_id).tags
    tags = client.get_logged_model(ours.model_id).tags
    assert '[{"name": "theirs", "version": 1}]' == expected.pop("mlflow.modelVersions")
    assert '[{"name": "ours", "version": 1}]' == tags["mlflow.modelVersions"]
    assert {"mlflow.user", "mlflow.source.name", "mlflow.source.type"} <= expected.keys()
    assert expected.items() <= tags.items()


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


def test_the_versions_that_aliases_point_at_are_found(run: TrackedRun, tmp_path: Path) -> None:
    """A model that is not registered has none; what the registry refuses otherwise is its own error."""
    client = run.store.client()
    register(ready_model(run, tmp_path), "shop-prices", "champion", {})

    assert find_aliases("shop-prices", client) == {"champion": "1"}
    assert find_aliases("nobody's", client) == {}
    with pytest.raises(MlflowException, match="name"):
        find_aliases("", client)


def test_a_registry_without_users_has_no_objection(run: TrackedRun) -> None:
    """It is not even asked, for MLflow would make a database that is not there yet."""
    assert why_not_registered(run.store, "shop-prices") is None


def test_a_description_changes(run: TrackedRun, tmp_path: Path) -> None:
    """That of the version alone."""
    version = register(ready_model(run, tmp_path), "shop-prices", None, {}, "Before.")

    describe(run, "shop-prices", version, "After.")

    client = run.store.client()
    assert client.get_model_version("shop-prices", version).description == "After."
    assert not client.get_registered_model("shop-prices").description
