"""A project comes in, what looking at it before its first node takes goes out."""

from __future__ import annotations

import json
import subprocess
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks import preflight_worker
from benchmarks.measured_project import MeasuredProject, Shape, write_measured_project
from benchmarks.measurements import interleaved
from benchmarks.report import Comparison, Findings, Unit
from benchmarks.surroundings import environment
from benchmarks.twin_environments import Twins

LIMIT = 0.05
"""Seconds that it may take at most beyond the import of the inference pipeline."""

SHAPE = Shape(nodes=10, artifacts=10, artifact_bytes=2**10)


def measure(directory: Path, twins: Twins, turns: int) -> Findings:
    """Measure in a process for each turn, in which nothing but what Kedro itself needs is imported before.

    Args:
        directory: An empty one.
        twins: The environments with us and without.
        turns: Number of processes.
    """
    project = write_measured_project(directory / "project", SHAPE, twins.with_us)
    imports: list[float] = []
    measured = interleaved({"ours": partial(_seconds, project, imports)}, turns)["ours"]
    comparison = Comparison(
        what=f"preflight, {SHAPE.nodes} nodes and {SHAPE.artifacts + 1} artifacts",
        peer="import of the inference pipeline",
        unit=Unit.MILLISECONDS,
        ours=measured,
        theirs=imports[-len(measured) :],
        target=f"≤ {LIMIT * 1e3:.0f} ms",
        is_met=median(measured) <= LIMIT,
    )
    return Findings([comparison])


def _seconds(project: MeasuredProject, imports: list[float]) -> float:
    done = subprocess.run(
        [project.python, preflight_worker.__file__],
        cwd=project.path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    importing, looking = json.loads(done.stdout.splitlines()[-1])
    imports.append(importing)
    return float(looking)
