"""Find the tracking server that a Kedro run uses, and whether it answers."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit
from urllib.request import url2pathname

import attrs

from kedro_autolog_pipeline.config.schema import ServerConfig
from kedro_autolog_pipeline.datasets.locations import public_uri
from kedro_autolog_pipeline.datasets.writability import why_not_filled, why_not_writable
from kedro_autolog_pipeline.errors import TrackingError

if TYPE_CHECKING:
    from mlflow import MlflowClient

DATABASE_FILE = "mlflow.db"
# The name that an MLflow server uses; "mlruns" is a store of its own to MLflow before 3.7.
ARTIFACTS_DIRECTORY = "mlartifacts"
_SQLITE = "sqlite:///"

# Seconds to connect, and to answer then: a server that sleeps while nobody needs it takes some to wake up.
_PATIENCE = (3, 20)


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
        """Make a client of this store, whatever the process's default is."""
        from mlflow import MlflowClient

        return MlflowClient(self.tracking_uri, self.registry_uri)

    @property
    def public_uri(self) -> str:
        """The tracking server, as it may be shown."""
        return public_uri(self.tracking_uri)

    @property
    def is_new(self) -> bool:
        """Whether it is a database file that is not there yet; MLflow makes it when it is first asked anything."""
        database = _database_file(self.tracking_uri)
        return database is not None and not database.exists()

    def answers(self) -> bool:
        """Tell, without MLflow's minutes of retries, whether the tracking server can be asked anything."""
        return why_no_answer(self.tracking_uri) is None

    def why_no_registry(self) -> str | None:
        """Say why the registry cannot hold models of the tracking server; None when it can.

        An MLflow server looks a version's source up in its own tracking store. A database that is the registry alone,
        and Databricks, take what they are given.
        """
        registry = self.registry_uri
        if registry is None or not registry.startswith(("http://", "https://")):
            return None
        if registry.rstrip("/") == self.tracking_uri.rstrip("/"):
            return None
        return (
            f"server.mlflow_registry_uri: '{public_uri(registry)}' cannot register models of '{self.public_uri}': an "
            "MLflow server registers what is in its own tracking store. Leave it out, so that the tracking server is "
            "the registry, or name a database (sqlite:///...) or Databricks (databricks-uc)."
        )

    def why_unwritable(self) -> str | None:
        """Say why experiments that we make cannot keep their files; None when they can, or keep them elsewhere."""
        return None if self.artifact_root is None else why_not_filled(_local_path(self.artifact_root))


def find_store(server: ServerConfig, project_path: Path) -> Store:
    """Find the tracking server: the configured one, else the process's own, else a database in the project.

    Args:
        server: What the user asked for.
        project_path: The Kedro project, which relative paths in the configuration are relative to.
    """
    registry_uri = _absolute(server.mlflow_registry_uri, project_path)
    process_uri = _process_uri()
    if server.mlflow_tracking_uri is not None:
        tracking_uri = str(_absolute(server.mlflow_tracking_uri, project_path))
    elif process_uri is not None:
        tracking_uri = process_uri
    else:
        tracking_uri = _sqlite_uri(project_path / DATABASE_FILE)
    # Beside a database, MLflow would keep files in the directory where the command happens to run.
    is_database_file = tracking_uri.startswith(_SQLITE)
    artifact_root = (project_path / ARTIFACTS_DIRECTORY).as_uri() if is_database_file else None
    return Store(tracking_uri, registry_uri, artifact_root)


def why_no_answer(uri: str) -> str | None:
    """Ask a server once whether it is there; MLflow would ask for minutes.

    Any answer counts, an error as well: what it says of a request of MLflow's, it says to that one. So does a
    connection that TLS does not accept, since MLflow has settings of its own for it.

    Args:
        uri: A tracking server or a model registry.

    Returns:
        The reason why MLflow cannot reach it; None when it can, or when only MLflow knows how to ask.
    """
    database = _database_file(uri)
    if database is not None:
        # SQLite keeps a journal beside it.
        return why_not_writable(database) or why_not_filled(database.parent)
    scheme = urlsplit(uri).scheme
    if scheme in {"http", "https"}:
        return _why_silent(uri)
    is_directory = scheme in {"", "file"} and uri not in {"databricks", "databricks-uc", "uc"}
    return why_not_filled(_local_path(uri)) if is_directory else None


def _process_uri() -> str | None:
    """Return the store that this process was told to use; None when it was told of none."""
    # Nobody can have told MLflow before it was imported, which takes seconds.
    mlflow = sys.modules.get("mlflow")
    if mlflow is None:
        return os.environ.get("MLFLOW_TRACKING_URI") or None
    return str(mlflow.get_tracking_uri()) if mlflow.is_tracking_uri_set() else None


def _why_silent(url: str) -> str | None:
    import requests

    try:
        # As MLflow's own requests, it heeds the proxies that the environment names.
        with requests.get(f"{url.rstrip('/')}/health", timeout=_PATIENCE, stream=True, allow_redirects=False):
            return None
    except requests.exceptions.SSLError:
        return None
    except requests.exceptions.RequestException as error:
        return _first_cause(error)


def _first_cause(error: BaseException) -> str:
    """Return what the operating system said: each layer above it wraps that in a text of its own."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return f"{error}"


def _database_file(uri: str) -> Path | None:
    """Return the file of a SQLite database; None for another store, or one that is in memory."""
    path = _database(uri) if uri.startswith(_SQLITE) else ""
    return Path(path) if path not in {"", ":memory:"} else None


def _local_path(uri: str) -> Path:
    return Path(url2pathname(urlsplit(uri).path) if uri.startswith("file:") else uri)


def _absolute(uri: str | None, project_path: Path) -> str | None:
    if uri is None or not uri.startswith(_SQLITE):
        return uri
    path = _database(uri)
    if path in {"", ":memory:"}:
        return uri
    # joinpath gives an absolute path as it is.
    _, separator, query = uri.partition("?")
    return f"{_sqlite_uri(project_path / path)}{separator}{query}"


def _sqlite_uri(file: Path) -> str:
    """Return the URI of a database file, whose path may hold what means something in a URI.

    Raises:
        TrackingError: When the installed SQLAlchemy has no URI for the path.
    """
    path = file.as_posix()
    # Which characters may be quoted, and which are taken as they are, is another for each version of SQLAlchemy.
    for uri in (f"{_SQLITE}{path}", f"{_SQLITE}{quote(path)}"):
        if _database(uri) == path:
            return uri
    raise TrackingError(
        f"keep a database at '{path}'",
        "the installed SQLAlchemy cannot name a file whose path holds a '?'.",
        "Rename the directory, or name another tracking server in 'server.mlflow_tracking_uri' of mlflow.yml.",
    )


def _database(uri: str) -> str:
    """Return the path in the URI of a SQLite database, as SQLAlchemy reads it."""
    if "%" not in uri:
        return uri.removeprefix(_SQLITE).partition("?")[0]
    # It takes a while to be imported.
    from sqlalchemy.engine import make_url

    return f"{make_url(uri).database or ''}"


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
