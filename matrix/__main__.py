"""Run the scenario tests with each version that is supported, and write what came out into docs/versions.md."""

from __future__ import annotations

import argparse
import shlex
import sys
from importlib.metadata import requires

from packaging.requirements import Requirement

from matrix.cells import choose_cells
from matrix.page import markdown, replace_table
from matrix.running import ROOT, Runner, index_versions, read_result

PAGE = ROOT / "docs" / "versions.md"


def main() -> int:
    """Run the cells that have not passed yet, one after the other, and write the table after each."""
    parser = argparse.ArgumentParser(prog="python -m matrix", description=__doc__)
    parser.add_argument("--tests", required=True, help="Files of the tests, separated by spaces.")
    parser.add_argument("--flags", default="", help="What pytest is told besides.")
    parser.add_argument("--constraints", default="", help="What older versions of MLflow need, separated by spaces.")
    parser.add_argument("--pythons", default="", help="Minor versions of Python that this machine has.")
    parser.add_argument("--only", default="", help="The cells to run, by name; without it, all.")
    arguments = parser.parse_args()
    supported = {each.name: each.specifier for each in map(Requirement, requires("kedro-autolog-pipeline") or ())}
    known = {name: index_versions(name) for name in ("kedro", "mlflow")}
    cells = choose_cells(known["kedro"], known["mlflow"], supported, arguments.pythons.split())
    runner = Runner(arguments.tests.split(), shlex.split(arguments.flags), shlex.split(arguments.constraints))
    only = arguments.only.split() or [cell.name for cell in cells]
    for cell in cells:
        if cell.name in only:
            result = runner.run(cell)
            print(f"{cell.name}: {'passed' if result.is_good else result.refusal or result.failed}", flush=True)
    results = [result for result in map(read_result, cells) if result is not None]
    replace_table(PAGE, markdown(results))
    return 1 if any(result.failed for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
