"""Forecast where the inputs of a pair will come from, and what its model will need, before it is trained."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from enum import Enum
from pathlib import Path
from typing import Any

import attrs
from fsspec.implementations.local import LocalFileSystem
from kedro.io import AbstractDataset, DataCatalog, DatasetError
from kedro.pipeline.node import Node

from kedro_autolog_pipeline.datasets.locations import (
    Location,
    find_location,
    has_data,
    loaded_version,
    public_uri,
    unwrapped,
)
from kedro_autolog_pipeline.datasets.validators import declared_validators
from kedro_autolog_pipeline.dependencies.needed_modules import function_seeds, named_modules, other_seeds
from kedro_autolog_pipeline.dependencies.search import Environment, Seed, find_environment
from kedro_autolog_pipeline.loggers import quiet
from kedro_autolog_pipeline.package.functions import import_path
from kedro_autolog_pipeline.pairing.pair import Pair, dataset_of
from kedro_autolog_pipeline.serving.manifest import Origin


class Presence(Enum):
    """Whether an input's data are there."""

    GIVEN = "given at predict time"
    PRODUCED = "will be produced"
    EXISTS = "exists"
    MISSING = "missing"
    UNKNOWN = "known once it is loaded"


@attrs.frozen
class ExpectedInput:
    """An input of an inference pipeline that is no parameter, before the training.

    Attributes:
        name: Its name in the pipeline, transcoding suffix included.
        origin: Where it will come from.
        dataset: Importable name of the class of its dataset; None when the catalog has none, or cannot make it.
        location: Where its dataset keeps its data; None when that is in no file, or cannot be told.
        presence: Whether its data are there.
        cause: Why its data cannot be looked for; None when they can.
        size: Bytes of its data as they are now; None for what is no reference, is not there or in no file, and where
            that cannot be told.
    """

    name: str
    origin: Origin
    dataset: str | None
    location: Location | None
    presence: Presence
    cause: str | None = None
    size: int | None = None

    @property
    def path(self) -> str | None:
        """The path or URI of its data, as it may be shown; None when it has none."""
        return None if self.location is None else public_uri(self.location.uri)

    @property
    def local_file(self) -> Path | None:
        """Its data, where they are on this machine."""
        is_local = self.location is not None and isinstance(self.location.filesystem, LocalFileSystem)
        return Path(self.location.path) if self.location is not None and is_local else None

    @property
    def modules(self) -> list[str]:
        """What loading it is known to need; of a value that is kept as a snapshot, nothing is."""
        return [] if self.location is None else named_modules(self.location.config)


def expect_inputs(
    names: Iterable[str], pair: Pair, catalog: DataCatalog, produced: Collection[str]
) -> list[ExpectedInput]:
    """Look where inputs that are no parameters will come from; their classes are imported, and nothing is loaded.

    Args:
        names: The inputs.
        pair: Their pair, perhaps with mistakes.
        catalog: The project's catalog.
        produced: The datasets that will be written before the pair is packaged.
    """
    written = {dataset_of(name) for name in produced}
    # Kedro tells of what it looks for, which would read as a part of the user's run.
    with quiet("kedro", logging.WARNING):
        return [_expect(name, pair.origins[name], catalog, written) for name in names]


def expect_environment(pair: Pair, inputs: Collection[ExpectedInput], catalog: DataCatalog) -> Environment:
    """Find what the model will need; what its artifacts refer to is known once they are there.

    Args:
        pair: The pair.
        inputs: Its artifacts.
        catalog: The project's catalog.

    Raises:
        ModelDefinitionError: When there is no such runner as the user names.
    """
    return find_environment([*function_seeds(pair.inference.nodes), *_other_seeds(pair, inputs, catalog)])


def expect_necessities(pair: Pair, inputs: Collection[ExpectedInput], catalog: DataCatalog) -> Environment:
    """Find what the model will not even load without; as above.

    Raises:
        ModelDefinitionError: When there is no such runner as the user names.
    """
    seeds = [*function_seeds(_importing(pair)), *_other_seeds(pair, inputs, catalog)]
    return find_environment(seeds, at_import_only=True)


def needing_nodes(name: str, pair: Pair) -> dict[str, str]:
    """Find the nodes whose functions cannot be imported without a distribution, or a module of the project's.

    Returns:
        A reason by the node's name.
    """
    needing = {}
    for node in _importing(pair):
        found = find_environment(function_seeds([node]), at_import_only=True)
        reasons = {each.distribution: each.reasons for each in found.requirements}
        reasons |= {each.module: each.reasons for each in found.code}
        if name in reasons:
            needing[node.name] = reasons[name][0]
    return needing


def _importing(pair: Pair) -> list[Node]:
    # A function that is pickled has what it needs with it, and may need nothing else of its module.
    return [node for node in pair.inference.nodes if import_path(node.func) is not None]


def _other_seeds(pair: Pair, inputs: Collection[ExpectedInput], catalog: DataCatalog) -> list[Seed]:
    modules = {each.name: each.modules for each in inputs}
    validators = declared_validators(catalog, pair.inputs_from(Origin.REQUEST), pair.inference.all_outputs())
    return other_seeds(modules, validators, pair.config.runner, pair.config.hooks)


def _expect(name: str, origin: Origin, catalog: DataCatalog, written: Collection[str]) -> ExpectedInput:
    presences = {Origin.REQUEST: Presence.GIVEN, Origin.TRAINED: Presence.PRODUCED}
    presence = presences.get(origin, Presence.PRODUCED if dataset_of(name) in written else Presence.UNKNOWN)
    try:
        dataset = catalog.get(name)
    except DatasetError:
        # Which is a mistake of its own.
        dataset = None
    if dataset is None:
        return ExpectedInput(name, origin, None, None, presence)
    inner = unwrapped(dataset)
    cause = None
    if presence is Presence.UNKNOWN:
        try:
            presence = {True: Presence.EXISTS, False: Presence.MISSING, None: Presence.UNKNOWN}[has_data(inner)]
        except Exception as error:  # noqa: BLE001 - whatever a dataset or its file system raises
            cause = f"{error}"
    kind = f"{type(inner).__module__}.{type(inner).__qualname__}"
    size = _size(inner) if origin is Origin.REFERENCE else None
    return ExpectedInput(name, origin, kind, _location(inner), presence, cause, size)


def _size(dataset: AbstractDataset[Any, Any]) -> int | None:
    try:
        location = find_location(dataset, loaded_version(dataset))
        return None if location is None else int(location.filesystem.du(location.path)) or None
    except Exception:  # noqa: BLE001 - whatever a dataset or its file system raises
        return None


def _location(dataset: AbstractDataset[Any, Any]) -> Location | None:
    try:
        return find_location(dataset, None)
    except Exception:  # noqa: BLE001 - it may need a file system that is not installed, or a partition's class
        return None
