"""Note what the datasets are that a training reads, when its nodes have loaded them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import attrs
import cattrs
from fsspec.implementations.local import LocalFileSystem
from kedro.io import DataCatalog
from kedro.io.core import is_parameter
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from kedro_autolog_pipeline.datasets.locations import Location, find_location, loaded_version, public_uri, unwrapped
from kedro_autolog_pipeline.datasets.tables import describe_table
from kedro_autolog_pipeline.loggers import get_logger
from kedro_autolog_pipeline.pairing.pair import dataset_of
from kedro_autolog_pipeline.run.journal import Journal
from kedro_autolog_pipeline.run.saved_state import look
from kedro_autolog_pipeline.tracking.run_inputs import EVALUATION, TRAINING, RunInput

_LOGGER = get_logger(__name__)

# Characters. MLflow takes 36.
_DIGEST_LENGTH = 16


@attrs.define(eq=False)
class InputNotes:
    """Notes what nodes have loaded: each dataset once, from the data that they have anyway.

    Attributes:
        catalog: The run's catalog.
        journal: Where to note it.
        project_path: The project, which the paths of files in it are given relative to.
        training: Names of the datasets that the run reads and does not write.
        measuring: Nodes that write metrics: the tables that they read are noted too.
    """

    catalog: DataCatalog
    journal: Journal
    project_path: Path
    training: frozenset[str]
    measuring: frozenset[Node]
    _seen: set[str] = attrs.field(factory=set)

    @classmethod
    def of(
        cls, pipeline: Pipeline, metrics: Iterable[str], catalog: DataCatalog, journal: Journal, project_path: Path
    ) -> InputNotes:
        """Watch what a pipeline reads.

        Args:
            pipeline: What is run.
            metrics: Names of the datasets of metrics that it writes.
            catalog: The run's catalog.
            journal: Where to note it.
            project_path: The project.
        """
        wanted = frozenset(map(dataset_of, metrics))
        measuring = frozenset(node for node in pipeline.nodes if wanted.intersection(map(dataset_of, node.outputs)))
        read = frozenset(name for name in pipeline.inputs() if not is_parameter(name))
        return cls(catalog, journal, project_path, read, measuring)

    def note(self, node: Node, inputs: Mapping[str, Any]) -> None:
        """Note what a node is about to be given. It raises nothing: the training goes on.

        Args:
            node: The node.
            inputs: Data by dataset name.
        """
        is_measuring = node in self.measuring
        for name, data in inputs.items():
            is_training = name in self.training
            if (is_training or is_measuring) and not is_parameter(name) and name not in self._seen:
                self._seen.add(name)
                try:
                    self._note(name, data, TRAINING if is_training else EVALUATION)
                except Exception:
                    # Whatever a file system, a table or a disk raises.
                    _LOGGER.debug("Cannot describe '%s'.", name, exc_info=True)

    def _note(self, name: str, data: Any, context: str) -> None:
        table = describe_table(data)
        if table is None and context == EVALUATION:
            return
        location = self._location(name)
        digest = None if table is None else table.digest
        if digest is None and location is not None:
            digest = _digest_of_files(location)
        if digest is None:
            return
        kind, source = _source(dataset_of(name), location, self.project_path)
        schema, profile = (None, None) if table is None else (table.schema, table.profile)
        self.journal.note_input(
            name, RunInput(dataset_of(name), digest, kind, json.dumps(source), schema, profile, context)
        )

    def _location(self, name: str) -> Location | None:
        dataset = self.catalog.get(name)
        if dataset is None:
            return None
        inner = unwrapped(dataset)
        return find_location(inner, loaded_version(inner))


def _digest_of_files(location: Location) -> str:
    """Return what differs when a file was written again; none is read for it."""
    files = {path: cattrs.unstructure(state) for path, state in look(location).items()}
    # A copy in another checkout is the same data.
    relevant = {path: [state["size"], state["mtime_ns"], state["tag"]] for path, state in files.items()}
    return sha256(json.dumps(relevant, sort_keys=True).encode()).hexdigest()[:_DIGEST_LENGTH]


def _source(name: str, location: Location | None, project_path: Path) -> tuple[str, dict[str, Any]]:
    """Return where data are as MLflow names sources: the kind, and what describes one of it."""
    if location is None:
        return "code", {"tags": {"kedro.dataset": name}}
    if isinstance(location.filesystem, LocalFileSystem):
        path = Path(location.path)
        is_own = path.is_relative_to(project_path)
        return "local", {"uri": path.relative_to(project_path).as_posix() if is_own else str(path)}
    uri = public_uri(location.uri)
    scheme = uri.partition("://")[0]
    return ("http", {"url": uri}) if scheme in {"http", "https"} else (scheme, {"uri": uri})
