"""What Kedro says of a run before its first node comes in; the run with all that packaging it takes goes out.

A run that cannot train any model imports nothing of packaging.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kedro_autolog_pipeline.errors import ConfigurationError
from kedro_autolog_pipeline.pairing.kedro_mlflow import hint_at_moving
from kedro_autolog_pipeline.pairing.registry import is_known, may_be_in_run

if TYPE_CHECKING:
    from kedro.io import DataCatalog
    from kedro.pipeline import Pipeline

    from kedro_autolog_pipeline.config.project import Project
    from kedro_autolog_pipeline.lifecycle.training_run import PreparedRun


def prepare(
    project: Project | ConfigurationError, run_params: Mapping[str, Any], pipeline: Pipeline, catalog: DataCatalog
) -> PreparedRun | None:
    """Find what a run will package, and every fault that prevents it, before any run of MLflow's is open.

    Args:
        project: The project, or the mistakes in its configuration.
        run_params: What Kedro says of the run.
        pipeline: The nodes that Kedro is about to run.
        catalog: The project's catalog.

    Returns:
        What starts to track the run; None when it has nothing to do with any pair.

    Raises:
        ConfigurationError: With every mistake in ``mlflow.yml``, when it cannot be read.
        PreflightError: With everything that is known to prevent the run's models.
    """
    if isinstance(project, ConfigurationError):
        raise project
    hint_at_moving()
    models = project.config.autolog_pipeline.models
    if not any(may_be_in_run(model.training) or not is_known(model.inference) for model in models):
        return None
    from kedro_autolog_pipeline.lifecycle.training_run import prepare_run
    from kedro_autolog_pipeline.run.kedro_run import KedroRun

    return prepare_run(project, KedroRun.from_hook(run_params, pipeline, catalog))
