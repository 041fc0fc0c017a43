"""Compare the files of a package with what its manifest says of them."""

from __future__ import annotations

import hashlib
import marshal
import os
import re
import stat
from collections.abc import Iterator
from importlib.util import MAGIC_NUMBER, source_from_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from kedro_autolog_pipeline.errors import ModelLoadError
from kedro_autolog_pipeline.serving.manifest import MANIFEST_FILE, FileEntry, Manifest

if TYPE_CHECKING:
    from hashlib import _Hash

VERIFY_VARIABLE = "KEDRO_AUTOLOG_VERIFY"
"""Environment variable: where it is 1, loading a model reads every file of its package and compares the digests."""

# MLflow writes it into what it downloads for a registered version.
_MLFLOWS_OWN = "registered_model_meta"

_FIRST_FORMAT_WITH_FILES = 2

_FAULTS_SHOWN = 3

_BLOCK = 1 << 20

# Flags, and the time and size or the hash of the source, follow the magic number; PEP 552.
_BYTECODE_HEADER = 16


def check_files(package: Path, manifest: Manifest) -> None:
    """Refuse a package whose files are not those that its manifest lists.

    Whether each is there, is in the package and has its size is always looked at. Its bytes are read, and what is not
    listed is looked for, where the environment says ``KEDRO_AUTOLOG_VERIFY=1``.

    Args:
        package: The package's directory.
        manifest: Its manifest.

    Raises:
        ModelLoadError: When one is not.
    """
    faults = list(find_faults(package, manifest, reads=os.environ.get(VERIFY_VARIABLE) == "1"))
    if faults:
        more = f"; and {len(faults) - _FAULTS_SHOWN} more" if len(faults) > _FAULTS_SHOWN else ""
        raise ModelLoadError(
            str(package),
            f"its files are not those that were packaged: {'; '.join(faults[:_FAULTS_SHOWN])}{more}.",
            "Fetch its files again, or log the model again.",
        )


def find_faults(package: Path, manifest: Manifest, *, reads: bool) -> Iterator[str]:
    """Find what is wrong with the files of a package, each as a clause.

    Args:
        package: The package's directory.
        manifest: Its manifest; one of format 1 lists no files, so that only its paths are looked at.
        reads: Whether each file is read for its digest, and what is not listed is a fault.
    """
    root = os.path.realpath(package)
    named = [
        MANIFEST_FILE,
        *(node.function for node in manifest.nodes if node.is_pickled),
        *(artifact.path for artifact in manifest.artifacts),
    ]
    for path in named:
        if path not in manifest.files and not _is_inside(path, root, {}):
            yield f"'{path}' leads out of the package"
    if manifest.format_version < _FIRST_FORMAT_WITH_FILES:
        return
    if not manifest.files:
        yield f"{MANIFEST_FILE} lists no files"
    directories: dict[str, bool] = {}
    for path, entry in sorted(manifest.files.items()):
        fault = _fault(path, entry, root, directories, reads=reads)
        if fault is not None:
            yield f"'{path}' {fault}"
    if reads:
        yield from (f"'{path}' is not in {MANIFEST_FILE}" for path in sorted(_unlisted(Path(root), manifest)))


def manifest_digest(package: Path) -> str:
    """Return the SHA-256 of a package's manifest, hexadecimal.

    Raises:
        OSError: When it cannot be read.
    """
    return hashlib.sha256((package / MANIFEST_FILE).read_bytes()).hexdigest()


def read_into(digest: _Hash, file: Path) -> int:
    """Read a file into a digest, block by block, and return how many bytes it has."""
    size = 0
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
            size += len(block)
    return size


def _fault(path: str, entry: FileEntry, root: str, directories: dict[str, bool], *, reads: bool) -> str | None:
    """Return what is wrong with a file, as the end of a clause that starts with its path; None when it is as listed."""
    place = os.path.join(root, path)  # noqa: PTH118 - a hundred of these are part of each load
    if not _is_inside(path, root, directories):
        return "leads out of the package"
    try:
        status = os.stat(place)  # noqa: PTH116 - as above
    except OSError:
        return "is missing"
    if not stat.S_ISREG(status.st_mode):
        return "is no file"
    if status.st_size != entry.size:
        return f"has {status.st_size} bytes, and {entry.size} were packaged"
    if reads:
        digest = hashlib.sha256()
        read_into(digest, Path(place))
        if digest.hexdigest() != entry.sha256:
            return "has other bytes than were packaged"
    return None


def _is_inside(path: str, root: str, directories: dict[str, bool]) -> bool:
    """Tell whether a path of the manifest stays in the package, wherever links lead.

    Args:
        path: The path.
        root: The package's directory, without links.
        directories: What is known of directories; it is added to.
    """
    relative = PurePosixPath(path)
    if relative.is_absolute() or ".." in relative.parts or re.search(r"[\\\0]|^\w:", path):
        return False
    directory = os.path.join(root, *relative.parts[:-1])  # noqa: PTH118 - as above
    if directory not in directories:
        directories[directory] = _contains(root, os.path.realpath(directory))
    place = os.path.join(directory, relative.name)  # noqa: PTH118 - as above
    return directories[directory] and (
        not os.path.islink(place) or _contains(root, os.path.realpath(place))  # noqa: PTH114 - as above
    )


def _contains(root: str, place: str) -> bool:
    return place == root or place.startswith(root + os.sep)


def _unlisted(root: Path, manifest: Manifest) -> Iterator[str]:
    """Find what is in a package and not in its manifest; what Python has compiled of a listed file is of no harm."""
    for directory, directories, names in os.walk(root):
        links = [name for name in directories if Path(directory, name).is_symlink()]
        for name in (*names, *links):
            file = Path(directory, name)
            path = file.relative_to(root).as_posix()
            if path not in manifest.files and path not in {MANIFEST_FILE, _MLFLOWS_OWN} and not _is_compiled(file):
                yield path


def _is_compiled(file: Path) -> bool:
    """Tell whether a file is what Python compiles of the source that it stands beside, or is no use to this Python."""
    try:
        source, content = Path(source_from_cache(str(file))), file.read_bytes()
        if content[: len(MAGIC_NUMBER)] != MAGIC_NUMBER:
            return True
        level = re.search(r"\.opt-(\d)$", file.stem)
        compiled = compile(
            source.read_bytes(), str(source), "exec", dont_inherit=True, optimize=int(level[1]) if level else 0
        )
        return bool(marshal.loads(content[_BYTECODE_HEADER:]) == compiled)  # noqa: S302 - nothing of it is run
    except (OSError, SyntaxError, ValueError, EOFError, TypeError):
        return False
