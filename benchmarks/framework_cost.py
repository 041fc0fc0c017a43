"""A chain of trivial nodes comes in, what our model and kedro-mlflow's add to it goes out."""

from __future__ import annotations

import json
import pickle
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks import chain_worker
from benchmarks.measurements import interleaved, line_through
from benchmarks.report import Comparison, Findings, Unit
from benchmarks.surroundings import PEER_PYTHON, PYTHON, environment

LENGTHS = (1, 5, 20)
"""Nodes in a chain."""

ARTIFACT_MIB = 300

BASE, PER_NODE = 3e-6, 0.7e-6
"""Seconds that a predict may cost at most, whatever it calls and for each node."""

PEER = "kedro-mlflow"


def measure(directory: Path, turns: int) -> Findings:
    """Measure chains of all lengths, without an artifact and with a large one.

    Args:
        directory: An empty one, for as long as it takes.
        turns: How often each of the two is measured.
    """
    write_chain(directory, max(LENGTHS), ARTIFACT_MIB * 2**20)
    comparisons, medians = [], {}
    with _worker(PYTHON, "ours", directory) as ours, _worker(PEER_PYTHON, PEER, directory) as theirs:
        for with_artifact in (False, True):
            for length in LENGTHS:
                request = f"{length} artifact" if with_artifact else f"{length}"
                measured = interleaved(
                    {"ours": partial(ours.ask, request), "theirs": partial(theirs.ask, request)}, turns
                )
                limit = BASE + length * PER_NODE
                medians[with_artifact, length] = median(measured["ours"])
                comparisons.append(
                    Comparison(
                        what=f"predict, {length} node{'s' if length > 1 else ''}"
                        + (f", an artifact of {ARTIFACT_MIB} MiB" if with_artifact else ""),
                        peer=PEER,
                        unit=Unit.MICROSECONDS,
                        ours=measured["ours"],
                        theirs=measured["theirs"],
                        target=f"≤ {limit * 1e6:.1f} us",
                        is_met=medians[with_artifact, length] <= limit,
                    )
                )
    base, slope = line_through({length: medians[False, length] for length in LENGTHS})
    remark = f"Without an artifact, ours is {base * 1e6:.1f} us and {slope * 1e6:.2f} us per node."
    return Findings(comparisons, [remark], theirs.versions)


class _Worker:
    """A process that measures on demand."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.versions: dict[str, str] = json.loads(self._answer())

    def ask(self, request: str) -> float:
        """Have a chain measured, and give the seconds."""
        print(request, file=self._process.stdin, flush=True)
        return float(self._answer())

    def _answer(self) -> str:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            msg = f"Cannot measure on: {self._process.args!r} ended."
            raise ChildProcessError(msg)
        return line


@contextmanager
def _worker(python: Path, implementation: str, directory: Path) -> Iterator[_Worker]:
    command: list[str | Path] = [python, Path(chain_worker.__file__), implementation, directory]
    with (
        (directory / f"{implementation}.log").open("w") as log,
        subprocess.Popen(
            command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        try:
            yield _Worker(process)
        finally:
            process.kill()


def write_chain(directory: Path, length: int, artifact_bytes: int) -> None:
    """Write what the chains are made of; no function occurs twice, as in a real pipeline.

    Args:
        directory: Where.
        length: Nodes of the longest chain.
        artifact_bytes: How large the artifact is.
    """
    steps = [f"def step_{i}(value, artifact=None):\n    return value + 1\n" for i in range(length)]
    (directory / f"{chain_worker.STEPS}.py").write_text("\n\n".join(steps), encoding="utf-8")
    with (directory / chain_worker.ARTIFACT).open("wb") as file:
        pickle.dump(np.random.default_rng(1).random(artifact_bytes // 8), file, protocol=5)
