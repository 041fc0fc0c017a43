"""Kedro's life cycle comes in; when each of our steps is due goes out."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from kedro.framework.hooks import hook_impl

from kedro_autolog_pipeline.lifecycle import open_runs

if TYPE_CHECKING:
    from kedro.framework.context import KedroContext
    from kedro.io import DataCatalog
    from kedro.pipeline import Pipeline
    from kedro.pipeline.node import Node

    from kedro_autolog_pipeline.config.project import Project
    from kedro_autolog_pipeline.errors import ConfigurationError

# Kedro's logging lets INFO through for its own package and the project's, and WARNING for every other.
logging.getLogger("kedro_autolog_pipeline").setLevel(logging.INFO)

# A Kedro server runs two pipelines through one hook object, each in a thread of its own.
_PROJECT: ContextVar[Project | ConfigurationError | None] = ContextVar("_PROJECT", default=None)


class AutologPipelineHook:
    """Packages the inference pipeline of every training run; see the project's README."""

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        """Read our part of ``mlflow.yml``, before another plugin finds in it what it does not know."""
        from kedro_autolog_pipeline.config.project import read_project
        from kedro_autolog_pipeline.errors import ConfigurationError

        try:
            project = read_project(context)
            _PROJECT.set(project)
            if project is not None and "kedro_mlflow" in sys.modules:
                from kedro_autolog_pipeline.tracking.run import forget_ended_runs

                forget_ended_runs()
        except ConfigurationError as error:
            # A notebook that only looks at the catalog must not fail: the mistakes stop a run.
            _PROJECT.set(error)

    @hook_impl(wrapper=True, tryfirst=True)
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog
    ) -> Iterator[None]:
        """Find every fault before any plugin opens an MLflow run; join that run, or open ours, when all have."""
        project = _PROJECT.get()
        # Whoever takes it does the work: the hook may stand in the project's settings besides its entry point.
        _PROJECT.set(None)
        open_runs.interrupt_abandoned()
        prepared = None
        if project is not None:
            from kedro_autolog_pipeline.lifecycle.preparation import prepare

            prepared = prepare(project, run_params, pipeline, catalog)
        try:
            result = yield
            training_run = None if prepared is None else prepared.start()
        except BaseException:
            if prepared is not None:
                prepared.abandon()
            raise
        if training_run is not None:
            open_runs.remember(training_run)
        return result

    @hook_impl
    def before_dataset_loaded(self, dataset_name: str, node: Node) -> None:
        """Look at what a node is about to load."""
        for training_run in open_runs.of_this_process():
            training_run.reads.before_load(dataset_name, node.name)

    @hook_impl
    def after_dataset_loaded(self, dataset_name: str, node: Node) -> None:
        """Note what a node has loaded."""
        for training_run in open_runs.of_this_process():
            training_run.reads.after_load(dataset_name, node.name)

    @hook_impl
    def before_node_run(self, run_id: str) -> None:
        """Stop a training whose model could not be loaded, as soon as that is known."""
        training_run = open_runs.find(run_id)
        if training_run is not None:
            training_run.stop_if_imports_fail()

    @hook_impl(wrapper=True, tryfirst=True)
    def after_pipeline_run(self, catalog: DataCatalog) -> Iterator[None]:
        """Package before any plugin closes the run; what fails is raised when all have had their turn."""
        training_run = open_runs.take(catalog)
        failure: BaseException | None = None
        if training_run is not None:
            try:
                failure = training_run.finish()
            except BaseException as interruption:  # noqa: BLE001 - it is raised below
                failure = interruption
        result = yield
        if failure is not None:
            raise failure
        return result

    @hook_impl
    def on_pipeline_error(self, catalog: DataCatalog) -> None:
        """Close the run of a training that failed."""
        training_run = open_runs.take(catalog)
        if training_run is not None:
            training_run.fail()


hooks = AutologPipelineHook()
