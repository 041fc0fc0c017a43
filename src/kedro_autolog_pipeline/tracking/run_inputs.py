"""Log the datasets that a training has read, as inputs of its run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from kedro_autolog_pipeline.loggers import get_logger
from kedro_autolog_pipeline.tracking.run import TrackedRun

_LOGGER = get_logger(__name__)

_CONTEXT_TAG = "mlflow.data.context"

TRAINING = "training"
"""The context, in MLflow's words, of what a model was trained on."""

EVALUATION = "eval"
"""The context of what a metric was measured on."""


@attrs.frozen
class RunInput:
    """A dataset, as MLflow describes one.

    Attributes:
        name: Its name in the catalog.
        digest: Differs when its data do; at most 36 characters.
        source_type: Kind of its source, in MLflow's words ("local", "s3", "http", "code").
        source: The source, as JSON of MLflow's.
        schema: Its columns, as JSON of MLflow's; None where they are not known.
        profile: Its size, as JSON; None where that is not known.
        context: What it was read for, in MLflow's words ("training", "eval").
    """

    name: str
    digest: str
    source_type: str
    source: str
    schema: str | None
    profile: str | None
    context: str


def log_inputs(run: TrackedRun, inputs: Iterable[RunInput]) -> None:
    """Log datasets as inputs of a run; one that the run has already, whoever has logged it, is left as it is.

    A server that does not take them is a WARNING: the models are more important.
    """
    from mlflow.exceptions import MlflowException

    wanted = list(inputs)
    if not wanted:
        return
    if not run.store.answers():
        _LOGGER.warning("Run '%s' does not list what it read: '%s' is silent.", run.run_id, run.store.public_uri)
        return
    client = run.store.client()
    try:
        known = client.get_run(run.run_id).inputs
        present = {(each.dataset.name, each.dataset.digest) for each in ([] if known is None else known.dataset_inputs)}
        new = [_entity(each) for each in wanted if (each.name, each.digest) not in present]
        if new:
            client.log_inputs(run.run_id, new)
    except MlflowException as error:
        _LOGGER.warning("Run '%s' does not list what it read: %s", run.run_id, error.message)


def _entity(each: RunInput) -> Any:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    dataset = Dataset(each.name, each.digest, each.source_type, each.source, each.schema, each.profile)
    return DatasetInput(dataset, [InputTag(_CONTEXT_TAG, each.context)])
