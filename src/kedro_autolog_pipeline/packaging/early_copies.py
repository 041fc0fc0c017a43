"""A large file that a run has saved comes in while it trains on; its copy and its digest go out when it has ended."""

from __future__ import annotations

import logging
import os
import shutil
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

from fsspec.implementations.local import LocalFileSystem

from kedro_autolog_pipeline.packaging.copies import Measure, copy_data
from kedro_autolog_pipeline.packaging.file_state import FileState

_LOGGER = logging.getLogger(__name__)

LARGE = 64 * 2**20
"""Bytes from which on a file is copied early; below, it takes less than a tenth of a second anyway."""

SETTLED_SECONDS = 0.25
"""How long a file must be left alone first: a generator node saves in chunks, and clocks of disks tick slowly."""

_SPARE = 4
"""How often it must fit onto the disk: the training may still have much to write, and comes first."""


class EarlyCopies:
    """Copies files beside the training, on a processor that it leaves idle: copying and hashing hold no lock of Python.

    In another process, such as a worker of ParallelRunner's, it does nothing.

    Args:
        directory: Where the copies go, to be moved from there; it is made when there is one. None copies nothing.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._copies: dict[str, _Copy] = {}
        self._begun: list[_Copy] = []

    def __reduce__(self) -> tuple[type[EarlyCopies], tuple[None]]:
        """Leave the copies and their threads to the process that they are in."""
        return EarlyCopies, (None,)

    def begin(self, path: str, state: FileState) -> None:
        """Copy a file, unless it is small or on another file system; what was copied of it before is given up.

        It raises nothing, for a node is saving: where no copy can be begun, there is none.

        Args:
            path: The file.
            state: What it is now.
        """
        if path in self._copies:
            self._copies.pop(path).give_up()
        if self._directory is None or state.inode is None or (state.size or 0) < LARGE:
            return
        # A thread cannot be started where the process may have no more of them.
        with suppress(OSError, RuntimeError):
            self._directory.mkdir(parents=True, exist_ok=True)
            self._copies[path] = _Copy(path, state, self._directory / f"{len(self._begun)}")
            self._begun.append(self._copies[path])

    def take(self, path: str, state: FileState, target: Path) -> Measure | None:
        """Move the copy of a file to its place, once; one that is being made is waited for.

        Args:
            path: The file.
            state: What it was when it was saved, and is now.
            target: The place, on the same disk as the copies.

        Returns:
            None when there is no copy of it in this state.
        """
        copy = self._copies.pop(path, None)
        if copy is None:
            return None
        copy.give_up()
        measure = copy.wait()
        if measure is None or copy.state != state:
            # The disk may not have room for this one and the next.
            copy.file.unlink(missing_ok=True)
            return None
        copy.file.rename(target)
        return measure

    def close(self) -> None:
        """Remove the copies that nobody has taken; a second time does nothing."""
        for copy in self._begun:
            copy.give_up()
            copy.wait()
        self._begun.clear()
        self._copies.clear()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)


NO_EARLY_COPIES = EarlyCopies(None)
"""What copies nothing early."""


class _Copy:
    """One copy, which its own thread makes."""

    def __init__(self, path: str, state: FileState, file: Path) -> None:
        self.state = state
        self.file = file
        self._path = path
        self._measure: Measure | None = None
        self._is_given_up = Event()
        self._is_done = Event()
        # The process need not wait for it to end.
        Thread(target=self._run, name=f"copy of {Path(path).name}", daemon=True).start()

    def give_up(self) -> None:
        """Do not begin; what has begun is finished."""
        self._is_given_up.set()

    def wait(self) -> Measure | None:
        """Wait for the copy; None when there is none."""
        self._is_done.wait()
        return self._measure

    def _run(self) -> None:
        try:
            if not self._is_given_up.wait(SETTLED_SECONDS):
                self._make()
        except Exception:
            # When the training has ended, it is tried again, and told. Until then, a part of it only fills the disk.
            _LOGGER.debug("Cannot copy '%s' while the training goes on.", self._path, exc_info=True)
            self.file.unlink(missing_ok=True)
        finally:
            self._is_done.set()
        if self._measure is not None:
            # What the disk has to write now, it need not write when the model goes to the store.
            with suppress(OSError), self.file.open("rb+") as stream:
                os.fsync(stream.fileno())

    def _make(self) -> None:
        if shutil.disk_usage(self.file.parent).free >= _SPARE * (self.state.size or 0):
            self._measure = copy_data(LocalFileSystem(), self._path, self.file)
