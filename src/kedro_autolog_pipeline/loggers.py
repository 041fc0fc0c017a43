"""Decide what the user is told of our own logs, and of what others log about our calls."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from kedro_autolog_pipeline.errors import showable

# Two threads that overlapped would restore each other's level.
_LOCK = threading.RLock()


def get_logger(name: str) -> logging.Logger:
    """Return the logger of a module, whose messages are shown as they are written.

    Args:
        name: The module's ``__name__``.
    """
    logger = logging.getLogger(name)
    logger.addFilter(_as_written)
    return logger


def show_information() -> None:
    """Let INFO of this package through, as Kedro does for the project's; a level that the user has set stands."""
    logger = logging.getLogger(__name__.partition(".")[0])
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.INFO)


def _as_written(record: logging.LogRecord) -> bool:
    """Have a record's text taken as it is: no markup for Kedro's handler, which is Rich's, and nothing unshowable."""
    record.markup = False
    record.msg, record.args = showable(record.getMessage()), None
    return True


@contextmanager
def quiet(name: str, level: int = logging.ERROR) -> Iterator[None]:
    """Keep what a logger, and those below it, would tell the user of our own calls from being told.

    Args:
        name: The logger's name.
        level: What is still told, unless the user wants to be told even less.
    """
    logger = logging.getLogger(name)
    with _LOCK:
        before = logger.level
        logger.setLevel(max(level, logger.getEffectiveLevel()))
        try:
            yield
        finally:
            logger.setLevel(before)
