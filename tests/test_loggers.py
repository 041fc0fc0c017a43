"""Tests of loggers."""

from __future__ import annotations

import io
import logging

import pytest
from kedro.logging import RichHandler
from rich.console import Console

from kedro_autolog_pipeline.loggers import get_logger, quiet, show_information


@pytest.mark.parametrize("text", ["'when' (datetime64[us])", "[red]stop[/red]", "[/]", "C:\\[x]"])
def test_a_message_is_shown_as_it_is_written(text: str) -> None:
    """Kedro's handler takes brackets for markup, and an end of it for a fault: ours are no markup."""
    shown = io.StringIO()
    handler = RichHandler(console=Console(file=shown, width=200), show_time=False, show_path=False, show_level=False)
    logger = get_logger("kedro_autolog_pipeline.test_loggers")
    logger.addHandler(handler)

    logger.warning("%s is open.", text)

    logger.removeHandler(handler)
    assert shown.getvalue().strip() == f"{text} is open."


def test_a_message_has_no_control_character(records: list[logging.LogRecord]) -> None:
    """What a name brings along cannot steer a terminal."""
    get_logger("kedro_autolog_pipeline.test_loggers").warning("'%s' is packaged.", "a\x1b[2J")

    (record,) = records
    assert record.getMessage() == "'a\\x1b[2J' is packaged."


def test_information_is_shown() -> None:
    """After that, INFO of this package is logged wherever the root's level is higher."""
    logger = logging.getLogger("kedro_autolog_pipeline")
    logger.setLevel(logging.NOTSET)

    show_information()

    assert logging.getLogger("kedro_autolog_pipeline.any").isEnabledFor(logging.INFO)


def test_a_level_that_the_user_chose_stands() -> None:
    """Who wants to be told less, or more, is."""
    logger = logging.getLogger("kedro_autolog_pipeline")
    logger.setLevel(logging.ERROR)

    show_information()

    assert logger.level == logging.ERROR
    logger.setLevel(logging.INFO)


@pytest.mark.parametrize("level", [logging.NOTSET, logging.DEBUG, logging.CRITICAL])
def test_a_logger_is_quiet_for_a_while(level: int) -> None:
    """It tells of errors at most, of less where the user wants less, and afterwards of what it told before."""
    logger = logging.getLogger("somebody.else")
    logger.setLevel(level)

    with quiet("somebody"), quiet("somebody.else"):
        assert max(level, logging.ERROR) == logger.level

    assert level == logger.level
    logger.setLevel(logging.NOTSET)
