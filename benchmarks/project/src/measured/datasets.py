"""A number of bytes comes in, a file of them goes out."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import Any

from kedro.io import AbstractDataset

_BLOCK = 1 << 26


class Blob(AbstractDataset[int, int]):
    """A file of bytes without a pattern, of which the size is loaded: to load it takes no time."""

    def __init__(self, filepath: str) -> None:
        self._filepath = PurePosixPath(filepath)

    def load(self) -> int:
        """Give its size."""
        return Path(self._filepath).stat().st_size

    def save(self, data: int) -> None:
        """Write it, of a size."""
        block = os.urandom(min(data, _BLOCK))
        file = Path(self._filepath)
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as stream:
            for start in range(0, data, _BLOCK):
                stream.write(block[: data - start])

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}
