"""Copy the datasets that a model needs, and describe each for the manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import attrs
from kedro.io import DataCatalog, MemoryDataset

from kedro_autolog_pipeline.datasets.copies import Measure, copy_data, measure_file
from kedro_autolog_pipeline.datasets.file_names import directory_name, file_name
from kedro_autolog_pipeline.datasets.locations import (
    Location,
    dataset_secrets,
    find_location,
    is_in_memory,
    loaded_version,
    unwrapped,
)
from kedro_autolog_pipeline.datasets.snapshots import write_snapshot
from kedro_autolog_pipeline.errors import ArtifactChangedError
from kedro_autolog_pipeline.package.leaks import find_leaks
from kedro_autolog_pipeline.progress import progress, size_of
from kedro_autolog_pipeline.run.early_copies import EarlyCopies
from kedro_autolog_pipeline.run.record import KnownData
from kedro_autolog_pipeline.run.saved_state import SavedState, how_changed
from kedro_autolog_pipeline.run.writers import WriterNotes
from kedro_autolog_pipeline.secret_values import Secret
from kedro_autolog_pipeline.serving.manifest import ArtifactEntry, Origin

ARTIFACTS_DIRECTORY = "artifacts"


@attrs.frozen
class Artifact:
    """A dataset that the package will hold.

    Attributes:
        entry: What the manifest says of it.
        file: Its copy on this machine, a file or a directory.
        load: Loads what the project's own catalog loads for it: the version that is packaged, validated.
    """

    entry: ArtifactEntry
    file: Path
    load: Callable[[], Any]


def stage_artifact(  # noqa: PLR0913 - one for each thing that makes an artifact
    name: str,
    origin: Origin,
    catalog: DataCatalog,
    staging: Path,
    known: KnownData,
    *,
    early: EarlyCopies,
    writers: WriterNotes,
) -> Artifact:
    """Copy what a dataset holds, as the run that is packaged left it.

    Args:
        name: The dataset's name in the catalog.
        origin: Trained or reference.
        catalog: The catalog of the run, or of another session of the project.
        staging: The directory to copy it into, under the path that it will have in the package.
        known: What is known of the dataset as this run had it, although Kedro would load its newest version.
        early: What was copied while the run trained.
        writers: Which runs have written what they left to others.

    Raises:
        ArtifactChangedError: When its data are no longer what the run saved or read.
        FileNotFoundError: When there is nothing where the dataset keeps its data.
        Exception: What the dataset, its file system, or pickling what it loads raises.
    """
    dataset = catalog[name]
    inner = unwrapped(dataset)
    version = loaded_version(inner) if known.state is None else known.state.version
    # A catalog gives one version of the datasets that it holds, and not of what a CachedDataset wraps.
    load: Callable[[], Any] = partial((catalog if inner is dataset else DataCatalog({name: inner})).load, name, version)
    directory = staging / ARTIFACTS_DIRECTORY / directory_name(name)
    directory.parent.mkdir(parents=True, exist_ok=True)
    location = find_location(inner, version)
    if location is None:
        value = load()
        directory.mkdir()
        with progress(f"Writing '{name}'", done=lambda: size_of(directory)):
            file, form = write_snapshot(name, value, directory)
        _refuse_secrets(file, dataset_secrets(name, inner))
        details: dict[str, Any] = {"dataset": {}, "snapshot": form}
        measure = measure_file(file)
        if not is_in_memory(inner):
            # What is behind it may change, or cost another query.
            load = MemoryDataset(value).load
    else:
        file = directory / (file_name(location.name) or "data")
        details = {"dataset": location.config | _validator(name, catalog), "argument": location.argument}
        writer = None if known.is_saved else writers.find(location, version)
        measure = _taken_early(early, known.state, file) or _copied(name, location, known, file)
        # It may have been written to while it was read.
        _refuse_changed(name, location, known)
        if writer is not None and writer == writers.find(location, version):
            details["written_by"] = writer
    entry = ArtifactEntry(
        name=name,
        origin=origin,
        path=file.relative_to(staging).as_posix(),
        size=measure.size,
        sha256=measure.sha256,
        from_this_run=known.is_saved,
        **details,
    )
    return Artifact(entry, file, load)


def stage_parameter(name: str, value: Any, staging: Path, *, from_this_run: bool) -> Artifact:
    """Write the value of a parameter that JSON cannot hold.

    Args:
        name: Its dataset's name.
        value: What to write.
        staging: The directory to write it into, under the path that it will have in the package.
        from_this_run: Whether it is the value that the run had.

    Raises:
        Exception: What pickling it raises.
    """
    directory = staging / ARTIFACTS_DIRECTORY / directory_name(name)
    directory.mkdir(parents=True)
    file, form = write_snapshot(name, value, directory)
    measure = measure_file(file)
    entry = ArtifactEntry(
        name=name,
        origin=Origin.PARAMETER,
        path=file.relative_to(staging).as_posix(),
        dataset={},
        size=measure.size,
        sha256=measure.sha256,
        from_this_run=from_this_run,
        snapshot=form,
    )
    return Artifact(entry, file, MemoryDataset(value).load)


def place_artifacts(artifacts: Sequence[Artifact], package: Path) -> None:
    """Move the copies of artifacts, all of one staging, to their places in a package: their directory, at once."""
    if artifacts:
        # An entry's path starts with it, and ends with the file.
        directory = artifacts[0].file.parents[len(PurePosixPath(artifacts[0].entry.path).parts) - 2]
        directory.rename(package / ARTIFACTS_DIRECTORY)


def _validator(name: str, catalog: DataCatalog) -> dict[str, Any]:
    # Kedro validates since 1.6.
    spec = getattr(catalog, "validator_specs", {}).get(name)
    return {} if spec is None else {"validator": spec.to_config()}


def _refuse_changed(name: str, location: Location, known: KnownData) -> None:
    """Refuse data that are not those of the run.

    Raises:
        ArtifactChangedError: When they were changed since the run saved or read them, or are not where it did.
    """
    state = known.state
    # Their bytes are compared, where they are known.
    if state is None or state.path is None or known.digest is not None:
        return
    change = how_changed(state, location.filesystem)
    if state.path != location.path:
        change = f"is not '{state.path}', where it was {'saved' if known.is_saved else 'read'}"
    if change is not None:
        raise ArtifactChangedError(name, location.path, change, is_own=known.is_saved)


def _taken_early(early: EarlyCopies, saved: SavedState | None, target: Path) -> Measure | None:
    if saved is None or saved.path is None or saved.file is None:
        return None
    return early.take(saved.path, saved.file, target)


def _copied(name: str, location: Location, known: KnownData, target: Path) -> Measure:
    _refuse_changed(name, location, known)
    target.parent.mkdir()
    file = None if known.state is None else known.state.file
    total = None if file is None else file.size
    try:
        with progress(f"Copying '{name}'", total, lambda: size_of(target)):
            return copy_data(location.filesystem, location.path, target)
    except FileNotFoundError as error:
        msg = f"'{name}' has no data at '{location.path}'."
        raise FileNotFoundError(msg) from error


def _refuse_secrets(file: Path, secrets: Iterable[Secret]) -> None:
    """Refuse a snapshot that has taken along what its dataset gets access by.

    Raises:
        ValueError: When one of ``secrets`` is in the file.
    """
    for leak in find_leaks([file], secrets):
        msg = f"what it loads holds a secret by which it is loaded, of {leak.place}. Have a node give what is needed."
        raise ValueError(msg)
