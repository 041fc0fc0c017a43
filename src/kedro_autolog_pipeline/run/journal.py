"""Note what a run saves, enough to tell later whether it is still there."""

from __future__ import annotations

import json
import logging
import os
import stat
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import attrs
import cattrs
from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem
from kedro.io import AbstractDataset, DataCatalog

from kedro_autolog_pipeline.datasets.locations import find_location, saved_version, unwrapped
from kedro_autolog_pipeline.pairing.pair import dataset_of
from kedro_autolog_pipeline.run.early_copies import NO_EARLY_COPIES, EarlyCopies
from kedro_autolog_pipeline.run.file_state import FileState

_LOGGER = logging.getLogger(__name__)

# What a remote file system says of a file, the best first: what is another for other bytes, then for another write.
_TAGS = (
    "generation",
    "ETag",
    "etag",
    "md5Hash",
    "md5",
    "checksum",
    "LastModified",
    "last_modified",
    "updated",
    "modified",
    "mtime",
    "created",
)

# A generator node saves in chunks, of which each makes the look at a directory longer: when these seconds are used up,
# looks may take a hundredth of the time.
_FREE_LOOKS = 0.5
_LOOK_SHARE = 0.01


@attrs.frozen
class SavedState:
    """What a dataset's data were when a run had saved it; plain JSON with ``cattrs``.

    Attributes:
        path: The file or directory, as its file system names it; None for a dataset that keeps its data elsewhere.
        version: The version that the run saved; None for a dataset without versions.
        files: Each file by its path relative to ``path``, with forward slashes; a single file is ``''``. None where
            there are none, or nobody could look.
    """

    path: str | None
    version: str | None
    files: dict[str, FileState] | None

    @property
    def file(self) -> FileState | None:
        """The file; None for a directory, and where nobody could look."""
        return None if self.files is None else self.files.get("")


@attrs.define(eq=False)
class SaveTap:
    """Notes what one dataset's data are each time that a run has saved it.

    It goes along when ParallelRunner sends its dataset to another process.

    Attributes:
        dataset: The dataset in the run's catalog, which stays what it is.
        name: Its name there.
        journal: The file to note it in.
        early: What may copy it at once.
    """

    dataset: AbstractDataset[Any, Any]
    name: str
    journal: Path
    early: EarlyCopies = NO_EARLY_COPIES
    _shadowed: Callable[[Any], None] | None = None
    _seconds_spent: float = 0.0
    _next_look: float = 0.0
    _is_due: bool = False

    def attach(self) -> None:
        """Answer for the dataset from here on when it is saved."""
        # Whoever saves goes through this method; what it does is decided for this one object.
        own = vars(self.dataset)
        self._shadowed = own.get("save")
        own["save"] = self.save

    def save(self, data: Any) -> None:
        """Stand in for the dataset's own ``save``.

        Raises:
            Exception: Whatever that raises.
        """
        if self._shadowed is None:
            type(self.dataset).save(self.dataset, data)
        else:
            self._shadowed(data)
        if time.monotonic() >= self._next_look:
            self._note()
        elif not self._is_due:
            # What was noted after an earlier chunk is no longer true.
            self._is_due = True
            self._write(self._state(is_looking=False))

    def detach(self) -> None:
        """Put the dataset's own ``save`` back; a second time does nothing.

        Where there were too many chunks to look at each, it looks once more.
        """
        own = vars(self.dataset)
        if own.get("save") != self.save:
            return
        del own["save"]
        if self._shadowed is not None:
            own["save"] = self._shadowed
        if self._is_due:
            self._note()

    def _note(self) -> None:
        started = time.monotonic()
        self._is_due = False
        state = self._state(is_looking=True)
        self._write(state)
        if state.path is not None and state.file is not None:
            self.early.begin(state.path, state.file)
        seconds = time.monotonic() - started
        self._seconds_spent += seconds
        if self._seconds_spent > _FREE_LOOKS:
            self._next_look = started + seconds / _LOOK_SHARE

    def _state(self, *, is_looking: bool) -> SavedState:
        path = version = files = None
        try:
            inner = unwrapped(self.dataset)
            version = saved_version(inner)
            location = find_location(inner, version)
            if location is not None:
                path = location.path
                files = _look(location.filesystem, path) if is_looking else None
        except Exception:
            # Whatever a file system raises, the data are saved, and the training goes on.
            _LOGGER.debug("Cannot see what '%s' has saved.", self.name, exc_info=True)
        return SavedState(path, version, files)

    def _write(self, state: SavedState) -> None:
        # The line break before it ends a line that another process has not.
        line = f"\n{json.dumps({'name': self.name, 'state': cattrs.unstructure(state)})}\n".encode()
        try:
            # One call that appends: threads and processes that save at once do not cut each other's lines.
            descriptor = os.open(self.journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            try:
                os.write(descriptor, line)
            finally:
                os.close(descriptor)
        except OSError as error:
            _LOGGER.warning(
                "'%s' is saved, but that cannot be noted, so the model cannot be packaged (%s).", self.name, error
            )


def tap_saves(
    names: Iterable[str], catalog: DataCatalog, journal: Path, early: EarlyCopies = NO_EARLY_COPIES
) -> list[SaveTap]:
    """Have datasets noted when they are saved.

    Args:
        names: Their names, as the run's nodes write them.
        catalog: The run's own catalog, before its first node.
        journal: The file to note them in, made anew; its directory exists.
        early: What may copy them at once.

    Returns:
        The taps, to be detached in this order when the run has ended.

    Raises:
        OSError: When the journal cannot be written.
    """
    journal.write_bytes(b"")
    taps: list[SaveTap] = []
    for name in sorted(names):
        # The runner, too, has the catalog make what it does not know.
        dataset = catalog.get(name, fallback_to_runtime_pattern=True)
        if dataset is not None:
            taps.append(SaveTap(dataset, name, journal, early))
            taps[-1].attach()
    # Two names may be one object: what came last shadows the others.
    return taps[::-1]


def read_journal(journal: Path) -> dict[str, SavedState]:
    """Read what a run has saved, as its last save left it.

    Args:
        journal: What ``tap_saves`` was given; one that is not there is empty. A line that its process was killed in
            is left out.

    Returns:
        The state by dataset name without a transcoding suffix. Datasets with one path share the last state of it.
    """
    try:
        lines = journal.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    states: dict[str, SavedState] = {}
    files: dict[str | None, dict[str, FileState] | None] = {}
    for line in lines:
        try:
            content = json.loads(line)
        except ValueError:
            continue
        state = cattrs.structure(content["state"], SavedState)
        states[dataset_of(content["name"])] = state
        files[state.path] = state.files
    return {name: attrs.evolve(state, files=files[state.path]) for name, state in states.items()}


def how_changed(saved: SavedState, filesystem: AbstractFileSystem) -> str | None:
    """Compare what is there with what a run has saved.

    Args:
        saved: What it saved.
        filesystem: The file system of its path.

    Returns:
        What has happened, going on from the path ("is gone"); None when nothing has, or nobody can tell. Another
        name (a hard link) of a file does not change it.

    Raises:
        Exception: What the file system raises, unless nothing is there.
    """
    if saved.path is None or saved.files is None:
        return None
    try:
        present = _look(filesystem, saved.path)
    except FileNotFoundError:
        present = {}
    for relative in sorted({*saved.files, *present}):
        change = _difference(saved.files.get(relative), present.get(relative))
        if change is not None:
            return f"has changed: '{relative}' {change}" if relative else change
    return None


def _difference(before: FileState | None, now: FileState | None) -> str | None:
    if now is None:
        return "is gone"
    if before is None:
        return "is new"
    if now.size != before.size:
        return f"has another size ({now.size} bytes, and had {before.size})"
    if now.mtime_ns is not None and now.mtime_ns != before.mtime_ns:
        return f"was written again at {datetime.fromtimestamp(now.mtime_ns / 1e9).astimezone():%H:%M:%S}"
    # A link changes the ctime alone, and some network disks number a file anew each time that it is looked at.
    if now.inode != before.inode and now.ctime_ns != before.ctime_ns:
        return "was replaced by another file"
    return "was written again" if now.tag != before.tag else None


def _look(filesystem: AbstractFileSystem, path: str) -> dict[str, FileState]:
    is_local = isinstance(filesystem, LocalFileSystem)
    # A listing that was fetched before the save is no longer true.
    filesystem.invalidate_cache()
    if is_local:
        status = os.stat(path)  # noqa: PTH116 - many files are looked at, and a Path takes longer to make
        if not stat.S_ISDIR(status.st_mode):
            return {"": _local_state(status)}
    elif not filesystem.isdir(path):
        return {"": _remote_state(filesystem.info(path))}
    prefix = path.rstrip("/") + "/"
    return {
        file.removeprefix(prefix): _local_state(os.stat(file)) if is_local else _remote_state(entry)  # noqa: PTH116
        for file, entry in filesystem.find(path, detail=True).items()
        # An object store may list the directory itself, and others whose names begin likewise.
        if file.startswith(prefix) and file != prefix
    }


def _local_state(status: os.stat_result) -> FileState:
    return FileState(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def _remote_state(entry: dict[str, Any]) -> FileState:
    tag = next((entry[key] for key in _TAGS if entry.get(key) is not None), None)
    return FileState(entry.get("size"), tag=None if tag is None else str(tag))
