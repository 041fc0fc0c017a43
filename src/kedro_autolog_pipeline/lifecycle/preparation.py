"""Find what a run will package, before any MLflow run is open.

A run that cannot train any model imports nothing of packaging, so what that needs is imported where it begins.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import attrs

from kedro_autolog_pipeline.config.project import read_project
from kedro_autolog_pipeline.errors import ConfigurationError
from kedro_autolog_pipeline.garbage import without_collecting
from kedro_autolog_pipeline.loggers import show_information
from kedro_autolog_pipeline.pairing.kedro_mlflow import hint_at_moving
from kedro_autolog_pipeline.pairing.registry import may_be_trained

if TYPE_CHECKING:
    from kedro.framework.context import KedroContext
    from kedro.io import DataCatalog
    from kedro.pipeline import Pipeline

    from kedro_autolog_pipeline.config.project import Project
    from kedro_autolog_pipeline.lifecycle.training_run import TrainingRun
    from kedro_autolog_pipeline.lifecycle.verifiers import Verifiers
    from kedro_autolog_pipeline.pairing.pair import Pair
    from kedro_autolog_pipeline.preflight.forecast import ExpectedInput
    from kedro_autolog_pipeline.run.kedro_run import KedroRun

# A Kedro server runs two pipelines through one hook object, each in a thread of its own.
_PROJECT: ContextVar[Project | ConfigurationError | None] = ContextVar("_PROJECT", default=None)

# Where this package is none of the model's requirements, its copy in the model will import the others.
_NEEDED_TO_SERVE = (
    "kedro_autolog_pipeline.serving.model",
    "attrs",
    "cattrs",
    "kedro.io",
    "kedro.pipeline",
    "kedro.validation",
)


@attrs.frozen
class Preparation:
    """What a run is packaged for, with the processes that will prove its models.

    Attributes:
        run: The run, before its first node.
        project: Its project.
        pairs: The pairs that it completes.
        artifacts: By model name, the trained and reference inputs of its pair.
        verifiers: The processes that prove its models.
    """

    run: KedroRun
    project: Project
    pairs: list[Pair]
    artifacts: dict[str, tuple[ExpectedInput, ...]]
    verifiers: Verifiers

    def start(self) -> TrainingRun | None:
        """Track the run, when every plugin that may have opened an MLflow run has had its turn.

        Returns:
            None for a run that has nothing to do with any pair.

        Raises:
            TrackingError: When the tracking server will not have it.
        """
        from kedro_autolog_pipeline.lifecycle.training_run import TrainingRun
        from kedro_autolog_pipeline.preflight.selection import partly_trained
        from kedro_autolog_pipeline.tracking.run import is_opened_elsewhere

        config = self.project.config
        # Only a run that was opened elsewhere can be continued by another process.
        models = config.autolog_pipeline.models if is_opened_elsewhere(config.tracking) else ()
        partial = partly_trained(models, self.run)
        for pair in self.pairs:
            partial.pop(pair.config.name, None)
        return TrainingRun.start(self, partial) if self.pairs or partial else None

    def abandon(self) -> None:
        """End the processes; a second time does nothing."""
        self.verifiers.close()


def look_at_project(context: KedroContext) -> None:
    """Read the configuration of a project of which Kedro has made a context.

    Mistakes in it stop a run and nothing else: a notebook that only looks at the catalog must not fail.
    """
    try:
        project = read_project(context)
    except ConfigurationError as error:
        _PROJECT.set(error)
        return
    _PROJECT.set(project)
    if project is None:
        return
    show_information()
    if "kedro_mlflow" in sys.modules:
        from kedro_autolog_pipeline.tracking.run import forget_ended_runs

        forget_ended_runs()


def prepare(run_params: Mapping[str, Any], pipeline: Pipeline, catalog: DataCatalog) -> Preparation | None:
    """Find what a run of the project of this thread will package, and every fault that prevents it.

    Args:
        run_params: What Kedro says of the run.
        pipeline: The nodes that Kedro is about to run.
        catalog: The project's catalog.

    Returns:
        None when the run has nothing to do with any pair.

    Raises:
        ConfigurationError: With every mistake in ``mlflow.yml``, when it cannot be read.
        PreflightError: With everything that is known to prevent the run's models.
    """
    project = _PROJECT.get()
    # Whoever takes it does the work: the hook may stand in the project's settings besides its entry point.
    _PROJECT.set(None)
    if project is None:
        return None
    if isinstance(project, ConfigurationError):
        raise project
    hint_at_moving()
    models = project.config.autolog_pipeline.models
    if not any(map(may_be_trained, models)):
        return None
    from kedro_autolog_pipeline.lifecycle.verifiers import Verifiers
    from kedro_autolog_pipeline.preflight.checks import check_run, find_candidates
    from kedro_autolog_pipeline.run.kedro_run import KedroRun
    from kedro_autolog_pipeline.tracking.credentials import EXPORTED_CREDENTIALS

    run = KedroRun.from_hook(run_params, pipeline, catalog)
    candidates = find_candidates(project, run)
    pairs = [candidate.pair for candidate in candidates if candidate.pair is not None]
    artifacts = {candidate.config.name: candidate.artifacts for candidate in candidates}
    preload = {
        pair.config.name: _modules_to_preload(pair, artifacts[pair.config.name]) for pair in pairs if pair.config.verify
    }
    preparation = Preparation(run, project, pairs, artifacts, Verifiers(preload))
    try:
        if not any(candidate.faults for candidate in candidates):
            # A process needs seconds to import MLflow, and does so beside this one and the training.
            with EXPORTED_CREDENTIALS.exported(project.credentials):
                preparation.verifiers.start()
        if candidates:
            # What it imports of MLflow stays.
            with without_collecting():
                check_run(project, candidates)
    except BaseException:
        preparation.abandon()
        raise
    return preparation


def _modules_to_preload(pair: Pair, artifacts: Iterable[ExpectedInput]) -> list[str]:
    from kedro_autolog_pipeline.dependencies.needed_modules import referenced_modules

    of_functions = set[str]().union(*(referenced_modules(node.func) for node in pair.inference.nodes))
    return [*_NEEDED_TO_SERVE, *sorted(of_functions.union(*(artifact.modules for artifact in artifacts)))]
