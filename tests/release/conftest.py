"""Has the steps from the built wheel to an answer written into the page for users, on demand."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the page be written."""
    parser.addoption("--update-transcript", action="store_true", help="Write the steps into ten-minutes.md.")
