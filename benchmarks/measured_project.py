"""What a project should hold comes in, a Kedro project of that shape goes out, to be run with a plugin."""

from __future__ import annotations

import json
import shutil
import subprocess
from enum import Enum
from pathlib import Path

import attrs
import yaml
from mlflow import MlflowClient

from benchmarks.surroundings import ROOT, environment

TEMPLATE = ROOT / "benchmarks" / "project"

PEER = "kedro-mlflow"


class Plugin(Enum):
    """Who packages."""

    OURS = "ours"
    KEDRO_MLFLOW = "kedro-mlflow"


@attrs.frozen(order=True)
class Shape:
    """What a project holds.

    Attributes:
        seconds: How long its training keeps a processor busy.
        nodes: Nodes of its inference pipeline.
        artifacts: Artifacts that the inference pipeline reads, beside a small model of scikit-learn's.
        artifact_bytes: How large each of them is.
        blob_bytes: How large one more is, which takes no time to load; 0 for none.
        is_blob_last: Whether the last node saves that one, after which nothing else is done; the first one otherwise.
        pairs: Models that are packaged of its training, all of the same inference pipeline.
        columns: More columns of its instances than they have, each of the same number.
    """

    seconds: float = 0.0
    nodes: int = 1
    artifacts: int = 0
    artifact_bytes: int = 0
    blob_bytes: int = 0
    is_blob_last: bool = False
    pairs: int = 1
    columns: int = 0


@attrs.frozen
class Packaged:
    """One run of the training.

    Attributes:
        seconds: From the end of the last node, with what it saves, to the READY model.
        bytes_written: What the process of `kedro run` wrote, to whatever, the nodes' own data included.
        stored_bytes: What the store holds of it.
    """

    seconds: float
    bytes_written: int
    stored_bytes: int


@attrs.frozen
class MeasuredProject:
    """A project on disk.

    Attributes:
        path: Its directory.
        python: The interpreter that runs it.
        tracking_uri: Where its model is packaged.
    """

    path: Path
    python: Path
    tracking_uri: str

    def package(self) -> Packaged:
        """Run the training, and take what it has stored away again.

        Raises:
            ChildProcessError: When it fails.
        """
        notes = self.run([str(self.python), "-m", "kedro", "run", "--pipelines", "training"])
        client = MlflowClient(self.tracking_uri)
        experiments = [experiment.experiment_id for experiment in client.search_experiments()]
        newest = client.search_logged_models(experiments, max_results=1)[0]
        if newest.status != "READY":
            msg = f"Cannot measure '{newest.name}': it is {newest.status}."
            raise ChildProcessError(msg)
        # No plugin changes a model when it is READY but for its tags, which leave this as it is.
        seconds = newest.last_updated_timestamp / 1000 - notes["last_node"]
        stores = [path for name in ("mlartifacts", "mlruns") if (path := self.path / name).exists()]
        stored = sum(file.stat().st_size for store in stores for file in store.rglob("*") if file.is_file())
        for store in stores:
            shutil.rmtree(store)
        return Packaged(seconds, int(notes["bytes_written"]), stored)

    def seconds(self) -> float:
        """Run the training, and give the seconds from the end of its last node to the READY model."""
        return self.package().seconds

    def run(self, command: list[str], **variables: str) -> dict[str, float]:
        """Run a command in the project, and give what the project's hook has noted.

        Raises:
            ChildProcessError: When it fails.
        """
        done = subprocess.run(
            command, cwd=self.path, env={**environment(), **variables}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            msg = f"Cannot run {command!r}: {done.stdout}{done.stderr}"
            raise ChildProcessError(msg)
        notes: dict[str, float] = json.loads((self.path / "notes.json").read_text(encoding="utf-8"))
        return notes


def write_measured_project(
    directory: Path, shape: Shape, python: Path, plugin: Plugin = Plugin.OURS, tracking_uri: str | None = None
) -> MeasuredProject:
    """Write a project.

    Args:
        directory: Where; it does not exist.
        shape: What it holds.
        python: The interpreter that runs it.
        plugin: Who is to package its model.
        tracking_uri: The tracking server; None for a database in the project.
    """
    shutil.copytree(TEMPLATE, directory, ignore=shutil.ignore_patterns("__pycache__"))
    package = directory / "src" / "measured"
    (package / "shape.json").write_text(json.dumps(attrs.asdict(shape)), encoding="utf-8")
    if shape.columns:
        _widen(directory / "data" / "instances.csv", shape.columns)
    uri = tracking_uri or f"sqlite:///{(directory / 'mlflow.db').as_posix()}"
    pair = {"training": "training", "inference": "inference", "input_name": "instances"}
    config: dict[str, object] = {"server": {"mlflow_tracking_uri": uri}}
    if plugin is Plugin.OURS:
        config["autolog_pipeline"] = {"models": {f"measured_{number}": pair for number in range(shape.pairs)}}
    (directory / "conf" / "base" / "mlflow.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return MeasuredProject(directory, python, uri)


def _widen(table: Path, columns: int) -> None:
    names, *rows = table.read_text(encoding="utf-8").splitlines()
    more = "".join(f",more_{number}" for number in range(columns))
    text = "\n".join([f"{names}{more}", *(f"{row}{',0.5' * columns}" for row in rows)])
    table.write_text(f"{text}\n", encoding="utf-8")
