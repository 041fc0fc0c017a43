"""Datasets of the catalog come in, their files in the package and their entries in the manifest go out.

The only reader of a dataset's internals: Kedro has no public way to ask where a dataset keeps its data.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path, PurePosixPath
from typing import Any

import attrs
from kedro.io import AbstractDataset, AbstractVersionedDataset, CachedDataset, DataCatalog

from kedro_autolog_pipeline.serving.manifest import ArtifactEntry, Origin

ARTIFACTS_DIRECTORY = "artifacts"

_DIGEST_BLOCK = 1 << 20

# What a dataset's constructor takes and a packaged dataset must not have: where the data was, how to get there, how to
# write it, and what only the project's own tools read.
_LEFT_OUT = frozenset({"filepath", "path", "credentials", "fs_args", "save_args", "metadata", "versioned", "version"})


@attrs.frozen
class Artifact:
    """A dataset that the package will hold.

    Attributes:
        name: The dataset's name in the catalog, transcoding suffix included.
        origin: Trained or reference.
        source: The file or directory on this machine that holds its data.
        dataset: Its configuration, as in ``ArtifactEntry.dataset``.
        from_this_run: Whether the run that is packaged wrote it.
    """

    name: str
    origin: Origin
    source: Path
    dataset: dict[str, Any]
    from_this_run: bool


def why_not_packageable(name: str, catalog: DataCatalog) -> str | None:
    """Give the reason why a dataset cannot become an artifact, before it is written; None when it can."""
    dataset = _dataset(name, catalog)
    if dataset is None:
        return f"'{name}' is not in the catalog, so it is gone when the run ends. Add it to catalog.yml."
    if _filepath(dataset) is None:
        return f"'{name}' ({type(dataset).__name__}) keeps its data in no file. Give it a dataset that does."
    if _protocol(dataset) != "file":
        return f"'{name}' is on a remote file system ({_protocol(dataset)}). Give it a local filepath."
    return None


def find_artifact(name: str, origin: Origin, catalog: DataCatalog, *, from_this_run: bool) -> Artifact:
    """Find the files of a dataset, as the run that is packaged left them.

    Args:
        name: The dataset's name in the catalog.
        origin: Trained or reference.
        catalog: The catalog of the run.
        from_this_run: Whether this run wrote the dataset; a versioned dataset then has the version that it saved,
            although Kedro would load the newest one.

    Raises:
        FileNotFoundError: When there is nothing where the dataset keeps its data.
    """
    dataset = _dataset(name, catalog)
    filepath = _filepath(dataset)
    if dataset is None or filepath is None:
        raise FileNotFoundError(why_not_packageable(name, catalog))
    source = Path(_current_version(dataset, filepath, from_this_run=from_this_run))
    if not source.exists():
        msg = f"'{name}' has no data at '{source}'."
        raise FileNotFoundError(msg)
    return Artifact(name, origin, source, _portable_config(name, dataset), from_this_run)


def stage_artifact(artifact: Artifact, package: Path) -> ArtifactEntry:
    """Copy an artifact into the package.

    Raises:
        ValueError: When its name would lead out of the package.
    """
    directory = f"{ARTIFACTS_DIRECTORY}/{_directory_name(artifact.name)}"
    target = package / directory / artifact.source.name
    target.parent.mkdir(parents=True)
    if artifact.source.is_dir():
        shutil.copytree(artifact.source, target)
    else:
        shutil.copy2(artifact.source, target)
    size, sha256 = _measure(target)
    return ArtifactEntry(
        name=artifact.name,
        origin=artifact.origin,
        path=f"{directory}/{artifact.source.name}",
        dataset=artifact.dataset,
        size=size,
        sha256=sha256,
        from_this_run=artifact.from_this_run,
    )


def loading_modules(artifact: Artifact) -> list[str]:
    """Give the modules that loading an artifact needs: its dataset's own, and a backend that it names."""
    modules = [artifact.dataset["type"].rpartition(".")[0]]
    # PickleDataset imports the library that this argument names.
    backend = artifact.dataset.get("backend")
    return [*modules, backend] if isinstance(backend, str) else modules


def saved_version(dataset: AbstractDataset[Any, Any] | None) -> str | None:
    """Give the version that a run saves a dataset under; None for a dataset that is not versioned."""
    # `_version` is None for a dataset that could be versioned and is not.
    if not isinstance(dataset, AbstractVersionedDataset) or dataset._version is None:  # noqa: SLF001 - see above
        return None
    return dataset.resolve_save_version()


def _dataset(name: str, catalog: DataCatalog) -> AbstractDataset[Any, Any] | None:
    dataset = catalog.get(name)
    if isinstance(dataset, CachedDataset):
        # Kedro gives no access to what a CachedDataset wraps.
        return dataset._dataset  # noqa: SLF001 - see above
    return dataset


def _filepath(dataset: AbstractDataset[Any, Any] | None) -> str | None:
    # By convention every file dataset of Kedro keeps its path in `_filepath`, PartitionedDataset in `_path`.
    path = getattr(dataset, "_filepath", None) or getattr(dataset, "_path", None)
    return None if path is None else str(path)


def _protocol(dataset: AbstractDataset[Any, Any] | None) -> str:
    return str(getattr(dataset, "_protocol", "file"))


def _current_version(dataset: AbstractDataset[Any, Any], filepath: str, *, from_this_run: bool) -> str:
    version = saved_version(dataset)
    if version is None:
        return filepath
    if not from_this_run:
        version = dataset.resolve_load_version()  # type: ignore[attr-defined]  # it is versioned
    return str(PurePosixPath(filepath) / str(version) / PurePosixPath(filepath).name)


def _portable_config(name: str, dataset: AbstractDataset[Any, Any]) -> dict[str, Any]:
    # A catalog of this dataset alone gives its configuration, and its credentials apart from it.
    config = DataCatalog({name: dataset}).to_config()[0][name]
    portable = {key: value for key, value in config.items() if key not in _LEFT_OUT}
    return {**portable, "type": f"{type(dataset).__module__}.{type(dataset).__qualname__}"}


def _directory_name(name: str) -> str:
    if name in {"", ".", ".."} or any(character in name for character in "/\\\0"):
        msg = f"'{name}' cannot name a directory."
        raise ValueError(msg)
    return name.replace(":", "_")


def _measure(path: Path) -> tuple[int, str]:
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    digest = hashlib.sha256()
    size = 0
    for file in files:
        if file is not path:
            digest.update(file.relative_to(path).as_posix().encode() + b"\0")
        with file.open("rb") as stream:
            while block := stream.read(_DIGEST_BLOCK):
                digest.update(block)
                size += len(block)
    return size, digest.hexdigest()
