"""Log metrics to a run and link them to a logged model."""

from __future__ import annotations

import time
from collections.abc import Iterable

import attrs

from kedro_autolog_pipeline.tracking.logged_model import LoggedModel, send_metrics
from kedro_autolog_pipeline.tracking.run_inputs import RunInput


@attrs.frozen
class MetricValue:
    """One number.

    Attributes:
        key: The metric's name, which MLflow accepts.
        value: The number, which is finite.
        step: Its position in a series, from 0.
    """

    key: str
    value: float
    step: int


def log_metrics(model: LoggedModel, values: Iterable[MetricValue], dataset: RunInput | None) -> None:
    """Log metrics of a model: they are the run's, and the model's own.

    Args:
        model: The model.
        values: The numbers.
        dataset: What they were measured on, an input of the run; None where that is not known.

    Raises:
        MlflowException: When the server does not take them.
    """
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    metrics = [
        Metric(
            key=each.key,
            value=each.value,
            timestamp=now,
            step=each.step,
            model_id=model.model_id,
            dataset_name=None if dataset is None else dataset.name,
            dataset_digest=None if dataset is None else dataset.digest,
            run_id=model.run.run_id,
        )
        for each in values
    ]
    send_metrics(model, metrics)
