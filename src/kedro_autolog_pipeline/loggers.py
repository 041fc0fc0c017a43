"""Keep other libraries' loggers quiet for a while."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Two threads that overlapped would restore each other's level.
_LOCK = threading.RLock()


@contextmanager
def quiet(name: str, level: int = logging.ERROR) -> Iterator[None]:
    """Keep a logger, and those below it, from telling the user of calls that are ours.

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
