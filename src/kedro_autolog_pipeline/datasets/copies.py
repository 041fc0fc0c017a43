"""Copy a file or directory of any file system to this machine, with its size and digest."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import attrs
from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from kedro_autolog_pipeline.serving.integrity import read_into

if TYPE_CHECKING:
    from hashlib import _Hash

_BLOCK = 1 << 20


@attrs.frozen
class Measure:
    """What a file or directory holds.

    Attributes:
        size: Bytes of all its files.
        sha256: As in ``ArtifactEntry.sha256``.
    """

    size: int
    sha256: str


def copy_data(filesystem: AbstractFileSystem, source: str, target: Path) -> Measure:
    """Copy a file or directory, without ever holding a file in memory.

    It is a copy even where another name of the same bytes would do: whoever wrote to the one would write to the other,
    and the digest, which takes longer than the copy, is computed in any case. For the digest a file is read once more,
    beside the copy: whoever needs to know that nobody has written to it meanwhile looks at it before and afterwards.

    Args:
        filesystem: Where it is.
        source: It, as ``filesystem`` names it.
        target: The copy; its parent exists.

    Raises:
        FileNotFoundError: When there is nothing.
        ValueError: When a name in the directory leads out of it.
        Exception: What reading or writing raises.
    """
    # A listing that was fetched before the run saved is no longer true.
    filesystem.invalidate_cache()
    digest = hashlib.sha256()
    if filesystem.isfile(source):
        return Measure(_copy_file(filesystem, source, target, digest), digest.hexdigest())
    if not filesystem.isdir(source):
        raise FileNotFoundError(source)
    size = 0
    target.mkdir()
    for relative, is_directory in sorted(_inside(filesystem, source)):
        inner = target / relative
        if is_directory:
            inner.mkdir(parents=True, exist_ok=True)
            continue
        inner.parent.mkdir(parents=True, exist_ok=True)
        digest.update(relative.encode() + b"\0")
        size += _copy_file(filesystem, f"{source.rstrip('/')}/{relative}", inner, digest)
    return Measure(size, digest.hexdigest())


def measure_file(file: Path) -> Measure:
    """Return the size and digest of a file on this machine."""
    digest = hashlib.sha256()
    return Measure(read_into(digest, file), digest.hexdigest())


def _inside(filesystem: AbstractFileSystem, directory: str) -> Iterator[tuple[str, bool]]:
    """Find the path of all that is in a directory, relative to it, and whether it is a directory."""
    prefix = directory.rstrip("/") + "/"
    for path, entry in filesystem.find(directory, withdirs=True, detail=True).items():
        # An object store lists the directory itself, and may list others whose names begin likewise.
        relative = path.removeprefix(prefix).rstrip("/")
        if not path.startswith(prefix) or not relative:
            continue
        if ".." in PurePosixPath(relative).parts or PurePosixPath(relative).is_absolute():
            msg = f"'{path}' leads out of its directory."
            raise ValueError(msg)
        yield relative, entry["type"] == "directory"


def _copy_file(filesystem: AbstractFileSystem, source: str, target: Path, digest: _Hash) -> int:
    if not isinstance(filesystem, LocalFileSystem):
        filesystem.get_file(source, str(target))
        return read_into(digest, target)
    if Path(source).stat().st_size < _BLOCK:
        # A small file is no work for a thread.
        content = Path(source).read_bytes()
        digest.update(content)
        return target.write_bytes(content)
    with ThreadPoolExecutor(1) as hashing:
        hashed = hashing.submit(read_into, digest, Path(source))
        # The kernel copies many times as fast as Python hands it blocks to write, which it holds up when it is busy.
        shutil.copyfile(source, target)
        return hashed.result()
