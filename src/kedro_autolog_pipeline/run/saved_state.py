"""Describe a dataset's data, enough to tell later whether they are still the same."""

from __future__ import annotations

import os
import stat
from datetime import datetime
from typing import Any

import attrs
from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from kedro_autolog_pipeline.datasets.locations import Location
from kedro_autolog_pipeline.run.file_state import FileState

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


@attrs.frozen
class SavedState:
    """What a dataset's data were when a run had saved or read it; plain JSON with ``cattrs``.

    Attributes:
        path: The file or directory, as its file system names it; None for a dataset that keeps its data elsewhere.
        version: The version that the run saved or read; None for a dataset without versions.
        files: Each file by its path relative to ``path``, with forward slashes; a single file is ``''``. None where
            there are none, or nobody could look.
        is_mixed: Whether another run was seen to save to the path at the same time.
    """

    path: str | None
    version: str | None
    files: dict[str, FileState] | None
    is_mixed: bool = False

    @property
    def file(self) -> FileState | None:
        """The file; None for a directory, and where nobody could look."""
        return None if self.files is None else self.files.get("")


def look(location: Location) -> dict[str, FileState]:
    """Look at a dataset's files, each by its path relative to the location; a single file is ``''``.

    Raises:
        Exception: What the file system raises.
    """
    return _look(location.filesystem, location.path)


def how_changed(saved: SavedState, filesystem: AbstractFileSystem) -> str | None:
    """Compare what is there with what a run has saved or read.

    Args:
        saved: What that was.
        filesystem: The file system of its path.

    Returns:
        What has happened, going on from the path ("is gone"); None when nothing has, or nobody can tell. Another
        name (a hard link) of a file does not change it.

    Raises:
        Exception: What the file system raises, unless nothing is there.
    """
    if saved.is_mixed:
        return "was saved to by another run at the same time"
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
