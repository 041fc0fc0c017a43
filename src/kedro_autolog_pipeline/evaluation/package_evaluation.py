"""Evaluate a package: its answers come from a fresh process, their metrics from MLflow."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from kedro_autolog_pipeline.config.schema import EvaluateConfig
from kedro_autolog_pipeline.errors import EvaluationError, VerificationError
from kedro_autolog_pipeline.evaluation.metrics import Evaluation, compute_metrics
from kedro_autolog_pipeline.evaluation.rows import Rows, find_predictions
from kedro_autolog_pipeline.progress import progress
from kedro_autolog_pipeline.verification.verifier import Verifier


def evaluate_package(  # noqa: PLR0913 - what is evaluated, on what, and where
    model: str,
    package: Path,
    rows: Rows,
    config: EvaluateConfig,
    directory: Path,
    *,
    timeout: float,
    shipped: Iterable[str] = (),
    requirements: Iterable[str] | None = None,
) -> Evaluation:
    """Evaluate the model in a directory, and log nothing.

    Args:
        model: Its name, for errors.
        package: Its directory, of any model of MLflow's.
        rows: What it is asked, and what it should answer.
        config: What the user asks for.
        directory: An empty directory for the files that MLflow makes of it.
        timeout: How long its answer may take, in seconds.
        shipped: Top-level names of the modules that the package holds.
        requirements: Lines of its requirements.txt, of which the fresh process imports nothing else; None means
            whatever is installed.

    Raises:
        EvaluationError: When it cannot be loaded, cannot answer, or its answer cannot be evaluated.
    """
    try:
        with Verifier(model) as process, progress(f"Evaluating '{model}' in a fresh process"):
            output = process.answer(package, rows.request, shipped=shipped, requirements=requirements, timeout=timeout)
    except VerificationError as error:
        raise EvaluationError(model, error.cause, error.log) from error
    return compute_metrics(model, find_predictions(model, output, rows, config), rows, config, directory)
