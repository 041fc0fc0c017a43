"""Note, while a training runs, some rows of what its inference pipeline will be compared with."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from kedro_autolog_pipeline.config.schema import SkewMode
from kedro_autolog_pipeline.datasets.noted_rows import NotedRows, note_rows
from kedro_autolog_pipeline.loggers import get_logger
from kedro_autolog_pipeline.pairing.counterparts import find_counterparts
from kedro_autolog_pipeline.pairing.pair import Pair

_LOGGER = get_logger(__name__)


class TrainingValues:
    """Rows of datasets, each as a node had it first.

    Args:
        names: The datasets; none costs nothing.
    """

    def __init__(self, names: Collection[str]) -> None:
        self._names = frozenset(names)
        self._noted: dict[str, NotedRows | None] = {}

    @classmethod
    def of(cls, pairs: Iterable[Pair]) -> TrainingValues:
        """Prepare to note what pairs have in both of their pipelines, and what training makes it of."""
        found = [each for pair in pairs if pair.config.skew is not SkewMode.OFF for each in find_counterparts(pair)]
        return cls({name for each in found for name in (each.training_output, *each.sources)})

    def note(self, values: Mapping[str, Any]) -> None:
        """Note rows of those values that are asked for; it raises nothing, for a node is about to run, or has run.

        Args:
            values: By dataset name, what a node is given or has given.
        """
        for name in self._names.intersection(values).difference(self._noted):
            # A split or a shuffle leaves a row its label: those that are kept of what came before are wanted.
            labels = {label for noted in self.taken().values() for label in _labels(noted)}
            try:
                self._noted[name] = note_rows(values[name], labels)
            except Exception:
                _LOGGER.debug("Cannot keep rows of '%s'.", name, exc_info=True)
                self._noted[name] = None

    def taken(self) -> dict[str, NotedRows]:
        """Return what was noted, by dataset name."""
        return {name: noted for name, noted in self._noted.items() if noted is not None}


def _labels(noted: NotedRows) -> Iterable[Any]:
    index = getattr(noted.rows, "index", None)
    return [] if index is None else index.tolist()
