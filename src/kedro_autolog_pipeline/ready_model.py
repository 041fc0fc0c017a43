"""Give any project a model of a tracking server as a dataset of its catalog."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any, NoReturn

import mlflow
from kedro.io import AbstractDataset, DatasetError
from kedro.utils import find_kedro_project
from mlflow import MlflowClient
from mlflow.pyfunc import PyFuncModel

from kedro_autolog_pipeline.config.schema import ServerConfig
from kedro_autolog_pipeline.tracking.credentials import EXPORTED_CREDENTIALS
from kedro_autolog_pipeline.tracking.store import Store, find_store
from kedro_autolog_pipeline.tracking.stored_model import StoredModel, find_stored_model
from kedro_autolog_pipeline.tracking.tags import TAG_PREFIX

_LOCK = Lock()
_LOADED: dict[tuple[str, str], PyFuncModel] = {}


class ReadyModelDataset(AbstractDataset[NoReturn, PyFuncModel]):
    """A READY model, so that scoring a batch is a node that takes it and rows.

    In ``catalog.yml``::

        price_model:
          type: kedro_autolog_pipeline.ReadyModelDataset
          uri: models:/price@champion
          credentials: mlflow_server

    It is loaded once per process and read-only. A node that loads it in an MLflow run has the model noted in a tag
    of that run, so that it can be seen which version has answered. Models of other libraries can be loaded, too, when
    they are logged models.

    Args:
        uri: ``models:/<model id>``, ``models:/<name>/<version>`` or ``models:/<name>@<alias>``.
        tracking_uri: The tracking server; None means the process's own (``MLFLOW_TRACKING_URI``, or that of the run
            that is open), else the project's ``mlflow.db``.
        credentials: Environment variables that MLflow reads, such as ``MLFLOW_TRACKING_USERNAME``, while the model is
            looked up and loaded; None for none.
        metadata: Anything; it is not read.
    """

    def __init__(
        self,
        *,
        uri: str,
        tracking_uri: str | None = None,
        credentials: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self.metadata = metadata
        self._uri = uri
        self._tracking_uri = tracking_uri
        self._credentials = dict(credentials or {})
        self._found: StoredModel | None = None

    def load(self) -> PyFuncModel:
        """Load the model that the URI names now.

        Raises:
            TrackingError: When there is no such model, or the server does not answer.
            DatasetError: When the model is not READY.
        """
        with EXPORTED_CREDENTIALS.exported(self._credentials):
            store = self._store()
            client = store.client()
            self._found = found = find_stored_model(self._uri, client)
            if not found.is_ready:
                raise DatasetError(f"Cannot load '{self._uri}': it is not READY. Name another version.")
            _note(found, client)
            # One load serves all nodes of a process; a second one would only wait for the first.
            with _LOCK:
                key = (store.tracking_uri, found.model_id)
                if key not in _LOADED:
                    _LOADED[key] = _load(found, store)
                return _LOADED[key]

    def save(self, data: NoReturn) -> NoReturn:  # noqa: ARG002 - there is nothing to be done with it
        """Refuse to save: a training run packages its model by itself.

        Raises:
            DatasetError: Always.
        """
        raise DatasetError(f"Cannot save '{self._uri}': a model is packaged by the run that trains it.")

    def _describe(self) -> dict[str, Any]:
        described: dict[str, Any] = {"uri": self._uri, "tracking_uri": self._tracking_uri}
        if self._found is not None:
            described |= {"version": self._found.version, "model_id": self._found.model_id}
            described |= {"run_id": self._found.run_id}
        return described

    def _exists(self) -> bool:
        with EXPORTED_CREDENTIALS.exported(self._credentials):
            return find_stored_model(self._uri, self._store().client()).is_ready

    def _store(self) -> Store:
        # A relative path in the URI is the project's, as in mlflow.yml.
        project = find_kedro_project(Path.cwd()) or Path.cwd()
        return find_store(ServerConfig(mlflow_tracking_uri=self._tracking_uri), Path(project))


def _note(model: StoredModel, client: MlflowClient) -> None:
    """Note in the MLflow run of this thread, when one is active, which model answers in it."""
    run = mlflow.active_run()
    if run is not None:
        version = "" if model.version is None else f", version {model.version}"
        client.set_tag(run.info.run_id, f"{TAG_PREFIX}scored_with.{model.name}", f"models:/{model.model_id}{version}")


def _load(model: StoredModel, store: Store) -> PyFuncModel:
    directory = Path(tempfile.mkdtemp(prefix="kedro-autolog-pipeline-"))
    # A model may read its files as long as the process lives.
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    loaded: PyFuncModel = mlflow.pyfunc.load_model(str(model.files(directory, store.tracking_uri)))
    return loaded
