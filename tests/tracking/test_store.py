"""Tests of tracking.store."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import mlflow
import pytest

from kedro_autolog_pipeline.config.schema import ServerConfig
from kedro_autolog_pipeline.tracking.store import (
    PROCESS_DEFAULT,
    Store,
    find_store,
    why_no_answer,
)


@pytest.mark.usefixtures("clean_mlflow")
def test_the_configured_store_comes_before_the_processs_own_and_the_projects(tmp_path: Path) -> None:
    """mlflow.yml wins over MLFLOW_TRACKING_URI, which wins over a database in the project."""
    configured = ServerConfig("http://localhost:1", "http://localhost:2")

    in_project = find_store(ServerConfig(), tmp_path)
    mlflow.set_tracking_uri("http://localhost:3")

    database = f"sqlite:///{tmp_path.as_posix()}/mlflow.db"
    assert in_project == Store(database, None, (tmp_path / "mlartifacts").as_uri())
    assert find_store(ServerConfig(), tmp_path) == Store("http://localhost:3", None, None)
    assert find_store(configured, tmp_path) == Store("http://localhost:1", "http://localhost:2", None)


def test_a_relative_database_is_in_the_project(tmp_path: Path) -> None:
    """`sqlite:///x.db` is the project's, wherever the command runs; an absolute path stays what it is."""
    relative = find_store(ServerConfig("sqlite:///x.db", "sqlite:///y.db"), tmp_path)
    absolute = find_store(ServerConfig("sqlite:////elsewhere/x.db"), tmp_path)

    assert relative.tracking_uri == f"sqlite:///{tmp_path.as_posix()}/x.db"
    assert relative.registry_uri == f"sqlite:///{tmp_path.as_posix()}/y.db"
    assert absolute.tracking_uri == "sqlite:////elsewhere/x.db"


@pytest.mark.usefixtures("clean_mlflow")
@pytest.mark.parametrize("name", ["a?b", "a%41", "a%3Fb", "a #b+c"])
@pytest.mark.parametrize("configured", [None, "sqlite:///mlflow.db"])
def test_a_database_is_in_the_project_whatever_its_path_means_in_a_uri(
    tmp_path: Path, migrated_database: Path, name: str, configured: str | None
) -> None:
    """SQLAlchemy reads a question mark as the end of the path, and a percent sign as a quoted character."""
    project = tmp_path / name
    project.mkdir()
    store = find_store(ServerConfig(configured), project)
    is_new = store.is_new
    shutil.copy(migrated_database, project / "mlflow.db")

    experiment_id = store.client().create_experiment("shop", artifact_location=store.artifact_root)

    assert (True, False) == (is_new, store.is_new)
    assert store.answers()
    with sqlite3.connect(project / "mlflow.db") as database:
        names = database.execute("SELECT name FROM experiments WHERE experiment_id = ?", [experiment_id]).fetchall()
    assert [("shop",)] == names


@pytest.mark.usefixtures("clean_mlflow")
def test_the_default_store_is_restored_when_the_last_run_leaves() -> None:
    """Two runs at once share the process's default; nothing of them stays behind."""
    mlflow.set_tracking_uri("http://localhost:1")
    store = Store("http://localhost:2", "http://localhost:3", None)

    PROCESS_DEFAULT.enter(store)
    PROCESS_DEFAULT.enter(store)
    PROCESS_DEFAULT.leave()
    assert mlflow.get_tracking_uri() == "http://localhost:2"
    assert mlflow.get_registry_uri() == "http://localhost:3"

    PROCESS_DEFAULT.leave()
    assert mlflow.get_tracking_uri() == "http://localhost:1"
    assert mlflow.get_registry_uri() == "http://localhost:1"
    assert "MLFLOW_REGISTRY_URI" not in os.environ


@pytest.mark.usefixtures("clean_mlflow")
def test_an_unset_default_store_is_unset_again() -> None:
    """A process that had no default has none afterwards, so that the next project finds its own."""
    PROCESS_DEFAULT.enter(Store("http://localhost:2", None, None))
    PROCESS_DEFAULT.leave()

    assert not mlflow.is_tracking_uri_set()  # type: ignore[no-untyped-call]  # MLflow left its types out
    assert "MLFLOW_TRACKING_URI" not in os.environ


def test_the_store_is_found_without_mlflow(tmp_path: Path) -> None:
    """MLflow takes seconds to be imported: a process that has not done it reads the variable itself."""
    script = f"""
import sys
from pathlib import Path
from kedro_autolog_pipeline.config.schema import ServerConfig
from kedro_autolog_pipeline.tracking.store import find_store
store = find_store(ServerConfig(), Path({str(tmp_path)!r}))
print(store.tracking_uri, store.answers(), "mlflow" in sys.modules)
"""
    environment = {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/other.db"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)

    assert f"sqlite:///{tmp_path}/other.db True False\n" == done.stdout


class _Answers(BaseHTTPRequestHandler):
    """Refuses every request."""

    def do_GET(self) -> None:
        """Refuse."""
        self.send_response(401)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing of it."""


@pytest.fixture
def port() -> Iterator[int]:
    """Give the port of a server that refuses every request."""
    with HTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_a_server_that_says_anything_answers(port: int) -> None:
    """A refusal is an answer, for MLflow to deal with; so is a server that speaks no TLS."""
    assert Store(f"http://127.0.0.1:{port}/", None, None).answers()
    assert Store(f"https://127.0.0.1:{port}", None, None).answers()


def test_a_server_that_is_not_there_is_known_at_once(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One request without MLflow's minutes of retries tells, through the proxy that the environment names."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = unused.getsockname()[1]
        started = time.perf_counter()

        assert "refused" in f"{why_no_answer(f'http://127.0.0.1:{closed}')}"
        assert not Store(f"http://127.0.0.1:{closed}", None, None).answers()
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed}")
        monkeypatch.setenv("no_proxy", "")
        assert "refused" in f"{why_no_answer(f'http://127.0.0.1:{port}')}"
        assert time.perf_counter() - started < 20


def test_a_uri_without_a_host_does_not_answer() -> None:
    """What cannot be asked at all is told like what does not answer."""
    assert "Invalid URL" in f"{why_no_answer('http://')}"


def test_a_file_answers_when_it_can_be_written(tmp_path: Path) -> None:
    """A database or a directory must be writable, and is not made; who else keeps data is for MLflow to ask."""
    (tmp_path / "file").touch()

    assert why_no_answer(f"sqlite:///{tmp_path}/new.db") is None
    assert why_no_answer(f"sqlite:///{tmp_path}/file/new.db") == f"'{tmp_path / 'file'}' is no directory"
    assert why_no_answer("sqlite:///:memory:") is None
    assert why_no_answer((tmp_path / "runs").as_uri()) is None
    assert why_no_answer(str(tmp_path / "file" / "runs")) == f"'{tmp_path / 'file'}' is no directory"
    assert why_no_answer("databricks") is None
    assert why_no_answer("postgresql://nowhere/db") is None
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_new_database_is_one_that_mlflow_will_make(tmp_path: Path) -> None:
    """A database file is new until it is there; a server never is."""
    (tmp_path / "old.db").touch()
    (tmp_path / "file").touch()
    new = Store(f"sqlite:///{tmp_path}/new.db?timeout=5", None, (tmp_path / "artifacts").as_uri())
    old = Store(f"sqlite:///{tmp_path}/old.db?timeout=5", None, (tmp_path / "file" / "x").as_uri())

    assert new.is_new
    assert new.why_unwritable() is None
    assert not old.is_new
    assert old.why_unwritable() == f"'{tmp_path / 'file'}' is no directory"
    assert not Store("http://nowhere", None, None).is_new
    assert Store("http://nowhere", None, None).why_unwritable() is None


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://me:secret@host:5000/path?token=secret#a", "http://host:5000/path"),
        ("postgresql://me:secret@host/db", "postgresql://host/db"),
        ("postgresql+psycopg2://me:secret@/db?host=/run/postgresql", "postgresql+psycopg2:///db"),
        ("sqlite:////a/b.db?key=secret", "sqlite:////a/b.db"),
        ("databricks", "databricks"),
    ],
)
def test_a_uri_is_shown_without_secrets(uri: str, shown: str) -> None:
    """A user, a password and a query are left out."""
    assert shown == Store(uri, None, None).public_uri


@pytest.mark.parametrize(
    ("tracking", "registry", "is_possible"),
    [
        ("http://a:5000", None, True),
        ("http://a:5000", "http://a:5000/", True),
        ("http://a:5000", "sqlite:///registry.db", True),
        ("http://a:5000", "databricks-uc", True),
        ("http://a:5000", "http://b:5000", False),
        ("sqlite:///mlflow.db", "https://me:secret@b", False),
    ],
)
def test_a_registry_on_another_mlflow_server_cannot_hold_the_models(
    tracking: str, registry: str | None, *, is_possible: bool
) -> None:
    """It would look them up in its own tracking store; what works instead is named, and no password."""
    fault = Store(tracking, registry, None).why_no_registry()

    assert is_possible == (fault is None)
    if fault is not None:
        assert fault.startswith("server.mlflow_registry_uri: 'http")
        assert "cannot register models of" in fault
        assert "databricks-uc" in fault
        assert "secret" not in fault
