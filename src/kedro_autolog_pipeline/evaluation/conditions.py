"""Judge whether a version may get an alias, by what MLflow says of each condition."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import attrs

from kedro_autolog_pipeline.config.schema import ThresholdConfig
from kedro_autolog_pipeline.loggers import quiet
from kedro_autolog_pipeline.serving.suggestions import suggest


@attrs.frozen
class Champion:
    """The version that has the alias.

    Attributes:
        version: Its number.
        metrics: Value by name, on the rows on which the contender was evaluated; None where that is not known.
        obstacle: Why that is not known, a sentence; None when it is.
    """

    version: str
    metrics: Mapping[str, float] | None
    obstacle: str | None = None


def find_failed(
    conditions: Mapping[str, ThresholdConfig], metrics: Mapping[str, float], champion: Champion | None
) -> tuple[str, ...]:
    """Find the conditions that do not hold, a sentence each, with both numbers; empty when all hold.

    Args:
        conditions: By the metric's name.
        metrics: The contender's metrics, of its evaluation and of its run.
        champion: What it is compared with; None for the first version, of which the thresholds alone are asked.
    """
    return tuple(
        sentence for name, condition in conditions.items() for sentence in _failed(name, condition, metrics, champion)
    )


def _failed(
    name: str, condition: ThresholdConfig, metrics: Mapping[str, float], champion: Champion | None
) -> Iterator[str]:
    if name not in metrics:
        yield f"there is no metric '{name}' of the evaluation or of the run. {suggest(name, sorted(metrics))}"
        return
    value = metrics[name]
    if math.isnan(value):
        # MLflow lets some comparisons with it pass.
        yield f"{name} is not a number."
        return
    most, more = ("least", "more") if condition.greater_is_better else ("most", "less")
    if condition.threshold is not None and not _holds("threshold", condition, value, None):
        yield f"{name} is {_shown(value)}, and must be at {most} {_shown(condition.threshold)}."
    if champion is None or not condition.compares:
        return
    before = math.nan if champion.metrics is None else champion.metrics.get(name, math.nan)
    if math.isnan(before):
        why = champion.obstacle or "it has none on the same rows. Compare a metric of 'evaluate'."
        yield f"{name} cannot be compared with that of version {champion.version}: {why}"
        return
    for key, unit in (("min_absolute_change", ""), ("min_relative_change", " of that")):
        change = getattr(condition, key)
        if change is not None and not _holds(key, condition, value, before):
            yield (
                f"{name} is {_shown(value)}, and must be {more} than the {_shown(before)} of version "
                f"{champion.version}, by at least {_shown(change)}{unit}."
            )


def _holds(key: str, condition: ThresholdConfig, value: float, before: float | None) -> bool:
    """Ask MLflow whether one of the numbers of a condition is reached."""
    from mlflow.models import EvaluationResult, MetricThreshold
    from mlflow.models.evaluation.validation import ModelValidationFailedException, validate_evaluation_results

    limits = {key: getattr(condition, key), "greater_is_better": condition.greater_is_better}
    threshold = MetricThreshold(**limits)  # type: ignore[no-untyped-call]  # MLflow's
    contender, champion = (
        EvaluationResult({} if metric is None else {"metric": metric}, {})  # type: ignore[no-untyped-call]  # as above
        for metric in (value, before)
    )
    try:
        with quiet("mlflow"):
            validate_evaluation_results({"metric": threshold}, contender, champion)
    except ModelValidationFailedException:
        return False
    return True


def _shown(number: float) -> str:
    return f"{number:.10g}"
