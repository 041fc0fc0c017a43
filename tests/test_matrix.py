"""Tests of the matrix: which cells there are, and what the table says of each."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from packaging.specifiers import SpecifierSet

from matrix.cells import choose_cells
from matrix.page import BEGIN, END, markdown, replace_table
from matrix.running import Result

SUPPORTED = {"kedro": SpecifierSet(">=1.0,<2"), "mlflow": SpecifierSet(">=3.0,<4,!=3.3.*")}
GOOD = Result(
    name="kedro-1.0",
    code="abc1234",
    content="tree",
    tests=["tests/scenarios/test_ready.py"],
    date="2026-12-01",
    versions={"python": "3.11.7", "kedro": "1.0.0", "mlflow": "3.17.2", "pandas": "2.3.3", "sqlalchemy": "2.0.1"},
    passed=7,
)


def test_the_cells_are_what_is_supported() -> None:
    """Each minor of Kedro, each third of MLflow that is not excluded, and a pre-release where no release is newer."""
    kedro = ["2.0.0", "1.1.0rc1", "1.1.1", "1.1.0", "1.0.0", "0.19.15"]
    mlflow = ["3.10.0rc0", "3.9.2", "3.9.0rc1", "3.6.0", "3.4.0", "3.3.1", "3.0.0", "2.22.0"]

    cells = choose_cells(kedro, mlflow, SUPPORTED, ["3.13"])

    assert {
        "kedro-1.0": ["kedro==1.0.*"],
        "kedro-1.1": ["kedro==1.1.*"],
        "mlflow-3.0": ["mlflow==3.0.*"],
        "mlflow-3.6": ["mlflow==3.6.*"],
        "mlflow-3.9": ["mlflow==3.9.*"],
        "mlflow-3.10.0rc0": ["mlflow==3.10.0rc0", "mlflow-skinny==3.10.0rc0", "mlflow-tracing==3.10.0rc0"],
        "python-3.13": [],
    } == {cell.name: list(cell.requirements) for cell in cells}
    assert ["mlflow-3.0", "mlflow-3.6", "mlflow-3.9"] == [cell.name for cell in cells if cell.is_constrained]
    assert ["3.13"] == [cell.python for cell in cells if cell.python]


def test_the_table_tells_what_passed_and_names_what_did_not() -> None:
    """A cell that failed names its tests; one whose environment cannot be made says why."""
    failed = attrs.evolve(GOOD, name="kedro-1.1", skipped=1, failed=["test_ready::test_a", "test_ready::test_b"])
    refused = attrs.evolve(GOOD, name="mlflow-3.18", versions={}, refusal="there is no mlflow-skinny.", passed=0)

    _, _, *rows, _, said = markdown([GOOD, failed, refused]).splitlines()

    assert [
        "| kedro-1.0 | 3.11.7 | 1.0.0 | 3.17.2 | 2.3.3 | 2.0.1 | 7 passed | 2026-12-01 | abc1234 |",
        "| kedro-1.1 | 3.11.7 | 1.0.0 | 3.17.2 | 2.3.3 | 2.0.1 "
        "| **failed**: `test_ready::test_a` and `test_ready::test_b`; 7 passed, 1 skipped | 2026-12-01 | abc1234 |",
        "| mlflow-3.18 |  |  |  |  |  | not run: there is no mlflow-skinny. | 2026-12-01 | abc1234 |",
    ] == rows
    assert "Each cell ran `tests/scenarios/test_ready.py`." == said


def test_a_cell_without_a_test_that_passed_is_not_good() -> None:
    """A run that finds no test is no proof."""
    assert GOOD.is_good
    assert not attrs.evolve(GOOD, passed=0).is_good
    assert not attrs.evolve(GOOD, failed=["test_ready::test_a"]).is_good


def test_the_table_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    """What people have written stays, and a page without a place is refused."""
    page = tmp_path / "versions.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")

    replace_table(page, "new")

    assert f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n" == page.read_text()
    page.write_text(BEGIN)
    with pytest.raises(ValueError, match="it lacks the line"):
        replace_table(page, "new")
