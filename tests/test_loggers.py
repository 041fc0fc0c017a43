"""Tests of loggers."""

from __future__ import annotations

import logging

import pytest

from kedro_autolog_pipeline.loggers import quiet


@pytest.mark.parametrize("level", [logging.NOTSET, logging.DEBUG, logging.CRITICAL])
def test_a_logger_is_quiet_for_a_while(level: int) -> None:
    """It tells of errors at most, of less where the user wants less, and afterwards of what it told before."""
    logger = logging.getLogger("somebody.else")
    logger.setLevel(level)

    with quiet("somebody"), quiet("somebody.else"):
        assert max(level, logging.ERROR) == logger.level

    assert level == logger.level
    logger.setLevel(logging.NOTSET)
