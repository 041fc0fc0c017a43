"""Tests of tracking.stored_model."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from kedro_autolog_pipeline.errors import TrackingError
from kedro_autolog_pipeline.tracking.logged_model import LoggedModel, logged_model
from kedro_autolog_pipeline.tracking.registered_model import register
from kedro_autolog_pipeline.tracking.run import TrackedRun
from kedro_autolog_pipeline.tracking.stored_model import find_stored_model
from kedro_autolog_pipeline.tracking.tags import MANIFEST_TAG


@pytest.fixture
def model(run: TrackedRun, tmp_path: Path) -> LoggedModel:
    """Give a READY model with a file, registered as version 1 with an alias."""
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "MLmodel").write_text("flavors: {}")
    with logged_model(run, "prices", {}) as model:
        model.upload(tmp_path / "package")
        model.set_tags({"manifest_sha256": "ab"})
    register(model, "shop-prices", "champion", {MANIFEST_TAG: "cd"})
    return model


def test_a_model_has_the_tags_of_what_it_is_asked_for_by(model: LoggedModel) -> None:
    """A version and the logged model have one each."""
    client = model.run.store.client()

    assert {"the logged model": "ab"} == find_stored_model(model.uri, client).digests
    for uri in ("models:/shop-prices/1", "models:/shop-prices@champion"):
        found = find_stored_model(uri, client)
        assert (uri, model.model_id, model.location) == (found.uri, found.model_id, found.location)
        assert {"version 1 of 'shop-prices'": "cd", "the logged model": "ab"} == found.digests


def test_files_are_where_they_are_or_downloaded(model: LoggedModel, tmp_path: Path) -> None:
    """A store on this machine is looked at itself, where a link is still a link."""
    found = find_stored_model(model.uri, model.run.store.client())
    (tmp_path / "download").mkdir()
    server = model.run.store.tracking_uri

    there = found.files(tmp_path / "download", server)
    assert Path(model.location.removeprefix("file://")) == there
    assert there == attrs.evolve(found, location=str(there)).files(tmp_path / "download", server)
    assert [] == list((tmp_path / "download").iterdir())


@pytest.mark.parametrize("uri", ["models:/shop-prices", "models:/shop-prices/Production", "runs:/1/model", "/tmp/m"])  # noqa: S108 - nothing is there
def test_a_uri_that_names_no_one_model_is_refused(model: LoggedModel, uri: str) -> None:
    """The error shows the forms that do."""
    with pytest.raises(TrackingError) as raised:
        find_stored_model(uri, model.run.store.client())

    assert str(raised.value) == (
        f"Cannot find '{uri}': it is not the URI of one logged model or registered version. "
        "Name it as models:/<model id>, models:/<name>/<version> or models:/<name>@<alias>."
    )


@pytest.mark.parametrize("uri", ["models:/m-0123", "models:/shop-prices/2", "models:/no-such@champion"])
def test_a_model_that_is_not_there_is_named(model: LoggedModel, uri: str) -> None:
    """The server's words, and how to name another server."""
    with pytest.raises(TrackingError, match=r"not found.*MLFLOW_TRACKING_URI"):
        find_stored_model(uri, model.run.store.client())


def test_a_version_of_no_logged_model_is_refused(model: LoggedModel) -> None:
    """It was registered from files."""
    client = model.run.store.client()
    client.create_model_version("shop-prices", source=f"{model.location}", run_id=model.run.run_id)

    with pytest.raises(TrackingError, match=r"Cannot find 'models:/shop-prices/2': it was registered from files"):
        find_stored_model("models:/shop-prices/2", client)
