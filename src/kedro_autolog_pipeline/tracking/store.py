"""Configuration comes in, the tracking server that a Kedro run uses goes out."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from kedro_autolog_pipeline.config import ServerConfig

if TYPE_CHECKING:
    from mlflow import MlflowClient

DATABASE_FILE = "mlflow.db"
# The name that an MLflow server uses; "mlruns" is a store of its own to MLflow before 3.7.
ARTIFACTS_DIRECTORY = "mlartifacts"
_SQLITE = "sqlite:///"


@attrs.frozen
class Store:
    """Where a Kedro run's MLflow run, models and registered models are.

    Attributes:
        tracking_uri: The tracking server.
        registry_uri: The model registry; None when it is the tracking server.
        artifact_root: Where experiments that we make keep their files; None leaves it to the tracking server.
    """

    tracking_uri: str
    registry_uri: str | None
    artifact_root: str | None

    def client(self) -> MlflowClient:
        """Give a client of this store, whatever the process's default is."""
        from mlflow import MlflowClient

        return MlflowClient(self.tracking_uri, self.registry_uri)

    def answers(self) -> bool:
        """Tell at once whether the tracking server answers anything, where MLflow would try for minutes."""
        import requests

        if not self.tracking_uri.startswith(("http://", "https://")):
            return True
        try:
            requests.get(f"{self.tracking_uri}/health", timeout=5)
        except (requests.ConnectionError, requests.Timeout):
            return False
        return True


def find_store(server: ServerConfig, project_path: Path) -> Store:
    """Find the tracking server: the configured one, else the process's own, else a database in the project.

    Args:
        server: What the user asked for.
        project_path: The Kedro project, which relative paths in the configuration are relative to.
    """
    import mlflow

    registry_uri = _absolute(server.mlflow_registry_uri, project_path)
    if server.mlflow_tracking_uri is not None:
        tracking_uri = str(_absolute(server.mlflow_tracking_uri, project_path))
    elif mlflow.is_tracking_uri_set():  # type: ignore[no-untyped-call]  # MLflow left its types out
        tracking_uri = mlflow.get_tracking_uri()
    else:
        tracking_uri = f"{_SQLITE}{(project_path / DATABASE_FILE).as_posix()}"
    # Beside a database, MLflow would keep files in the directory where the command happens to run.
    is_database_file = tracking_uri.startswith(_SQLITE)
    artifact_root = (project_path / ARTIFACTS_DIRECTORY).as_uri() if is_database_file else None
    return Store(tracking_uri, registry_uri, artifact_root)


def export_credentials(credentials: Mapping[str, object]) -> None:
    """Make credentials known to MLflow, which reads them from the environment."""
    os.environ.update({name: str(value) for name, value in credentials.items()})


def _absolute(uri: str | None, project_path: Path) -> str | None:
    if uri is None or not uri.startswith(_SQLITE):
        return uri
    # joinpath gives an absolute path as it is.
    return f"{_SQLITE}{project_path.joinpath(uri.removeprefix(_SQLITE)).as_posix()}"


class _ProcessDefault:
    """The process's default store, which nodes that call ``mlflow.log_metric`` write to.

    MLflow keeps it for the whole process, and a Kedro server has several runs at once: the first one in sets it, the
    last one out restores it, so that nothing of a run stays behind it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._tracking_uri: str | None = None
        self._registry_uri: str | None = None

    def enter(self, store: Store) -> None:
        """Make ``store`` the default."""
        import mlflow

        with self._lock:
            if self._users == 0:
                # MLflow's getters answer with a default where nothing was set; its variables do not.
                self._tracking_uri = os.environ.get("MLFLOW_TRACKING_URI")
                self._registry_uri = os.environ.get("MLFLOW_REGISTRY_URI")
            self._users += 1
            mlflow.set_tracking_uri(store.tracking_uri)
            if store.registry_uri is not None:
                mlflow.set_registry_uri(store.registry_uri)

    def leave(self) -> None:
        """Restore the default of before the first ``enter``, when the last one leaves."""
        import mlflow

        with self._lock:
            self._users -= 1
            if self._users == 0:
                mlflow.set_tracking_uri(self._tracking_uri)  # type: ignore[arg-type]  # None unsets it
                mlflow.set_registry_uri(self._registry_uri)  # type: ignore[arg-type]  # None unsets it
                if self._registry_uri is None:
                    os.environ.pop("MLFLOW_REGISTRY_URI", None)


PROCESS_DEFAULT = _ProcessDefault()
