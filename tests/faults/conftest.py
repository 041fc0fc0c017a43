"""Prints what became of the faults when all of them are done, and writes it into the page for users."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.table import Observation, markdown, write_table

_PAGE = Path(__file__).parents[2] / "docs" / "when-things-go-wrong.md"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the page be written on demand."""
    parser.addoption("--update-page", action="store_true", help=f"Write the table into {_PAGE.name}.")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table of the faults after which all was as it must be."""
    reports = terminalreporter.getreports("passed")
    found = [Observation(**value) for report in reports for name, value in report.user_properties if name == "fault"]
    if not found:
        return
    table = markdown(found)
    terminalreporter.write_line(table)
    if config.getoption("--update-page"):
        write_table(_PAGE, table)
