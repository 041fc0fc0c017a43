"""Two versions of a model that a real project has trained, for all engines."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from mlflow import MlflowClient

from kedro_project import INFERENCE, write_project
from mlflow_store import models


@attrs.frozen
class Versions:
    """Two versions of one model: the second one's code adds 1000.

    Attributes:
        tracking_uri: The store that has them.
        first: URI of the first.
        second: URI of the second.
        package: Where the first is.
    """

    tracking_uri: str
    first: str
    second: str
    package: Path


@pytest.fixture(scope="package")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Versions:
    """Train two versions, each in a process of its own."""
    project = write_project(tmp_path_factory.mktemp("engines") / "shop")
    # Rows of a request have any number, where those of the training happen to be whole.
    raw = project.path / "data" / "raw.csv"
    raw.write_text(raw.read_text().replace("\n0,1\n", "\n0.0,1\n"))
    for source in (INFERENCE, INFERENCE.replace("+ offset)", "+ offset + 1000)")):
        project.write_pipeline("inference", source)
        trained = project.run_command()
        assert 0 == trained.returncode, trained.stderr
    tracking_uri = f"sqlite:///{project.path / 'mlflow.db'}"
    first, second = models(MlflowClient(tracking_uri))
    package = Path(str(first.artifact_location).removeprefix("file://"))
    return Versions(tracking_uri, f"models:/{first.model_id}", f"models:/{second.model_id}", package)


def expected(x: float, offset: float = 0.5) -> float:
    """Give what the first version answers: the mean of x is 9.5, and the slope is 3."""
    return 3 * (x - 9.5) + offset
