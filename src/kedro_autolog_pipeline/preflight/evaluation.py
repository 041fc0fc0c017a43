"""Find what is known to prevent the evaluation of a model before it is trained."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator
from importlib.util import find_spec

from kedro.io import DataCatalog, DatasetError
from kedro.io.core import is_parameter
from kedro.utils import load_obj

from kedro_autolog_pipeline.config.schema import EvaluateConfig, ModelType
from kedro_autolog_pipeline.datasets.locations import is_in_memory
from kedro_autolog_pipeline.loggers import quiet
from kedro_autolog_pipeline.pairing.pair import Pair
from kedro_autolog_pipeline.serving.manifest import Origin
from kedro_autolog_pipeline.serving.suggestions import find_nearest, suggest

# Distributions by the modules that MLflow's default evaluator imports.
_NEEDED = {"sklearn": "scikit-learn", "matplotlib": "matplotlib"}

_METRICS = {
    ModelType.CLASSIFIER: ("accuracy_score", "f1_score", "precision_score", "recall_score", "example_count"),
    ModelType.REGRESSOR: (
        "max_error",
        "mean_absolute_error",
        "mean_absolute_percentage_error",
        "mean_on_target",
        "mean_squared_error",
        "r2_score",
        "root_mean_squared_error",
        "sum_on_target",
        "example_count",
    ),
}
"""Metrics of MLflow's default evaluator."""

_ASKS_THE_MODEL = ("log_model_explainability", "log_explainer")
"""Options of MLflow's default evaluator that have it ask a model about rows of its own."""


def find_evaluation_faults(pair: Pair, catalog: DataCatalog, produced: Collection[str]) -> Iterator[str]:
    """Find what prevents the evaluation that a pair asks for, each fault beginning with the name of a key.

    Args:
        pair: The pair.
        catalog: The catalog of the project, or of the run.
        produced: The datasets that will be written before the model is packaged.
    """
    config = pair.config.evaluate
    if config is None:
        return
    for module, distribution in _NEEDED.items():
        if find_spec(module) is None:
            yield (
                f"evaluate: MLflow's default evaluator needs '{distribution}', which is not installed. Install it, or "
                "leave out 'evaluate'."
            )
    requests = pair.inputs_from(Origin.REQUEST)
    if len(requests) > 1:
        names = ", ".join(f"'{name}'" for name in requests)
        yield f"evaluate: the pipeline is given several datasets ({names}), and MLflow evaluates rows of one table."
    yield from _data_faults(config, catalog, produced)
    for key in _ASKS_THE_MODEL:
        if config.evaluator_config.get(key):
            yield (
                f"evaluate.evaluator_config.{key}: asks the model about rows of its own, which a fresh process that "
                "has answered once cannot do. Call mlflow.models.evaluate on the READY model for it."
            )
    yield from _misspelt_metrics(pair.config.promote_when, config)
    for position, path in enumerate(config.extra_metrics):
        fault = _why_no_metric(path)
        if fault is not None:
            yield f"evaluate.extra_metrics[{position}]: '{path}' {fault}"


def _misspelt_metrics(names: Iterable[str], config: EvaluateConfig) -> Iterator[str]:
    """Find names that are spelt almost as a metric of the evaluation; any other may be a metric of the run."""
    prefix = config.evaluator_config.get("metric_prefix") or ""
    known = [f"{prefix}{name}" for name in _METRICS[config.model_type]]
    for name in names:
        nearest = None if name in known else find_nearest(name, known, likeness=0.9)
        if nearest is not None:
            yield f"promote_when.{name}: the evaluation gives no such metric. Did you mean '{nearest}'?"


def _data_faults(config: EvaluateConfig, catalog: DataCatalog, produced: Collection[str]) -> Iterator[str]:
    names = sorted({*(name for name in catalog if not is_parameter(name)), *produced})
    if config.data in produced:
        # Its columns are known when the run has written it.
        return
    if config.data not in catalog:
        yield (
            f"evaluate.data: neither the catalog nor a node of this run provides '{config.data}'. "
            f"{suggest(config.data, names)}"
        )
        return
    try:
        with quiet("kedro", logging.WARNING):
            if not catalog.exists(config.data):
                where = "is in memory" if is_in_memory(catalog[config.data]) else "has no data"
                yield f"evaluate.data: '{config.data}' {where}, and no node of this run writes it. Put its data there."
                return
            data = catalog.load(config.data)
    except DatasetError as error:
        yield f"evaluate.data: '{config.data}' cannot be loaded ({' '.join(str(error).split())}). Correct it."
        return
    columns = getattr(data, "columns", None)
    if columns is None or not hasattr(data, "iloc"):
        kind = type(data).__name__
        yield f"evaluate.data: '{config.data}' loads as '{kind}'. Name one that loads as a DataFrame of pandas."
    elif config.targets not in columns and config.targets not in names:
        shown = [str(column) for column in columns]
        yield (
            f"evaluate.targets: '{config.targets}' is neither a column of '{config.data}' nor a dataset. "
            f"{suggest(config.targets, shown, 'Its columns')}"
        )


def _why_no_metric(path: str) -> str | None:
    from mlflow.models import EvaluationMetric

    try:
        found = load_obj(path)
    except Exception as error:  # noqa: BLE001 - the project's own modules may raise anything
        return f"cannot be imported ({type(error).__name__}: {error}). Correct the path."
    if not isinstance(found, EvaluationMetric):
        return (
            f"is a '{type(found).__name__}', and no EvaluationMetric. Make one of it by mlflow.models.make_metric, and "
            "give the path of that."
        )
    return None
