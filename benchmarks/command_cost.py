"""Commands that package nothing come in, what they take with us installed and without goes out."""

from __future__ import annotations

import subprocess
import time
from functools import partial
from pathlib import Path

from benchmarks.measured_project import MeasuredProject, Shape, write_measured_project
from benchmarks.measurements import interleaved
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


def measure(directory: Path, twins: Twins, turns: int, tries: int) -> Findings:
    """Measure each command in a project that has a pair.

    What the machine does besides only ever makes a command slower, by more than we do: the fastest of some counts.

    Args:
        directory: An empty one.
        twins: The same environment with us and without.
        turns: How often each command is measured in each.
        tries: How often it runs for each measurement.
    """
    project = write_measured_project(directory / "project", Shape(), twins.with_us)
    comparisons = []
    for name, arguments in COMMANDS.items():
        measured = interleaved(
            {
                "ours": partial(_fastest, project, twins.with_us, arguments, tries),
                "theirs": partial(_fastest, project, twins.without_us, arguments, tries),
            },
            turns,
        )
        comparisons.append(Comparison.at_most(LIMIT, name, "without us", Unit.SECONDS, measured))
    return Findings(comparisons)


def _fastest(project: MeasuredProject, python: Path, arguments: list[str], tries: int) -> float:
    return min(_seconds(project, python, arguments) for _ in range(tries))


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
