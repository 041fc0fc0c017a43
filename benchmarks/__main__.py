"""The wish for benchmarks, or for a quick look, comes in; docs/benchmarks.md and its chart, or tables alone, go out."""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs

from benchmarks import (
    after_training,
    command_cost,
    framework_cost,
    fresh_process,
    growth,
    large_artifact,
    many_artifacts,
    memory_cost,
    one_row,
    preflight_cost,
    server,
    surroundings,
    whole_command,
)
from benchmarks.chart import draw
from benchmarks.demo_models import make_demo_models
from benchmarks.growth import Sizes
from benchmarks.measured_project import Shape
from benchmarks.page_cache import PageCache
from benchmarks.report import Findings, Section, replace_results, table
from benchmarks.twin_environments import make_twins

PAGE = surroundings.ROOT / "docs" / "benchmarks.md"

CHART = surroundings.ROOT / "docs" / "assets" / "cost.svg"


@attrs.frozen
class Plan:
    """How often and how much each benchmark measures; one that has no turns is left out.

    Attributes:
        framework_cost: Turns, of each length of a chain, with and without an artifact.
        one_row: Turns, of one call each.
        server: Turns, of a second each.
        fresh_process: Turns, of three processes each.
        after_training: Turns, of a training and a half each for us and for kedro-mlflow.
        training_seconds: How long a training lasts that packaging is measured after.
        large_artifact: Turns, of an artifact in local files.
        upload: Turns, of one on a server.
        mebibytes: Its size.
        fills_page_cache: Whether memory is filled before a large artifact is written, which takes a minute once.
        many_artifacts: Turns.
        artifacts: How many are many.
        preflight_cost: Turns, of a process each.
        command_cost: Turns, of each command with us and without.
        command_tries: Runs of a command in a turn, of which the fastest counts.
        memory_cost: Turns, of three trainings each.
        growth: Turns, of a training for each size.
        sizes: How far it is followed.
        whole_command: Turns, of a training each alone, tracked by hand, with us and with kedro-mlflow, in each store.
    """

    framework_cost: int
    one_row: int
    server: int
    fresh_process: int
    after_training: int
    training_seconds: float
    large_artifact: int
    upload: int
    mebibytes: int
    fills_page_cache: bool
    many_artifacts: int
    artifacts: int
    preflight_cost: int
    command_cost: int
    command_tries: int
    memory_cost: int
    growth: int
    sizes: Sizes
    whole_command: int


FULL = Plan(
    framework_cost=25,
    one_row=400,
    server=30,
    fresh_process=12,
    after_training=5,
    training_seconds=10.0,
    large_artifact=4,
    upload=4,
    mebibytes=1024,
    fills_page_cache=True,
    many_artifacts=5,
    artifacts=500,
    preflight_cost=10,
    command_cost=15,
    command_tries=3,
    memory_cost=2,
    growth=2,
    sizes=Sizes(
        nodes=(1, 10, 50, 100),
        artifacts=(1, 10, 100, 250, 500),
        mebibytes=(1, 64, 2048, 4096),
        pairs=(1, 8, 16),
        columns=(1, 2500, 5000),
    ),
    whole_command=3,
)

QUICK = Plan(
    framework_cost=1,
    one_row=60,
    server=0,
    fresh_process=0,
    after_training=1,
    training_seconds=0.0,
    large_artifact=1,
    upload=0,
    mebibytes=64,
    fills_page_cache=False,
    many_artifacts=1,
    artifacts=50,
    preflight_cost=1,
    command_cost=1,
    command_tries=1,
    memory_cost=0,
    growth=0,
    sizes=Sizes(nodes=(), artifacts=(), mebibytes=(), pairs=(), columns=()),
    whole_command=1,
)


def main() -> None:
    """Measure, and write or print what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer turns, and tables that are printed only")
    sections = [section.value for section in Section]
    parser.add_argument("--section", choices=sections, action="append", help="only this section of the page")
    chosen = parser.parse_args()
    logging.disable(logging.INFO)
    for section in Section:
        if section.value in (chosen.section or sections):
            _measure_section(section, QUICK if chosen.quick else FULL, is_written=not chosen.quick)


def _measure_section(section: Section, plan: Plan, *, is_written: bool) -> None:
    started = time.perf_counter()
    found = measure_command(plan) if section is Section.COMMAND else measure_all(plan)
    results = written(found, time.perf_counter() - started)
    print(results)  # noqa: T201 - what the command is for
    if is_written:
        replace_results(PAGE, section, results)
    groups = [group for each in found for group in each.groups]
    if is_written and groups:
        draw(groups, "kedro run, from the command to its end", CHART)


def measure_command(plan: Plan) -> list[Findings]:
    """Measure the whole of `kedro run`."""
    print("Measuring: whole command", file=sys.stderr, flush=True)  # noqa: T201 - minutes pass
    with TemporaryDirectory() as scratch:
        twins = make_twins(_new_directory(scratch, "twins"))
        seconds = [0.0, plan.training_seconds] if plan.training_seconds else [0.0]
        return [whole_command.measure(_new_directory(scratch, "command"), twins, plan.whole_command, seconds)]


def measure_all(plan: Plan) -> list[Findings]:
    """Run every other benchmark, one after the other."""
    large = Shape(seconds=plan.training_seconds, blob_bytes=plan.mebibytes * large_artifact.MEBIBYTE)
    with TemporaryDirectory() as scratch:

        def measured(name: str, turns: int, measure: Callable[[Path], Findings]) -> Findings:
            if not turns:
                return Findings([])
            print(f"Measuring: {name}", file=sys.stderr, flush=True)  # noqa: T201 - minutes pass
            directory = Path(scratch, name.replace(" ", "_"))
            directory.mkdir()
            try:
                return measure(directory)
            finally:
                shutil.rmtree(directory)

        twins = make_twins(_new_directory(scratch, "twins"))
        models = make_demo_models(_new_directory(scratch, "demo"))
        cache = PageCache(Path(scratch))
        before_large = cache.fill if plan.fills_page_cache else None
        return [
            measured("framework cost", plan.framework_cost, lambda to: framework_cost.measure(to, plan.framework_cost)),
            measured("one row", plan.one_row, lambda _: one_row.measure(models, plan.one_row)),
            measured("server", plan.server, lambda _: server.measure(models, plan.server)),
            measured("fresh process", plan.fresh_process, lambda _: fresh_process.measure(models, plan.fresh_process)),
            measured(
                "after training",
                plan.after_training,
                lambda to: after_training.measure(to, twins, plan.after_training, plan.training_seconds),
            ),
            measured(
                "large artifact",
                plan.large_artifact,
                lambda to: large_artifact.measure_copying(to, twins, plan.large_artifact, large, before_large),
            ),
            measured(
                "upload",
                plan.upload,
                lambda to: large_artifact.measure_upload(to, twins, plan.upload, large, before_large),
            ),
            measured(
                "many artifacts",
                plan.many_artifacts,
                lambda to: many_artifacts.measure(
                    to, twins, plan.many_artifacts, plan.artifacts, plan.training_seconds
                ),
            ),
            measured(
                "preflight", plan.preflight_cost, lambda to: preflight_cost.measure(to, twins, plan.preflight_cost)
            ),
            measured(
                "commands",
                plan.command_cost,
                lambda to: command_cost.measure(to, twins, plan.command_cost, plan.command_tries),
            ),
            measured("memory", plan.memory_cost, lambda to: memory_cost.measure(to, twins, plan.memory_cost)),
            measured(
                "growth",
                plan.growth,
                lambda to: growth.measure(
                    to, twins, plan.growth, plan.sizes, training_seconds=plan.training_seconds, before=cache.fill
                ),
            ),
        ]


def written(found: list[Findings], seconds: float) -> str:
    """Write what was found in Markdown."""
    versions = {name: number for each in found for name, number in each.versions.items()}
    versions = {**versions, **surroundings.versions()}
    listed = ", ".join(f"{name} {number}" for name, number in versions.items())
    when = datetime.now(timezone.utc).date().isoformat()
    where = f"{surroundings.machine()}, at a load of {surroundings.load()}"
    return "\n\n".join(
        (
            table([comparison for each in found for comparison in each.comparisons]),
            " ".join(remark for each in found for remark in each.remarks),
            f"Measured on {when}, in {seconds:.0f} s, on {where}, with {listed}.",
        )
    )


def _new_directory(scratch: str, name: str) -> Path:
    directory = Path(scratch, name)
    directory.mkdir()
    return directory


if __name__ == "__main__":
    main()
