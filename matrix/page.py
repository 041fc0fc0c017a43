"""Show what came out of the cells as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from matrix.running import Result

BEGIN, END = "<!-- matrix: begin -->", "<!-- matrix: end -->"
"""Lines between which the table is written; the rest of the page is written by people."""

_SHOWN = ("python", "kedro", "mlflow", "pandas", "sqlalchemy")


def markdown(results: Sequence[Result]) -> str:
    """Give the table, and what was run in words.

    Args:
        results: At least one, in the order of the table.
    """
    lines = [
        "| cell | Python | Kedro | MLflow | pandas | SQLAlchemy | result | date | commit |",
        "|---|---|---|---|---|---|---|---|---|",
        *(_row(result) for result in results),
    ]
    tests = sorted({test for result in results for test in result.tests})
    return "\n".join([*lines, "", f"Each cell ran {_listed(f'`{test}`' for test in tests)}."])


def replace_table(page: Path, table: str) -> None:
    """Put a table between the markers of a page.

    Raises:
        ValueError: When it does not have both.
    """
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"Cannot write the table into '{page}': it lacks the line '{BEGIN}' or '{END}'. Add both.")
    page.write_text(f"{before}{begin}\n\n{table}\n\n{end}{after}", encoding="utf-8")


def _row(result: Result) -> str:
    versions = (result.versions.get(name, "") for name in _SHOWN)
    return f"| {' | '.join([result.name, *versions, _outcome(result), result.date, result.code])} |"


def _outcome(result: Result) -> str:
    if result.refusal is not None:
        return f"not run: {result.refusal}"
    skipped = f", {result.skipped} skipped" if result.skipped else ""
    if result.is_good:
        return f"{result.passed} passed{skipped}"
    return f"**failed**: {_listed(f'`{name}`' for name in result.failed)}; {result.passed} passed{skipped}"


def _listed(items: Iterable[str]) -> str:
    *others, last = items
    return f"{', '.join(others)} and {last}" if others else last
