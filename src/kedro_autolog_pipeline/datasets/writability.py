"""Tell why a path cannot be written, before anything is written."""

from __future__ import annotations

import os
from pathlib import Path


def why_not_writable(path: Path) -> str | None:
    """Return the reason why a file or directory cannot be written, be it there yet or not; None when it can.

    What is not there is made below the nearest directory that is. Nothing is written to find out.
    """
    # Path.exists raises where a directory on the way cannot be searched, before Python 3.14.
    nearest = next(candidate for candidate in (path, *path.parents) if os.path.exists(candidate))  # noqa: PTH110 - see above
    if nearest != path and not nearest.is_dir():
        return f"'{nearest}' is no directory"
    # Without the right to search a directory, nothing can be made in it either.
    needed = os.W_OK | os.X_OK if nearest.is_dir() else os.W_OK
    return None if os.access(nearest, needed) else f"'{nearest}' cannot be written"


def why_not_filled(directory: Path) -> str | None:
    """Return the reason why no file can be made in a directory, be it there yet or not; None when one can."""
    return why_not_writable(directory / "any file")
