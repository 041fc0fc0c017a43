"""Tell in the tags of a run what has been run, from which code and by which versions."""

from __future__ import annotations

import platform
import shlex
from importlib.metadata import version
from typing import Any

from kedro_autolog_pipeline.config.project import Project
from kedro_autolog_pipeline.lifecycle.git_checkout import find_commit, is_dirty
from kedro_autolog_pipeline.run.kedro_run import KedroRun
from kedro_autolog_pipeline.run.runtime_params import as_typed
from kedro_autolog_pipeline.tracking.tags import TAG_PREFIX


def run_tags(run: KedroRun, project: Project, runtime_params: tuple[dict[str, Any], list[str]]) -> dict[str, str]:
    """Return the tags of an MLflow run that is opened for a Kedro run.

    Args:
        run: The Kedro run.
        project: Its project.
        runtime_params: The parameters of its command line that a pipeline reads, and the paths of the others, whose
            values may be secrets.
    """
    tags = {
        "kedro.run_id": run.run_id,
        "kedro.pipelines": ",".join(run.pipeline_names),
        "kedro.command": shlex.join(["kedro", "run", *run.options, *as_typed(*runtime_params)]),
        "kedro.version": version("kedro"),
        "kedro.environment": project.environment,
        f"{TAG_PREFIX}version": version("kedro-autolog-pipeline"),
        f"{TAG_PREFIX}python_version": platform.python_version(),
        f"{TAG_PREFIX}mlflow_version": version("mlflow"),
    }
    commit = find_commit(run.project_path)
    if commit is not None:
        # MLflow's UI links a tag of this name. MLflow itself would look in the directory of the command.
        tags["mlflow.source.git.commit"] = commit
        tags[f"{TAG_PREFIX}git_dirty"] = str(is_dirty(run.project_path)).lower()
    return tags
