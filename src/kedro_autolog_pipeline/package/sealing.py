"""List the files of a finished package in its manifest, so that they can be checked where it is loaded."""

from __future__ import annotations

from pathlib import Path

import attrs

from kedro_autolog_pipeline.datasets.copies import measure_file
from kedro_autolog_pipeline.serving.integrity import manifest_digest
from kedro_autolog_pipeline.serving.manifest import MANIFEST_FILE, FileEntry, Manifest, read_manifest, write_manifest


def seal_package(package: Path) -> str:
    """List every file of a package in its manifest; a package that was changed since is sealed again.

    An artifact, which may be large, is read once: it keeps the digest that it was copied with.

    Args:
        package: Its directory.

    Returns:
        The SHA-256 of its manifest, hexadecimal.

    Raises:
        OSError: When a file cannot be read.
    """
    manifest = read_manifest(package)
    known = _artifacts(manifest)
    found = sorted(file for file in package.rglob("*") if file.is_file() and file != package / MANIFEST_FILE)
    files = {path: _entry(file, known.get(path)) for file in found for path in [file.relative_to(package).as_posix()]}
    write_manifest(attrs.evolve(manifest, files=files), package)
    return manifest_digest(package)


def _artifacts(manifest: Manifest) -> dict[str, FileEntry]:
    """Return what is known of the files of artifacts, by their path."""
    whole = {artifact.path: FileEntry(artifact.size, artifact.sha256) for artifact in manifest.artifacts}
    # The entry of an artifact that is a directory has one digest of all its files.
    inside = {
        path: entry
        for path, entry in manifest.files.items()
        if any(path.startswith(f"{directory}/") for directory in whole)
    }
    return whole | inside


def _entry(file: Path, known: FileEntry | None) -> FileEntry:
    if known is not None and file.stat().st_size == known.size:
        return known
    measure = measure_file(file)
    return FileEntry(measure.size, measure.sha256)
