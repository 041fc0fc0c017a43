"""Have MLflow compute metrics and plots of what a model has answered."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import attrs
from kedro.utils import load_obj

from kedro_autolog_pipeline.config.schema import EvaluateConfig
from kedro_autolog_pipeline.errors import EvaluationError
from kedro_autolog_pipeline.evaluation.rows import Rows
from kedro_autolog_pipeline.loggers import quiet
from kedro_autolog_pipeline.rehearsal.private_store import private_store

if TYPE_CHECKING:
    from mlflow.entities import Dataset


@attrs.frozen(eq=False)
class Evaluation:
    """What an evaluation has given.

    Attributes:
        metrics: Value by MLflow's name of the metric.
        dataset: The rows, as MLflow describes them.
        files: The directory with all other files that MLflow has made; it need not exist.
    """

    metrics: Mapping[str, float]
    dataset: Dataset
    files: Path


def compute_metrics(model: str, predictions: Any, rows: Rows, config: EvaluateConfig, directory: Path) -> Evaluation:
    """Compute what ``mlflow.models.evaluate`` computes for a model that answers like this; nothing is logged.

    Args:
        model: The logged model's name, for errors.
        predictions: What it has answered, a value for each row.
        rows: What it was asked.
        config: What the user asks for.
        directory: An empty directory for the files that MLflow makes of it.

    Raises:
        EvaluationError: When MLflow cannot evaluate it.
    """
    # MLflow logs an evaluation to the active run, which is each thread's own: there is none in a new one.
    with quiet("mlflow", logging.WARNING), private_store(directory), ThreadPoolExecutor(1) as thread:
        try:
            return thread.submit(_evaluate, predictions, rows, config, directory).result()
        except Exception as error:
            cause = f"mlflow.models.evaluate fails ({type(error).__name__}: {' '.join(str(error).split())})"
            raise EvaluationError(model, f"{cause}. Correct 'evaluate' in mlflow.yml, or its rows.") from error


@cache
def _directory() -> TemporaryDirectory[str]:
    """Make the directory of a database for this process: to prepare one takes longer than many an evaluation."""
    return TemporaryDirectory(prefix="kedro-autolog-pipeline-", ignore_cleanup_errors=True)


def _evaluate(predictions: Any, rows: Rows, config: EvaluateConfig, directory: Path) -> Evaluation:
    import mlflow
    from mlflow.data.pandas_dataset import from_pandas
    from mlflow.entities import Dataset
    from mlflow.models import evaluate

    mlflow.set_tracking_uri(f"sqlite:///{(Path(_directory().name) / 'mlflow.db').as_posix()}")
    experiment = mlflow.MlflowClient().create_experiment(uuid4().hex, artifact_location=directory.as_uri())
    with warnings.catch_warnings(), mlflow.start_run(experiment_id=experiment) as run:
        # The model's own signature covers integer columns, and the user cannot change what MLflow calls.
        warnings.filterwarnings("ignore", "Hint: Inferred schema", UserWarning)
        for category in (DeprecationWarning, FutureWarning):
            warnings.simplefilter("ignore", category)
        data = from_pandas(rows.table, targets=rows.target, name=rows.name)
        result = evaluate(  # type: ignore[no-untyped-call]  # MLflow's
            lambda _: predictions,
            data,
            model_type=config.model_type.value,
            evaluators="default",
            # It asks the model about rows of its own, which only the model itself could answer.
            evaluator_config={**config.evaluator_config, "log_model_explainability": False},
            extra_metrics=[load_obj(path) for path in config.extra_metrics],
        )
    described = data.to_dict()
    dataset = Dataset(
        name=rows.name,
        digest=data.digest,
        source_type=f"{described['source_type']}",
        source=f"{described['source']}",
        schema=described.get("schema"),
        profile=described.get("profile"),
    )
    metrics = {name: float(value) for name, value in result.metrics.items()}
    return Evaluation(metrics, dataset, directory / run.info.run_id / "artifacts")
