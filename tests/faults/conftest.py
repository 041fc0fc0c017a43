"""Prints what became of the faults when all of them are done."""

from __future__ import annotations

import pytest

from faults.table import Observation, markdown


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of the faults after which all was as it must be."""
    reports = terminalreporter.getreports("passed")
    found = [Observation(**value) for report in reports for name, value in report.user_properties if name == "fault"]
    if found:
        terminalreporter.write_line(markdown(found))
