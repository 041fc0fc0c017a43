"""Copy the files that a run has saved while it trains on."""

from __future__ import annotations

import os
import shutil
import time
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Lock, Thread

from fsspec.implementations.local import LocalFileSystem

from kedro_autolog_pipeline.datasets.copies import Measure, copy_data
from kedro_autolog_pipeline.loggers import get_logger
from kedro_autolog_pipeline.progress import progress, size_of
from kedro_autolog_pipeline.run.file_state import FileState

_LOGGER = get_logger(__name__)

LARGE = 64 * 2**20
"""Bytes from which on the disk is told to write a copy at once, so that it has not to when the model is stored."""

SETTLED_SECONDS = 0.25
"""How long nothing must be saved first: the disk is the training's, a generator node saves in chunks, and clocks of
disks tick slowly."""

_SPARE = 4
"""How often it must fit onto the disk: the training may still have much to write, and comes first."""


class EarlyCopies:
    """Copies files beside the training, one after the other, in a thread of its own.

    Copying and hashing hold no lock of Python, and a processor that the training leaves idle does them. In another
    process, such as a worker of ParallelRunner's, nothing is copied.

    Args:
        directory: Where the copies go, to be moved from there; it is made when there is one. None copies nothing.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._lock = Lock()
        self._copies: dict[str, _Copy] = {}
        self._begun: list[_Copy] = []
        self._queue: SimpleQueue[_Copy | None] = SimpleQueue()
        self._due = 0.0
        self._is_closing = Event()

    def __reduce__(self) -> tuple[type[EarlyCopies], tuple[None]]:
        """Leave the copies and their thread to the process that they are in."""
        return EarlyCopies, (None,)

    def begin(self, path: str, state: FileState) -> None:
        """Have a file copied, unless it is on another file system; what was copied of it before is given up.

        It raises nothing, for a node is saving: where no copy can be begun, there is none.

        Args:
            path: The file.
            state: What it is now.
        """
        if self._directory is None or state.inode is None:
            return
        # Several threads of a runner may save at once. A thread cannot be started where there are too many of them.
        with self._lock, suppress(RuntimeError):
            self._due = time.monotonic() + SETTLED_SECONDS
            before = self._copies.pop(path, None)
            if before is not None:
                before.give_up()
            if not self._begun:
                # The process need not wait for it to end.
                Thread(target=self._work, name="copies of artifacts", daemon=True).start()
            copy = _Copy(path, state, self._directory / f"{len(self._begun)}")
            self._begun.append(copy)
            self._copies[path] = copy
            self._queue.put(copy)

    def take(self, path: str, state: FileState, target: Path) -> Measure | None:
        """Move the copy of a file to its place, once; one that is being made is waited for.

        Args:
            path: The file.
            state: What it was when it was saved, and is now.
            target: The place: a directory that does not exist, on the same disk as the copies, and a file in it.

        Returns:
            None when there is no copy of it in this state; the directory then is not made.
        """
        copy = self._copies.pop(path, None)
        measure = None if copy is None else copy.awaited()
        if copy is None or measure is None:
            return None
        if copy.state == state:
            # Some systems move nothing that is still being written to the disk.
            with suppress(OSError):
                copy.move(target)
                return measure
        copy.give_up()
        return None

    def close(self) -> None:
        """Remove the copies that nobody has taken; a second time does nothing."""
        self._is_closing.set()
        self._queue.put(None)
        for copy in self._copies.values():
            copy.give_up()
        self._copies.clear()
        # What was given up while it was made is still being written.
        for copy in self._begun:
            copy.result()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)

    def _work(self) -> None:
        while (copy := self._queue.get()) is not None:
            # Saves go on while it waits.
            while (seconds := self._due - time.monotonic()) > 0 and not self._is_closing.wait(seconds):
                pass
            copy.make()


NO_EARLY_COPIES = EarlyCopies(None)
"""What copies nothing early."""


class _Copy:
    """One copy in a directory of its own, made by one thread and wanted by another."""

    def __init__(self, path: str, state: FileState, directory: Path) -> None:
        self.state = state
        self._path = path
        self._directory = directory
        self._file = directory / "copy"
        self._outcome: Future[Measure | None] = Future()
        self._is_given_up = False

    def make(self) -> None:
        """Make the copy, unless nobody wants it any more."""
        if not self._outcome.set_running_or_notify_cancel():
            return
        measure = None
        try:
            measure = self._made()
        except Exception:
            # When the training has ended, it is tried again, and told. Until then, a part of it only fills the disk.
            _LOGGER.debug("Cannot copy '%s' while the training goes on.", self._path, exc_info=True)
            self._is_given_up = True
        finally:
            # In this order, as ``give_up`` looks the other way round: one of the two sees that nobody wants it.
            self._outcome.set_result(measure)
            if self._is_given_up:
                self._remove()
        if measure is not None and measure.size >= LARGE:
            with suppress(OSError), self._file.open("rb+") as stream:
                os.fsync(stream.fileno())

    def result(self) -> Measure | None:
        """Return what was copied, when that is done; None when it has not begun, and from now on will not."""
        return None if self._outcome.cancel() else self._outcome.result()

    def awaited(self) -> Measure | None:
        """Return the result, and show how far the copy is where that has to be waited for."""
        if self._outcome.done() or not self._outcome.running():
            return self.result()
        with progress(f"Copying '{self._path}'", self.state.size, lambda: size_of(self._file)):
            return self.result()

    def give_up(self) -> None:
        """Do not begin, and do not keep what is there: the disk may not have room for this one and the next."""
        self._is_given_up = True
        if not self._outcome.cancel() and self._outcome.done():
            self._remove()

    def move(self, target: Path) -> None:
        """Move what was copied to its place.

        Raises:
            OSError: When it cannot be moved; nothing is there then.
        """
        self._file.rename(self._directory / target.name)
        self._directory.rename(target.parent)

    def _made(self) -> Measure | None:
        self._directory.mkdir(parents=True)
        if shutil.disk_usage(self._directory).free < _SPARE * (self.state.size or 0):
            return None
        return copy_data(LocalFileSystem(), self._path, self._file)

    def _remove(self) -> None:
        shutil.rmtree(self._directory, ignore_errors=True)
