"""Find a model that a tracking server holds by its URI: what was noted of it, and its files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

import attrs

from kedro_autolog_pipeline.errors import TrackingError
from kedro_autolog_pipeline.tracking.refusals import explain_refusal
from kedro_autolog_pipeline.tracking.tags import MANIFEST_TAG

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel
    from mlflow.entities.model_registry import ModelVersion

URI_FORMS = "Name it as models:/<model id>, models:/<name>/<version> or models:/<name>@<alias>."
"""What to do about a URI of another form, one sentence."""

_URI = re.compile(r"models:/(?:(?P<model_id>m-\w+)|(?P<name>[^/@]+)(?:/(?P<version>\d+)|@(?P<alias>[^/@]+)))")


@attrs.frozen
class StoredModel:
    """A logged model on a tracking server.

    Attributes:
        uri: The URI that it was asked for by.
        model_id: Its id.
        name: Its name, as it was logged.
        registered_name: The registered model that was asked for; None when it was asked for by its id.
        version: The registered version that was asked for; None likewise.
        run_id: The run that it belongs to; None when it belongs to none.
        is_ready: Whether it is READY.
        location: URI of its files in the artifact store.
        digests: SHA-256 of its manifest as it was noted when it was packaged, by where it was noted ("the logged
            model", "version 3 of 'prices'"); None where nothing is noted.
        parameters: Of its run, as text by name.
        metrics: The last value of each that is linked to it, by name.
    """

    uri: str
    model_id: str
    name: str
    registered_name: str | None
    version: str | None
    run_id: str | None
    is_ready: bool
    location: str
    digests: Mapping[str, str | None]
    parameters: Mapping[str, str]
    metrics: Mapping[str, float]

    def files(self, directory: Path, tracking_uri: str, path: str = "") -> Path:
        """Return the directory of its files: where they are, on this machine, or a download.

        Args:
            directory: An empty directory to download into.
            tracking_uri: The tracking server that knows it.
            path: A file or directory among them, if it alone is wanted, with forward slashes.

        Raises:
            MlflowException: When they cannot be downloaded.
            OSError: When one cannot be written.
        """
        from mlflow.artifacts import download_artifacts

        place = urlsplit(self.location)
        if place.scheme in {"", "file"}:
            # A copy would have files in the place of links.
            return Path(url2pathname(place.path) if place.scheme else self.location, path)
        # Of a URI that begins with models:/, MLflow asks the process's own server.
        uri = f"{self.location.rstrip('/')}/{path}".rstrip("/")
        return Path(download_artifacts(artifact_uri=uri, dst_path=str(directory), tracking_uri=tracking_uri))


def recorded_metrics(model_id: str, digest: str, client: MlflowClient) -> dict[str, float]:
    """Return the metrics of a logged model that were taken on the same rows, by name; the newest of each.

    Args:
        model_id: Its id.
        digest: What MLflow calls the rows.
        client: Of the tracking server.

    Raises:
        MlflowException: When the server does not answer.
    """
    metrics = client.get_logged_model(model_id).metrics or []
    of_rows = [metric for metric in metrics if metric.dataset_digest == digest]
    return {metric.key: metric.value for metric in sorted(of_rows, key=lambda metric: metric.timestamp)}


def find_stored_model(uri: str, client: MlflowClient) -> StoredModel:
    """Find a model.

    Args:
        uri: ``models:/<model id>``, ``models:/<name>/<version>`` or ``models:/<name>@<alias>``.
        client: Of the tracking server and its registry.

    Raises:
        TrackingError: When the URI has another form, or there is no such model.
    """
    from mlflow.entities import LoggedModelStatus
    from mlflow.exceptions import MlflowException

    asked = _URI.fullmatch(uri)
    if asked is None:
        raise TrackingError(
            f"find '{uri}'",
            "it is not the URI of one logged model or registered version.",
            URI_FORMS,
        )
    name, model_id = asked["name"], asked["model_id"]
    digests: dict[str, str | None] = {}
    number: str | None = None
    try:
        if name is not None:
            version = (
                client.get_model_version(name, asked["version"])
                if asked["alias"] is None
                else client.get_model_version_by_alias(name, asked["alias"])
            )
            model_id = model_of_version(version)
            number = str(version.version)
            digests[f"version {number} of '{name}'"] = version.tags.get(MANIFEST_TAG)
        if model_id is None:
            raise TrackingError(
                f"find '{uri}'",
                "it was registered from files, and not from a logged model.",
                "Register the logged model.",
            )
        model = client.get_logged_model(model_id)
    except MlflowException as error:
        refusal = explain_refusal(error, "Name the tracking server by --tracking-uri or MLFLOW_TRACKING_URI.")
        raise TrackingError(f"find '{uri}'", refusal.cause, refusal.remedy) from error
    digests["the logged model"] = model.tags.get(MANIFEST_TAG)
    return StoredModel(
        uri=uri,
        model_id=model.model_id,
        name=model.name,
        registered_name=name,
        version=number,
        run_id=model.source_run_id,
        is_ready=model.status == LoggedModelStatus.READY,
        location=model.artifact_location,
        digests=digests,
        parameters=dict(model.params or {}),
        metrics=last_metrics(model),
    )


def model_of_version(version: ModelVersion) -> str | None:
    """Return the id of the logged model that a version is of; None when it was registered from files."""
    # Stores of MLflow's older versions return no id.
    source = _URI.fullmatch(version.source or "")
    return version.model_id or (source and source["model_id"])


def last_metrics(model: LoggedModel) -> dict[str, float]:
    """Return the last value of each metric that is linked to a logged model, by name."""
    ordered = sorted(model.metrics or [], key=lambda metric: (metric.step, metric.timestamp))
    return {metric.key: metric.value for metric in ordered}
