"""A training comes in, the peak memory of the process that runs it goes out: with us, and with mlflow instead."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.measured_project import MeasuredProject, Shape, write_measured_project
from benchmarks.measurements import interleaved
from benchmarks.report import Comparison, Findings, Unit
from benchmarks.server_process import tracking_server
from benchmarks.twin_environments import Twins

LIMIT = 20.0
"""MiB that it may be at most above the same run without us that imports mlflow."""

MEBIBYTE = 2**20

_OPENING = {"MEASURE_MLFLOW": "run", "MLFLOW_TRACKING_URI": "sqlite:///mlflow.db"}


def measure(directory: Path, twins: Twins, turns: int) -> Findings:
    """Measure a small model of scikit-learn's; the memory of the verifying process is not counted.

    Args:
        directory: An empty one.
        twins: The same environment with us and without.
        turns: How often each trains.
    """
    with tracking_server(directory) as uri:
        local = write_measured_project(directory / "local", Shape(), twins.with_us)
        remote = write_measured_project(directory / "remote", Shape(), twins.with_us, tracking_uri=uri)
        measured = interleaved(
            {
                "local": partial(_peak, local, twins.with_us),
                "remote": partial(_peak, remote, twins.with_us),
                "importing": partial(_peak, local, twins.without_us, MEASURE_MLFLOW="import"),
                "opening": partial(_peak, local, twins.without_us, **_OPENING),
                "alone": partial(_peak, local, twins.without_us),
            },
            turns,
        )
    alone = median(measured["alone"])
    database, server = (
        "peak memory of kedro run, tracked in a database",
        "peak memory of kedro run, tracked in a server",
    )
    importing, opening = "without us, importing mlflow", "without us, with an empty run there"
    return Findings(
        [
            _compared(database, importing, measured["local"], measured["importing"]),
            _compared(database, opening, measured["local"], measured["opening"]),
            _compared(server, importing, measured["remote"], measured["importing"]),
        ],
        [f"Without us, `kedro run` peaks at {alone:.0f} MiB."],
    )


def _compared(what: str, peer: str, ours: Sequence[float], theirs: Sequence[float]) -> Comparison:
    return Comparison(
        what=what,
        peer=peer,
        unit=Unit.MEBIBYTES,
        ours=ours,
        theirs=theirs,
        target=f"≤ {LIMIT:.0f} MiB more",
        is_met=median(ours) - median(theirs) <= LIMIT,
    )


def _peak(project: MeasuredProject, python: Path, **variables: str) -> float:
    command = [str(python), "-m", "kedro", "run", "--pipelines", "training"]
    return project.run(command, **variables)["peak_memory"] / MEBIBYTE
