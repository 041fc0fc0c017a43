"""A directory comes in, a machine whose spare memory is full of cached files goes out, as after some days of work."""

from __future__ import annotations

import os
from pathlib import Path

_BLOCK = 1 << 22

_SHARE = 0.8
"""How much of all memory the file takes: of one that does not fit, no page is cached long enough to be found."""


class PageCache:
    """Fills the memory that nobody uses with the pages of a file without content, which takes no room on the disk.

    Writing a large file takes memory first. On a virtual machine, what was never used, or has been free for a while,
    the host has to find and clear before: this took 2.5 s per GiB where these benchmarks were written, many times as
    long as writing to it, and fell on whoever wrote when all else had been used. What is cached is taken at once.

    Args:
        directory: On a disk, not in memory, for as long as benchmarks run.
    """

    def __init__(self, directory: Path) -> None:
        self._file = directory / "without_content"
        with self._file.open("wb") as stream:
            stream.truncate(int(_SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")))

    def fill(self) -> None:
        """Fill what has become free since the last time."""
        block = bytearray(_BLOCK)
        with self._file.open("rb", buffering=0) as stream:
            while stream.readinto(block):
                pass
