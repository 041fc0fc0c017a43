"""Keep the datasets in memory that pairs read until the run is packaged."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import attrs
from kedro.io import AbstractDataset
from kedro.io.data_catalog import SharedMemoryDataCatalog

from kedro_autolog_pipeline.datasets.locations import is_in_memory
from kedro_autolog_pipeline.datasets.sample import take_sample
from kedro_autolog_pipeline.pairing.pair import Pair
from kedro_autolog_pipeline.run.kedro_run import KedroRun
from kedro_autolog_pipeline.serving.manifest import Origin


@attrs.define(eq=False)
class Pin:
    """Keeps the data of one dataset when a runner has it released.

    Attributes:
        dataset: The dataset in the run's catalog, which stays what it is.
        sample_only: Whether some rows are enough, so that the rest goes when the runner says so.
    """

    dataset: AbstractDataset[Any, Any]
    sample_only: bool
    _is_due: bool = False

    def attach(self) -> None:
        """Answer for the dataset from here on when it is released."""
        # Every runner goes through this method; what it does is decided for this one object.
        self.dataset.release = self.postpone  # type: ignore[method-assign]  # see above

    def postpone(self) -> None:
        """Stand in for the dataset's own ``release``."""
        self._is_due = True
        if not self.sample_only:
            return
        try:
            # A view of the first rows would keep all of them.
            self.dataset.save(copy.deepcopy(take_sample(self.dataset.load())))
        except Exception:  # noqa: BLE001 - whatever the data are, they are no reason to stop the training
            self.detach()

    def detach(self) -> None:
        """Put the dataset's own ``release`` back, and do what was postponed; a second time does nothing."""
        vars(self.dataset).pop("release", None)
        if self._is_due:
            self._is_due = False
            self.dataset.release()


def pin_datasets(pairs: Iterable[Pair], run: KedroRun) -> list[Pin]:
    """Keep what the run writes to memory and the pairs read, artifacts and rows to evaluate whole, requests in part.

    Args:
        pairs: What the run completes.
        run: The run, before its first node.

    Returns:
        The pins, to be detached when the pairs are packaged.
    """
    if isinstance(run.catalog, SharedMemoryDataCatalog):
        # What ParallelRunner shares between processes is not released.
        return []
    wholes: set[str] = set()
    requests: set[str] = set()
    for pair in pairs:
        wholes.update(pair.inputs_from(Origin.TRAINED, Origin.REFERENCE))
        requests.update(pair.inputs_from(Origin.REQUEST))
        if pair.config.evaluate is not None:
            wholes.update((pair.config.evaluate.data, pair.config.evaluate.targets))
    pins = []
    for name in sorted((wholes | requests) & run.written):
        # The runner, too, has the catalog make what it does not know.
        dataset = run.catalog.get(name, fallback_to_runtime_pattern=True)
        if dataset is not None and is_in_memory(dataset):
            pins.append(Pin(dataset, sample_only=name not in wholes))
    for pin in pins:
        pin.attach()
    return pins
