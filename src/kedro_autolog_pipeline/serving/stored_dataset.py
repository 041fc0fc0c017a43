"""Load the value of an artifact."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import attrs
from kedro.io import DataCatalog

from kedro_autolog_pipeline.serving.manifest import PathArgument
from kedro_autolog_pipeline.serving.snapshots import SnapshotFormat, read_snapshot


@attrs.frozen
class StoredDataset:
    """How the data of an artifact becomes its value.

    Attributes:
        config: As ``ArtifactEntry.dataset``.
        argument: As ``ArtifactEntry.argument``.
        snapshot: As ``ArtifactEntry.snapshot``.
    """

    config: dict[str, Any]
    argument: PathArgument
    snapshot: SnapshotFormat | None

    def load(self, name: str, path: Path) -> Any:
        """Load the value.

        Args:
            name: The dataset's name, for errors.
            path: Its file or directory.

        Raises:
            Exception: Whatever the dataset raises.
        """
        if self.snapshot is not None:
            return read_snapshot(path, self.snapshot)
        # It is the catalog, and not the dataset, that validates.
        config = {**self.config, "type": _class_or_name(self.config["type"]), self.argument.value: path.as_posix()}
        catalog = DataCatalog.from_config({name: config})
        return catalog.load(name)

    def to_state(self) -> tuple[Any, ...]:
        """Return it as plain data, for a pickle that outlives this version's classes."""
        return self.config, self.argument.value, self.snapshot and self.snapshot.value

    @classmethod
    def from_state(cls, state: tuple[Any, ...] | dict[str, Any]) -> StoredDataset:
        """Take up what ``to_state`` gave; in format 1 that was the configuration alone, of a dataset with a file."""
        if isinstance(state, dict):
            return cls(state, PathArgument.FILEPATH, None)
        config, argument, snapshot = state
        return cls(config, PathArgument(argument), snapshot and SnapshotFormat(snapshot))


def _class_or_name(name: str) -> Any:
    """Return a dataset's class, or its name where Kedro knows it in its own way, or nobody does.

    Kedro looks for every name in two packages of its own first, which takes longer than loading a small artifact.
    """
    module, _, qualname = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), qualname)
    except (AttributeError, ImportError, ValueError):
        return name
