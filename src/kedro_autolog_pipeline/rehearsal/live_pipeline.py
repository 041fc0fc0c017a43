"""Call the inference pipeline once on data of the run, as ``kedro run`` would."""

from __future__ import annotations

import logging
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextvars import copy_context
from functools import cached_property
from pathlib import Path
from typing import Any

import attrs
from kedro.io import AbstractDataset, DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.runner import SequentialRunner

from kedro_autolog_pipeline.datasets.locations import is_in_memory, relocated
from kedro_autolog_pipeline.datasets.validators import declared_validators
from kedro_autolog_pipeline.errors import PackagingError
from kedro_autolog_pipeline.loggers import get_logger, quiet
from kedro_autolog_pipeline.pairing.pair import Pair, dataset_of
from kedro_autolog_pipeline.rehearsal.failed_node import FailedNode
from kedro_autolog_pipeline.rehearsal.in_place_changes import InPlaceChanges
from kedro_autolog_pipeline.rehearsal.private_store import private_store
from kedro_autolog_pipeline.rehearsal.project_hooks import describe_hooks, project_hooks
from kedro_autolog_pipeline.serving.copying import copied
from kedro_autolog_pipeline.serving.frames import as_pandas
from kedro_autolog_pipeline.serving.parameters import typed_parameters
from kedro_autolog_pipeline.serving.request import answer
from kedro_autolog_pipeline.serving.validators import DatasetValidator, resolve_validators

_LOGGER = get_logger(__name__)

SLOW_SECONDS = 3.0
"""When the user is told what takes so long."""


class _LoadedDataset(AbstractDataset[Any, Any]):
    """Whatever a function gives each time that it is loaded."""

    def __init__(self, load: Callable[[], Any]) -> None:
        self._get = load

    def load(self) -> Any:
        return self._get()

    def save(self, data: Any) -> None:
        raise NotImplementedError

    def _describe(self) -> dict[str, Any]:
        return {}


class _WatchedDataset(AbstractDataset[Any, Any]):
    """A dataset that a node writes; it keeps what was saved to it when Kedro releases it.

    Args:
        name: Its name.
        stored: What saves and loads it; None keeps it in memory, as a ``MemoryDataset`` does.
        validator: What the catalog validates it by when it saves and loads it; None means nothing.
    """

    def __init__(self, name: str, stored: AbstractDataset[Any, Any] | None, validator: DatasetValidator | None) -> None:
        self._name = name
        self.stored = stored
        self._validator = validator
        self.saved: Any = None
        self.chunks = 0

    def save(self, data: Any) -> None:
        if self._validator is not None and self._validator.on_save:
            data = self._validator.validate(data)
        self.saved = copied(self._name, data)
        self.chunks += 1
        if self.stored is not None:
            self.stored.save(data)

    def load(self) -> Any:
        data = copied(self._name, self.saved) if self.stored is None else self.stored.load()
        return data if self._validator is None or not self._validator.on_load else self._validator.validate(data)

    def _describe(self) -> dict[str, Any]:
        return {"name": self._name}


class _InferencePipeline(Pipeline):
    """A pipeline that knows its inputs: Kedro's runner asks for them behind each input of a node, to release it."""

    @cached_property
    def _free_inputs(self) -> set[str]:
        return super().inputs()

    def inputs(self) -> set[str]:
        return set(self._free_inputs)


@attrs.frozen
class Written:
    """What a node has given.

    Attributes:
        node: The node's name.
        value: What it gave.
    """

    node: str
    value: Any


@attrs.frozen
class Stored:
    """A dataset between two nodes that the catalog stores, so that ``kedro run`` writes and reads it.

    Attributes:
        kind: Class of the dataset.
        readers: Names of the nodes that read it.
        saved: What the node before it gave.
        loaded: What the dataset gave back.
    """

    kind: str
    readers: tuple[str, ...]
    saved: Any
    loaded: Any


@attrs.frozen
class Reference:
    """What ``kedro run`` would have made of a sample.

    Attributes:
        output: The output as a model gives it, or a dictionary by name where there are several.
        written: By dataset name, in the order of the nodes.
        stored: By dataset name, those between two nodes that were written and read.
        kept_in_memory: Those that the catalog stores, and that were not: the user has said so, or they cannot be
            stored anywhere but in their own place.
        hooks: Hooks of the project that were called around nodes and datasets, as ``describe_hooks`` names them.
        changed: Artifacts that a node changed in place, sorted. Only looked for where no fresh process is asked for
            it, since the configuration says ``verify: false``.
    """

    output: Any
    written: Mapping[str, Written] = attrs.field(factory=dict)
    stored: Mapping[str, Stored] = attrs.field(factory=dict)
    kept_in_memory: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


@attrs.frozen
class LivePipeline:
    """The inference pipeline as the project runs it.

    Attributes:
        pair: The resolved pair.
        artifacts: By dataset name, what loads it as often as a node asks for it.
        parameters: Plain value by dataset name.
        catalog: The catalog of the run, which says how datasets between nodes are stored.
        directory: Where a call puts its temporary files, which go when it ends. A process that is killed leaves them
            there.
    """

    pair: Pair
    artifacts: Mapping[str, Callable[[], Any]]
    parameters: Mapping[str, Any]
    catalog: DataCatalog
    directory: Path

    def rehearse(self, sample: Mapping[str, Any]) -> Reference:
        """Run the pipeline once, by Kedro's runner, with the project's hooks.

        A dataset between two nodes that the catalog stores is written and read at a temporary place. What nodes log
        to MLflow reaches no server.

        Args:
            sample: Request data by dataset name.

        Raises:
            PackagingError: When a node, a dataset or a hook raises, or when a node writes an output in chunks that its
                dataset puts together.
        """
        with tempfile.TemporaryDirectory(dir=self.directory, ignore_cleanup_errors=True) as directory:
            return _in_a_thread(lambda: self._run(sample, Path(directory)), self.pair.config.inference)

    def _run(self, sample: Mapping[str, Any], directory: Path) -> Reference:
        pipeline = _InferencePipeline(self.pair.inference.nodes)
        hooks = project_hooks()
        failed = FailedNode()
        hooks.register(failed)
        changes = InPlaceChanges()
        loads = self.artifacts
        if not self.pair.config.verify:
            loads = {name: changes.watching(name, load) for name, load in loads.items()}
        # Kedro tells of each node that it runs, which would read as a second run of the user's, and how to resume it.
        with quiet("kedro", logging.CRITICAL), private_store(directory):
            # A run of another pipeline holds these values without the types that this one's nodes ask for.
            given = {**sample, **typed_parameters(self.parameters, self.pair.inference)}
            written = self._written(pipeline, directory)
            catalog = DataCatalog(
                {
                    **{name: MemoryDataset(data) for name, data in given.items()},
                    **{name: _LoadedDataset(load) for name, load in loads.items()},
                    **written,
                }
            )
            try:
                result = SequentialRunner().run(pipeline, catalog, hook_manager=hooks)
            except Exception as error:
                kinds = {name: type(each.stored).__name__ for name, each in written.items() if each.stored is not None}
                raise PackagingError(self.pair.config.name, [failed.describe(error, kinds)]) from error
            request = {name: as_pandas(data) for name, data in sample.items()}
            output = _bare(answer({name: copied(name, written[name].saved) for name in sorted(result)}, request))
            between = pipeline.all_inputs() & set(written)
            stored = {
                name: Stored(type(each.stored).__name__, _readers(pipeline, name), each.saved, each.stored.load())
                for name, each in written.items()
                if each.stored is not None and name in between
            }
            self._refuse_chunks(pipeline, written, directory)
        return Reference(
            output=output,
            written={name: Written(node.name, written[name].saved) for node in pipeline.nodes for name in node.outputs},
            stored=stored,
            kept_in_memory=tuple(
                sorted(name for name in between if written[name].stored is None and self._is_stored(name))
            ),
            hooks=tuple(describe_hooks(hooks, self.pair.config.hooks)),
            changed=changes.names(),
        )

    def _written(self, pipeline: Pipeline, directory: Path) -> dict[str, _WatchedDataset]:
        """Make a dataset for each that a node writes, or reads under another transcoding suffix."""
        names, outputs = {dataset_of(name) for name in pipeline.all_outputs()}, pipeline.outputs()
        in_memory = {dataset_of(name) for name in [*self.pair.config.in_memory, *outputs]}
        # Names of one dataset have one place.
        places = {name: directory / f"{index}" for index, name in enumerate(sorted(names))}
        validators = resolve_validators(
            declared_validators(self.catalog, (), pipeline.all_outputs()), self.pair.config.name
        )
        return {
            name: _WatchedDataset(
                name,
                None if dataset_of(name) in in_memory else self._stored(name, places[dataset_of(name)]),
                validators.get(name),
            )
            for name in pipeline.datasets()
            if dataset_of(name) in names
        }

    def _refuse_chunks(self, pipeline: Pipeline, written: Mapping[str, _WatchedDataset], directory: Path) -> None:
        """Refuse an output that a generator writes in chunks, and its dataset keeps more of than the last one."""
        # It imports pandas, which the user's pipeline need not do.
        from kedro_autolog_pipeline.rehearsal.comparison import first_difference

        in_chunks = [
            (node, name)
            for node in pipeline.nodes
            for name in node.outputs
            if name in pipeline.outputs() and written[name].chunks > 1
        ]
        for node, name in in_chunks:
            first, second = (self._stored(name, directory / which) for which in ("twice", "once"))
            if first is None or second is None:
                continue
            for dataset in (first, first, second):
                dataset.save(written[name].saved)
            if first_difference(first.load(), second.load()) is not None:
                cause = (
                    f"node '{node.name}' yields '{name}' in chunks, which {type(first).__name__} puts together, and a "
                    "model would answer with the last one alone. Have the node give all of it at once."
                )
                raise PackagingError(self.pair.config.name, [cause])

    def _stored(self, name: str, place: Path) -> AbstractDataset[Any, Any] | None:
        if not self._is_stored(name):
            return None
        # Older fsspec makes no directory for a file that is appended to.
        place.mkdir(exist_ok=True)
        return relocated(self.catalog[name], place)

    def _is_stored(self, name: str) -> bool:
        return name in self.catalog and not is_in_memory(self.catalog[name])


def _bare(outputs: dict[str, Any]) -> Any:
    return next(iter(outputs.values())) if len(outputs) == 1 else outputs


def _readers(pipeline: Pipeline, name: str) -> tuple[str, ...]:
    return tuple(node.name for node in pipeline.nodes if name in node.inputs)


def _in_a_thread(call: Callable[[], Reference], inference: str) -> Reference:
    """Call in a thread of its own, where MLflow knows no active run, and say what is done when it takes long.

    Raises:
        Exception: Whatever the call raises.
    """
    results: list[Reference] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(call())
        except BaseException as error:  # noqa: BLE001 - it is raised where the caller is
            errors.append(error)

    thread = threading.Thread(target=copy_context().run, args=(work,), daemon=True, name="rehearsal")
    thread.start()
    thread.join(SLOW_SECONDS)
    if thread.is_alive():
        _LOGGER.info("Still calling the inference pipeline '%s' once, on the first rows of this run's data.", inference)
        thread.join()
    for error in errors:
        if isinstance(error, Exception):
            raise error
        # A node that ends the process ends no training.
        msg = f"it would end the process: {error!r}"
        raise RuntimeError(msg) from error
    return results[0]
