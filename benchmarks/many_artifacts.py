"""Many small artifacts come in, how long packaging them takes beside copying them goes out."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

from benchmarks.measured_project import Shape, write_measured_project
from benchmarks.measurements import interleaved, typical_ratio
from benchmarks.report import Comparison, Findings, Unit
from benchmarks.twin_environments import Twins

COPIES = 2
"""How many times the copying of all of them may be added to the packaging of one."""

ARTIFACT_BYTES = 10 * 2**10


def measure(directory: Path, twins: Twins, turns: int, artifacts: int, training_seconds: float) -> Findings:
    """Measure packaging one artifact, packaging many, and copying many.

    Args:
        directory: An empty one.
        twins: The environments with us and without.
        turns: How often each is measured.
        artifacts: How many are many.
        training_seconds: How long the training lasts: long enough for the verifying process to start.
    """
    one, many = (
        write_measured_project(
            directory / name,
            Shape(seconds=training_seconds, artifacts=number, artifact_bytes=ARTIFACT_BYTES),
            twins.with_us,
        )
        for name, number in (("one", 1), ("many", artifacts))
    )

    def copy() -> float:
        command = ["cp", "-r", str(many.path / "data" / "artifacts"), str(directory / "copy")]
        started = time.perf_counter()
        subprocess.run(command, check=True)
        seconds = time.perf_counter() - started
        shutil.rmtree(directory / "copy")
        return seconds

    measured = interleaved({"many": many.seconds, "one": one.seconds, "copy": copy}, turns)
    bounds = [floor + COPIES * copying for floor, copying in zip(measured["one"], measured["copy"], strict=True)]
    comparison = Comparison(
        what=f"{artifacts} artifacts of {ARTIFACT_BYTES // 2**10} KiB",
        peer=f"one of them and {COPIES} `cp -r`",
        unit=Unit.SECONDS,
        ours=measured["many"],
        theirs=bounds,
        target="≤ 1x",
        is_met=typical_ratio(measured["many"], bounds) <= 1,
    )
    return Findings([comparison])
