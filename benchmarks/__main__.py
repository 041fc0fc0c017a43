"""The wish for all benchmarks, or for a quick look, comes in; docs/benchmarks.md, or its table alone, goes out."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs

from benchmarks import framework_cost, fresh_process, one_row, server, surroundings
from benchmarks.demo_models import make_demo_models
from benchmarks.report import Findings, replace_results, table

RESULTS = surroundings.ROOT / "docs" / "benchmarks.md"


@attrs.frozen
class Turns:
    """How often each benchmark measures.

    Attributes:
        framework_cost: Of each length of a chain, with and without an artifact.
        one_row: Of one call each.
        server: Of a second each.
        fresh_process: Of three processes each.
    """

    framework_cost: int
    one_row: int
    server: int
    fresh_process: int


FULL = Turns(framework_cost=25, one_row=400, server=30, fresh_process=15)
QUICK = Turns(framework_cost=5, one_row=60, server=5, fresh_process=2)


def main() -> None:
    """Measure, and write or print what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer turns, and a table that is printed only")
    quick = parser.parse_args().quick
    started = time.perf_counter()
    logging.disable(logging.INFO)
    found = measure_all(QUICK if quick else FULL)
    results = written(found, time.perf_counter() - started)
    print(results)  # noqa: T201 - what the command is for
    if not quick:
        replace_results(RESULTS, results)


def measure_all(turns: Turns) -> list[Findings]:
    """Run every benchmark, one after the other."""
    with TemporaryDirectory() as scratch:
        directory = Path(scratch)
        (directory / "chain").mkdir()
        found = [_told("framework cost", lambda: framework_cost.measure(directory / "chain", turns.framework_cost))]
        models = make_demo_models(directory)
        found.append(_told("one row", lambda: one_row.measure(models, turns.one_row)))
        found.append(_told("server", lambda: server.measure(models, turns.server)))
        found.append(_told("fresh process", lambda: fresh_process.measure(models, turns.fresh_process)))
    return found


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


def _told(name: str, measure: Callable[[], Findings]) -> Findings:
    print(f"Measuring: {name}", file=sys.stderr, flush=True)  # noqa: T201 - minutes pass
    return measure()


if __name__ == "__main__":
    main()
