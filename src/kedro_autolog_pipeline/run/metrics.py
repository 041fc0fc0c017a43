"""Read the numbers of a training's metrics, when its nodes have given them."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from numbers import Real
from typing import Any

import attrs
from kedro.io import DataCatalog
from kedro.pipeline.node import Node

from kedro_autolog_pipeline.datasets.locations import unwrapped
from kedro_autolog_pipeline.loggers import get_logger
from kedro_autolog_pipeline.pairing.pair import dataset_of
from kedro_autolog_pipeline.run.journal import Journal
from kedro_autolog_pipeline.run.noted_metrics import NotedMetrics
from kedro_autolog_pipeline.tracking.metrics import MetricValue
from kedro_autolog_pipeline.tracking.run_inputs import RunInput
from kedro_autolog_pipeline.tracking.run_parameters import legal_name

_LOGGER = get_logger(__name__)

_MOST_STEPS = 10_000
"""Numbers of a list that become steps of a metric: MLflow takes a thousand in one request."""


@attrs.frozen
class MetricNotes:
    """Notes the numbers that nodes give to datasets of metrics.

    Attributes:
        catalog: The run's catalog.
        names: Names of the datasets, without a transcoding suffix.
        journal: Where to note it.
    """

    catalog: DataCatalog
    names: frozenset[str]
    journal: Journal

    def note(self, node: Node, outputs: Mapping[str, Any]) -> None:
        """Note what a node has given. It raises nothing: the training goes on.

        Args:
            node: The node.
            outputs: Data by dataset name.
        """
        for name, data in outputs.items():
            if dataset_of(name) not in self.names:
                continue
            try:
                if _logs_itself(name, self.catalog):
                    self.journal.note_metrics(name, NotedMetrics([], [], list(map(dataset_of, node.inputs))))
                else:
                    self.journal.note_metrics(name, read_metrics(dataset_of(name), data, node.inputs))
            except OSError:
                _LOGGER.debug("Cannot note what '%s' holds.", name, exc_info=True)


def read_metrics(name: str, data: Any, read_with: list[str]) -> NotedMetrics:
    """Read the numbers of a dataset.

    Args:
        name: The dataset, which names a number that has no name of its own.
        data: A number, a list of numbers, each a step, or a dictionary of these, which may be nested.
        read_with: What the node that gave them has read.
    """
    values: list[MetricValue] = []
    faults: list[str] = []
    for path, found in _leaves(data, ""):
        steps = found if isinstance(found, (list, tuple)) else [found]
        if len(steps) > _MOST_STEPS:
            faults.append(f"{_where(name, path)} has {len(steps)} steps, of which the first {_MOST_STEPS} are logged.")
        for step, number in enumerate(steps[:_MOST_STEPS]):
            value = _number(number)
            if value is None:
                faults.append(f"{_where(name, path)} holds {_kind(number)}, which is no number and is not logged.")
                break
            if not math.isfinite(value):
                # MLflow keeps 0 in its place for a model.
                faults.append(f"{_where(name, path)} is {value}, which is not logged.")
                continue
            values.append(MetricValue(legal_name(path or name), value, step))
    if not values and not faults:
        faults.append(f"'{name}' holds no number, so nothing is logged of it.")
    return NotedMetrics(values, faults, list(map(dataset_of, read_with)))


def measured_on(noted: NotedMetrics, inputs: Mapping[str, RunInput]) -> RunInput | None:
    """Return the dataset that metrics were measured on: the only table that their node has read.

    Args:
        noted: The metrics.
        inputs: What the run has read, by dataset name.

    Returns:
        None where the node has read no table, or several.
    """
    # Only a table has a number of rows.
    tables = [inputs[name] for name in noted.read_with if name in inputs and inputs[name].profile is not None]
    return tables[0] if len(tables) == 1 else None


def _logs_itself(name: str, catalog: DataCatalog) -> bool:
    """Tell whether saving a dataset logs its numbers, under names and steps of its own, as kedro-mlflow's do.

    They are metrics of the run then, and linked to its models as all others are.
    """
    # Whoever has such a dataset has imported it.
    module = sys.modules.get("kedro_mlflow.io.metrics")
    dataset = None if module is None else catalog.get(name)
    if module is None or dataset is None:
        return False
    return isinstance(unwrapped(dataset), tuple(getattr(module, each) for each in module.__all__))


def _leaves(data: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    else:
        yield path, data


def _number(value: Any) -> float | None:
    """Return what counts as a number, as a tensor of one does; None of anything else."""
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        value = value.item()
    if not isinstance(value, Real):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _where(name: str, path: str) -> str:
    return f"'{path}' of '{name}'" if path else f"'{name}'"


def _kind(value: Any) -> str:
    return f"the text {value[:30]!r}" if isinstance(value, str) else f"a value of type '{type(value).__name__}'"
