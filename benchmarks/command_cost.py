"""Commands that package nothing come in, what they take with us installed and without goes out."""

from __future__ import annotations

import subprocess
import time
from functools import partial
from pathlib import Path

from benchmarks.measured_project import MeasuredProject, Shape, write_measured_project
from benchmarks.measurements import interleaved, typical_ratio
from benchmarks.report import Comparison, Findings, Unit
from benchmarks.surroundings import environment
from benchmarks.twin_environments import Twins

LIMIT = 1.03
"""How often the time of the same command without us they may take."""

COMMANDS = {
    "kedro --help": ["--help"],
    "kedro registry list": ["registry", "list"],
    "kedro run of an unpaired pipeline": ["run", "--pipelines", "unpaired"],
}


def measure(directory: Path, twins: Twins, turns: int) -> Findings:
    """Measure each command in a project that has a pair.

    Args:
        directory: An empty one.
        twins: The same environment with us and without.
        turns: How often each command runs in each.
    """
    project = write_measured_project(directory / "project", Shape(), twins.with_us)
    comparisons = []
    for name, arguments in COMMANDS.items():
        measured = interleaved(
            {
                "ours": partial(_seconds, project, twins.with_us, arguments),
                "theirs": partial(_seconds, project, twins.without_us, arguments),
            },
            turns,
        )
        comparisons.append(
            Comparison(
                what=name,
                peer="without us",
                unit=Unit.SECONDS,
                **measured,
                target=f"≤ {LIMIT}x",
                is_met=typical_ratio(**measured) <= LIMIT,
            )
        )
    return Findings(comparisons)


def _seconds(project: MeasuredProject, python: Path, arguments: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(
        [str(python), "-m", "kedro", *arguments],
        cwd=project.path,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - started
