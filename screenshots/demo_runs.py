"""An empty directory comes in; a real MLflow server with two runs of the demo, one READY and one FAILED, goes out."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

from benchmarks.server_process import tracking_server
from benchmarks.surroundings import PYTHON, ROOT, environment

NODES = Path("demo", "src", "penguins", "pipelines", "inference", "nodes.py")

# What works in the project's directory and in no other place: the commonest reason why a model cannot be deployed.
WORKS = '    probability = probabilities.max(axis="columns")\n'
FAILS = WORKS + '    threshold = pd.read_json("data/threshold.json", typ="series")["threshold"]\n'


@attrs.frozen
class ShownModel:
    """A model to be looked at.

    Attributes:
        model_id: Its id.
        experiment_id: The experiment that it is in.
        run_id: Its run.
    """

    model_id: str
    experiment_id: str
    run_id: str


@attrs.frozen
class DemoRuns:
    """Two runs of the demo on a server.

    Attributes:
        address: The server's.
        ready: The model of the first, which is version 1 of ``penguin_species``.
        failed: That of the second.
        card: The card of the first.
    """

    address: str
    ready: ShownModel
    failed: ShownModel
    card: Path


@contextmanager
def demo_runs(directory: Path) -> Iterator[DemoRuns]:
    """Train a copy of the demo twice, the second time with a node that reads a file which no package has.

    Args:
        directory: An empty one.

    Raises:
        ChildProcessError: When the first run fails, or the second does not.
    """
    from mlflow import MlflowClient

    for name in ("demo", "conf_example"):
        shutil.copytree(ROOT / name, directory / name, ignore=shutil.ignore_patterns("0[2-9]_*", "mlflow.db"))
    server = directory / "server"
    server.mkdir()
    with tracking_server(server) as address:
        _train(directory / "demo", address, code=0)
        nodes = directory / NODES
        nodes.write_text(nodes.read_text(encoding="utf-8").replace(WORKS, FAILS), encoding="utf-8")
        (directory / "demo" / "data" / "threshold.json").write_text(json.dumps({"threshold": 0.6}), encoding="utf-8")
        _train(directory / "demo", address, code=1)
        client = MlflowClient(address)
        models = client.search_logged_models([each.experiment_id for each in client.search_experiments()])
        first, second = sorted(models, key=lambda model: model.creation_timestamp)
        (card,) = server.rglob("model_card.html")
        ready, failed = (
            ShownModel(model.model_id, model.experiment_id, f"{model.source_run_id}") for model in (first, second)
        )
        yield DemoRuns(address, ready, failed, card)


def _train(demo: Path, address: str, code: int) -> None:
    trained = subprocess.run(
        [PYTHON, "-m", "kedro", "run"],
        cwd=demo,
        env={**environment(), "MLFLOW_TRACKING_URI": address},
        capture_output=True,
        text=True,
        check=False,
    )
    if trained.returncode != code:
        msg = f"'kedro run' of the demo ended with {trained.returncode}, and not with {code}: {trained.stderr}"
        raise ChildProcessError(msg)
