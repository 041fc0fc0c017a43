"""Note what the datasets of a run are when its nodes read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs
from fsspec.implementations.local import LocalFileSystem
from kedro.io import DataCatalog

from kedro_autolog_pipeline.datasets.locations import find_location, loaded_version, unwrapped
from kedro_autolog_pipeline.loggers import get_logger
from kedro_autolog_pipeline.pairing.pair import dataset_of
from kedro_autolog_pipeline.run.journal import Journal
from kedro_autolog_pipeline.run.saved_state import SavedState, look

_LOGGER = get_logger(__name__)


@attrs.define(eq=False)
class ReadNotes:
    """Notes what becomes of datasets when nodes load them.

    A dataset that the run does not write is noted as it was read. One that it has written is noted as saved anew when
    loading it writes to its file, as a cache does; what another node or another run has written meanwhile is not.

    Attributes:
        catalog: The run's catalog.
        journal: Where to note it.
        references: Name of each dataset that the run does not write, by that without a transcoding suffix.
        written: Names of datasets that it writes, without a transcoding suffix.
    """

    catalog: DataCatalog
    journal: Journal
    references: Mapping[str, str]
    written: frozenset[str]
    _before: dict[tuple[str, str], SavedState] = attrs.field(factory=dict)

    @classmethod
    def of(cls, artifacts: Iterable[str], written: Iterable[str], catalog: DataCatalog, journal: Journal) -> ReadNotes:
        """Watch the artifacts of pairs.

        Args:
            artifacts: Their names, as the inference pipelines read them.
            written: Names of datasets that the run writes, as its nodes do.
            catalog: The run's catalog.
            journal: Where to note it.
        """
        own = frozenset(map(dataset_of, written))
        read = {dataset_of(name): name for name in artifacts}
        return cls(catalog, journal, {name: read[name] for name in read.keys() - own}, own)

    def begin(self) -> None:
        """Note what is there before the first node."""
        for name in sorted(self.references.values()):
            state = self._state(name, is_local=False)
            if state is not None:
                self._note(name, state)

    def before_load(self, name: str, node: str) -> None:
        """Look at a dataset that a node is about to load; does nothing for one that is not watched."""
        if dataset_of(name) in self.written:
            state = self._state(name, is_local=True)
            if state is not None and state.files == self._saved(name):
                self._before[name, node] = state

    def after_load(self, name: str, node: str) -> None:
        """Note what a dataset is that a node has loaded; does nothing for one that is not watched."""
        before = self._before.pop((name, node), None)
        if before is None and dataset_of(name) not in self.references:
            return
        state = self._state(name, is_local=True)
        if state is not None and before is not None:
            state = None if state.files == before.files else self._written_by_loading(name, state)
        if state is not None:
            self._note(name, state)

    def _written_by_loading(self, name: str, state: SavedState) -> SavedState | None:
        """Load a dataset once more, for its file was written while it was loaded, by that or by somebody else.

        Args:
            name: Its name.
            state: What it is now.

        Returns:
            What loading it has made of it; None when loading writes nothing, so that somebody else has.
        """
        try:
            self.catalog[name].load()
        except Exception:
            _LOGGER.debug("Cannot load '%s' once more.", name, exc_info=True)
            return None
        loaded = self._state(name, is_local=True)
        return None if loaded is None or loaded.files == state.files else loaded

    def _saved(self, name: str) -> object:
        saved = self.journal.read().saves.get(dataset_of(name))
        return None if saved is None else saved.files

    def _state(self, name: str, *, is_local: bool) -> SavedState | None:
        """Look at a dataset.

        Args:
            name: Its name.
            is_local: Whether one that is not on this machine is left alone: to ask for it takes time.
        """
        try:
            dataset = unwrapped(self.catalog[name])
            version = loaded_version(dataset)
            location = find_location(dataset, version)
            if location is None or (is_local and not isinstance(location.filesystem, LocalFileSystem)):
                return None
            return SavedState(location.path, version, look(location))
        except Exception:
            # Whatever a file system raises, or the dataset that is not there: the node that needs it tells.
            _LOGGER.debug("Cannot see what '%s' holds.", name, exc_info=True)
            return None

    def _note(self, name: str, state: SavedState) -> None:
        try:
            if dataset_of(name) in self.references:
                self.journal.note_read(name, state)
            else:
                self.journal.note_save(name, state)
        except OSError:
            _LOGGER.debug("Cannot note what '%s' holds.", name, exc_info=True)
