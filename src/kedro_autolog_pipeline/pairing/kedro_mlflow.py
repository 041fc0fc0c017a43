"""Tell users of kedro-mlflow's ``pipeline_ml_factory`` how to move over."""

from __future__ import annotations

import sys

from kedro.framework import project
from kedro.framework.project import pipelines

from kedro_autolog_pipeline.loggers import get_logger

_LOGGER = get_logger(__name__)

# Packages of the projects that were told: a server runs many pipelines, and a notebook many times the same.
_TOLD: set[str] = set()


def hint_at_moving() -> None:
    """Tell a project that uses kedro-mlflow's ``pipeline_ml_factory`` how to move over, once in a process."""
    module = sys.modules.get("kedro_mlflow.pipeline.pipeline_ml")
    package = str(project.PACKAGE_NAME)
    # Only who has imported kedro-mlflow can have made a pipeline by it.
    if module is None or package in _TOLD:
        return
    # Kedro has loaded what it is about to run, and this loads nothing more.
    named = [name for name, pipeline in sorted(pipelines.items()) if isinstance(pipeline, module.PipelineML)]
    if not named:
        return
    _TOLD.add(package)
    _LOGGER.info(
        "kedro-mlflow packages what pipeline_ml_factory made: %s. A pair in mlflow.yml does it instead, and proves the "
        "model before it is READY; docs/migrate-from-kedro-mlflow.md of kedro-autolog-pipeline tells how to move over.",
        ", ".join(f"'{name}'" for name in named),
    )
