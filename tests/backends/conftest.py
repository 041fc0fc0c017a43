"""Three ways to PostgreSQL with S3: through MLflow's server, artifacts included or not, and without a server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import attrs
import mlflow
import pytest
from mlflow import MlflowClient

from kedro_project import MODEL, KedroProject, write_project
from mlflow_server import mlflow_server
from postgresql_server import postgresql_cluster
from s3_server import s3_server

BUCKET = "shop"


@attrs.frozen
class Backend:
    """Where runs, models and artifacts are kept.

    Attributes:
        name: How it is reached: ``proxied``, ``direct`` or ``database``.
        tracking_uri: What a project has in its mlflow.yml.
        credentials: Variables that a client needs.
        database_uri: What the administrator gives to ``mlflow gc``.
        registry_uri: Another database, for a registry elsewhere.
        artifacts: The URI below which all artifacts are.
        administrator: Variables that reach the artifacts.
        s3: What fsspec takes to reach them.
    """

    name: str
    tracking_uri: str
    credentials: Mapping[str, str]
    database_uri: str
    registry_uri: str
    artifacts: str
    administrator: Mapping[str, str]
    s3: Mapping[str, Any]

    @property
    def client(self) -> MlflowClient:
        """A client, as somebody beside the project has it."""
        return MlflowClient(self.tracking_uri)

    def collect_garbage(self) -> None:
        """Remove for good what was deleted, as the administrator does."""
        options = ["--backend-store-uri", self.database_uri, "--artifacts-destination", self.artifacts]
        done = subprocess.run(
            [sys.executable, "-m", "mlflow", "gc", *options],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            env={**os.environ, **self.administrator, "MLFLOW_TRACKING_URI": self.tracking_uri},
        )
        assert 0 == done.returncode, done.stderr


@pytest.fixture(scope="package", params=["proxied", "direct", "database"])
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """Start all that it takes."""
    pytest.importorskip("psycopg2")
    name = request.param
    artifacts = f"s3://{BUCKET}/{name}"
    with ExitStack() as stack:
        cluster = stack.enter_context(postgresql_cluster())
        database_uri = cluster.make_database("mlflow")
        s3 = stack.enter_context(s3_server())
        access = {
            "AWS_ACCESS_KEY_ID": s3["key"],
            "AWS_SECRET_ACCESS_KEY": s3["secret"],
            "AWS_DEFAULT_REGION": "us-east-1",
            "MLFLOW_S3_ENDPOINT_URL": s3["client_kwargs"]["endpoint_url"],
        }
        tracking_uri = database_uri
        if name != "database":
            stored = ["--backend-store-uri", database_uri, "--artifacts-destination", artifacts]
            if name == "direct":
                stored += ["--no-serve-artifacts", "--default-artifact-root", artifacts]
            tracking_uri = stack.enter_context(mlflow_server(tmp_path_factory.mktemp("server"), *stored, env=access))
        yield Backend(
            name=name,
            tracking_uri=tracking_uri,
            credentials={} if name == "proxied" else access,
            database_uri=database_uri,
            registry_uri=cluster.make_database("registry"),
            artifacts=artifacts,
            administrator=access,
            s3=s3,
        )


@attrs.frozen
class Shop:
    """A project that logs to a backend.

    Attributes:
        project: The project.
        backend: The backend.
        model: Name of its registered model.
    """

    project: KedroProject
    backend: Backend
    model: str

    @property
    def experiment(self) -> str:
        """Name of its experiment."""
        return self.project.package

    def configure(self, **server: Any) -> None:
        """Write its mlflow.yml, with more keys of ``server``."""
        where = {
            "mlflow_tracking_uri": self.backend.tracking_uri,
            "credentials": "backend" if self.backend.credentials else None,
            **server,
        }
        model = {**MODEL, "registered_model_name": self.model, "alias": "champion"}
        self.project.write_config("mlflow", {"server": where, "autolog_pipeline": {"models": {"prices": model}}})

    def train(self) -> str:
        """Train as its user does; gives the id of the run."""
        done = self.project.run_command()
        assert 0 == done.returncode, done.stderr + done.stdout
        return self.run_ids()[0]

    def run_ids(self) -> list[str]:
        """Give the ids of all runs of its experiment, the newest first."""
        experiment = self.backend.client.get_experiment_by_name(self.experiment)
        assert experiment is not None
        return [run.info.run_id for run in self.backend.client.search_runs([experiment.experiment_id])]

    def autolog(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of ours in the project."""
        return self.project.command("autolog", *arguments)


@pytest.fixture
def shop(backend: Backend, tmp_path: Path, clean_mlflow: None, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Give a project of an experiment of its own, whose model is registered and gets an alias."""
    for name, value in backend.credentials.items():
        monkeypatch.setenv(name, value)
    mlflow.set_tracking_uri(backend.tracking_uri)
    return write_shop(tmp_path / "shop", backend)


def write_shop(directory: Path, backend: Backend) -> Shop:
    """Write such a project."""
    project = write_project(directory)
    # Rows of a request have any number, where those of the training happen to be whole.
    raw = project.path / "data" / "raw.csv"
    raw.write_text(raw.read_text().replace("\n0,1\n", "\n0.0,1\n"))
    name = f"prices-{uuid4().hex[:8]}"
    project.write_config("credentials", {"backend": dict(backend.credentials)}, env="local")
    if backend.name == "database":
        # Without a server, nobody but whoever makes the experiment says where its artifacts are.
        backend.client.create_experiment(project.package, artifact_location=f"{backend.artifacts}/{name}")
    shop = Shop(project, backend, name)
    shop.configure()
    return shop
