"""A training comes in, what the whole of `kedro run` takes goes out: alone, tracked by hand, with us, with the peer."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from enum import Enum
from functools import partial
from pathlib import Path
from statistics import median

import attrs

from benchmarks.chart import Bar, Group
from benchmarks.measured_project import MeasuredProject, Plugin, Shape, write_measured_project
from benchmarks.measurements import interleaved
from benchmarks.report import Comparison, Findings, Unit
from benchmarks.server_process import tracking_server
from benchmarks.surroundings import PEER_PYTHON, peer_versions
from benchmarks.twin_environments import Twins

AT_ONCE, AFTER_TRAINING, BESIDE_PEER = 0.9, 0.97, 1.0
"""What our command may take of one that only tracks, without and with 10 s of training, and of kedro-mlflow's."""

AFTER_LAST_NODE = 0.2
"""Seconds that ours may take above one that only tracks, from the last node to the end of the process."""

_TRAINING = ["-m", "kedro", "run", "--pipelines", "training"]


class Contender(Enum):
    """Whose command is measured, as the chart names it."""

    ALONE = "kedro run alone"
    TRACKING = "with a hand-written hook that only tracks"
    OURS = "with kedro-autolog-pipeline"
    PEER = "with kedro-mlflow"


class Store(Enum):
    """Where a run is tracked, as the table names it."""

    NEW = "new database"
    DATABASE = "database"
    SERVER = "mlflow server"


@attrs.frozen
class Command:
    """What one contender runs.

    Attributes:
        project: Its project.
        variables: Environment variables that turn its plugin on.
        is_new: Whether there is no database before it runs.
    """

    project: MeasuredProject
    variables: Mapping[str, str]
    is_new: bool

    def run(self) -> Duration:
        """Run it, and say how long that takes.

        Raises:
            ChildProcessError: When it fails.
        """
        for store in ("mlartifacts", "mlruns"):
            shutil.rmtree(self.project.path / store, ignore_errors=True)
        if self.is_new:
            (self.project.path / "mlflow.db").unlink(missing_ok=True)
        started = time.time()
        notes = self.project.run([str(self.project.python), *_TRAINING], **self.variables)
        ended = time.time()
        return Duration(ended - started, ended - notes["last_node"])


@attrs.frozen
class Duration:
    """How long a command takes, in seconds.

    Attributes:
        whole: From its start to its end.
        after_last_node: From the end of its last node, with what it saves, to its end.
    """

    whole: float
    after_last_node: float


def measure(directory: Path, twins: Twins, turns: int, training_seconds: Sequence[float]) -> Findings:
    """Measure a small model of scikit-learn's, in a database and on a server.

    Args:
        directory: An empty one.
        twins: The environments with us and without.
        turns: How often each command runs.
        training_seconds: How long the trainings last.
    """
    found, groups = [], []
    with ExitStack() as servers:
        for store in Store:
            uri = servers.enter_context(tracking_server(_made(directory / "server"))) if store is Store.SERVER else None
            # To make a database takes as long after any training.
            for seconds in training_seconds[:1] if store is Store.NEW else training_seconds:
                place = directory / f"{store.name}_{seconds:g}"
                measured = _measured(_commands(place, twins, store, seconds, uri), turns)
                what = f"{f'training of {seconds:g} s' if seconds else 'training of no duration'}, {store.value}"
                found += _compared(what, measured, AFTER_TRAINING if seconds else AT_ONCE)
                groups.append(Group(what, [Bar(each.value, median(_whole(measured[each]))) for each in Contender]))
    return Findings(found, versions=peer_versions(), groups=groups)


def _commands(
    directory: Path, twins: Twins, store: Store, training_seconds: float, uri: str | None
) -> dict[Contender, Command]:
    shape = Shape(seconds=training_seconds)

    def command(contender: Contender, python: Path, plugin: Plugin) -> Command:
        project = write_measured_project(directory / contender.name.lower(), shape, python, plugin, uri)
        tracks = {"MEASURE_TRACKING": project.tracking_uri} if contender is Contender.TRACKING else {}
        return Command(project, tracks, is_new=store is Store.NEW)

    return {
        Contender.ALONE: command(Contender.ALONE, twins.without_us, Plugin.OURS),
        Contender.TRACKING: command(Contender.TRACKING, twins.without_us, Plugin.OURS),
        Contender.OURS: command(Contender.OURS, twins.with_us, Plugin.OURS),
        Contender.PEER: command(Contender.PEER, PEER_PYTHON, Plugin.KEDRO_MLFLOW),
    }


def _measured(commands: Mapping[Contender, Command], turns: int) -> dict[Contender, list[Duration]]:
    durations: dict[Contender, list[Duration]] = {contender: [] for contender in commands}

    def once(contender: Contender) -> float:
        durations[contender].append(commands[contender].run())
        return durations[contender][-1].whole

    runs: dict[str, Callable[[], float]] = {each.value: partial(once, each) for each in commands}
    interleaved(runs, turns)
    # The first turn of several does not count.
    return {contender: each[-turns:] for contender, each in durations.items()}


def _compared(what: str, measured: Mapping[Contender, Sequence[Duration]], limit: float) -> list[Comparison]:
    ours, tracking = measured[Contender.OURS], measured[Contender.TRACKING]
    whole = {"ours": _whole(ours), "theirs": _whole(tracking)}
    ends = {each: [duration.after_last_node for duration in measured[each]] for each in measured}
    above = median(mine - other for mine, other in zip(ends[Contender.OURS], ends[Contender.TRACKING], strict=True))
    name = f"kedro run, {what}"
    return [
        Comparison.at_most(limit, name, "a hook that only tracks", Unit.SECONDS, whole),
        Comparison(
            what=f"last node to the end of the process, {what}",
            peer="a hook that only tracks",
            unit=Unit.SECONDS,
            ours=ends[Contender.OURS],
            theirs=ends[Contender.TRACKING],
            target=f"≤ {AFTER_LAST_NODE} s more",
            is_met=above <= AFTER_LAST_NODE,
        ),
        Comparison.at_most(
            BESIDE_PEER, name, "kedro-mlflow", Unit.SECONDS, {**whole, "theirs": _whole(measured[Contender.PEER])}
        ),
        Comparison(
            what=name,
            peer="kedro run alone",
            unit=Unit.SECONDS,
            ours=whole["ours"],
            theirs=_whole(measured[Contender.ALONE]),
            target="none",
            is_met=True,
        ),
    ]


def _whole(durations: Sequence[Duration]) -> list[float]:
    return [duration.whole for duration in durations]


def _made(directory: Path) -> Path:
    directory.mkdir()
    return directory
