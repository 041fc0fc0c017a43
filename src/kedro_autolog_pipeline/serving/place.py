"""Find the package of a model again, wherever the model was sent to."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.models import Model

from kedro_autolog_pipeline.errors import ModelLoadError
from kedro_autolog_pipeline.serving.integrity import manifest_digest

_LOGGED_MODEL = "models:/"


@attrs.frozen
class PackagePlace:
    """Where a package is.

    Attributes:
        path: Its directory on the machine where it was loaded first.
        digest: SHA-256 of its manifest, hexadecimal; None for one that was not loaded yet, which any package at
            ``path`` is.
        uri: Of the logged model that it is, as its ``MLmodel`` says; None where that names none.
        tracking_uri: Of the server that was in use, without a password; None as long as the model stays where it is.
    """

    path: Path
    digest: str | None = None
    uri: str | None = None
    tracking_uri: str | None = None

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> PackagePlace:
        """Return the place that ``to_state`` wrote down, in this version or an older one."""
        return PackagePlace(Path(state["path"]), state["digest"], state["uri"], state["tracking_uri"])

    def to_state(self) -> dict[str, str | None]:
        """Return the place as plain data, for another process."""
        return {
            "path": str(self.path),
            "digest": self.digest,
            "uri": self.uri,
            "tracking_uri": self.tracking_uri or _without_password(mlflow.get_tracking_uri()),
        }

    def found(self) -> PackagePlace:
        """Return the place where the package is on this machine: its old one, or one that it is downloaded to.

        Raises:
            ModelLoadError: When it is in neither.
        """
        if self.digest is None or _digest(self.path) == self.digest:
            return attrs.evolve(self, digest=_digest(self.path), uri=self.uri or _uri(self.path))
        there = "another package is there" if _digest(self.path) is not None else "there is no such directory"
        if self.uri is None:
            raise ModelLoadError(
                str(self.path),
                f"{there} on this machine, and MLflow knows no logged model to download instead.",
                "Copy the package to this path, or load it here with mlflow.pyfunc.load_model.",
            )
        server = self.tracking_uri or mlflow.get_tracking_uri()
        try:
            path = _downloaded(self.uri, server)
        except (MlflowException, OSError) as error:
            raise ModelLoadError(
                str(self.path),
                f"{there} on this machine, and '{self.uri}' cannot be downloaded from '{server}' ({error}).",
                "Make one of them reachable from this machine, with the credentials in its environment.",
            ) from error
        if _digest(path) != self.digest:
            _downloaded.cache_clear()
            raise ModelLoadError(
                str(self.path),
                f"{there} on this machine, and what '{server}' has as '{self.uri}' is another one.",
                "Load it here with mlflow.pyfunc.load_model.",
            )
        return attrs.evolve(self, path=path)


@cache
def _downloaded(uri: str, tracking_uri: str) -> Path:
    """Download a logged model, whose id is that of no other; once per process, for each task may bring a model."""
    # Of a URI of this kind, MLflow asks the process's own server.
    model = MlflowClient(tracking_uri).get_logged_model(uri.removeprefix(_LOGGED_MODEL))
    return Path(mlflow.artifacts.download_artifacts(artifact_uri=model.artifact_location, tracking_uri=tracking_uri))


def _digest(package: Path) -> str | None:
    try:
        return manifest_digest(package)
    except OSError:
        return None


def _uri(package: Path) -> str | None:
    try:
        model_id = Model.load(str(package)).model_id
    except (MlflowException, OSError):
        return None
    return None if model_id is None else f"{_LOGGED_MODEL}{model_id}"


def _without_password(uri: str) -> str:
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if parts.netloc else uri
