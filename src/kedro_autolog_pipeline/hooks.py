"""Call each step of packaging when Kedro's life cycle gets there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kedro.framework.hooks import hook_impl

from kedro_autolog_pipeline.lifecycle import open_runs

if TYPE_CHECKING:
    from kedro.framework.context import KedroContext
    from kedro.io import DataCatalog
    from kedro.pipeline import Pipeline
    from kedro.pipeline.node import Node


class AutologPipelineHook:
    """Packages the inference pipeline of every training run; see the project's README."""

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        """Read our part of ``mlflow.yml``, before another plugin finds in it what it does not know."""
        from kedro_autolog_pipeline.lifecycle.preparation import look_at_project

        look_at_project(context)

    @hook_impl(wrapper=True, tryfirst=True)
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog
    ) -> Iterator[None]:
        """Find every fault before any plugin opens an MLflow run; join that run, or open ours, when all have."""
        from kedro_autolog_pipeline.lifecycle.preparation import prepare

        open_runs.interrupt_abandoned()
        preparation = prepare(run_params, pipeline, catalog)
        try:
            result = yield
            training_run = None if preparation is None else preparation.start()
        except BaseException:
            if preparation is not None:
                preparation.abandon()
            raise
        if training_run is not None:
            open_runs.remember(training_run)
        return result

    @hook_impl
    def before_dataset_loaded(self, dataset_name: str, node: Node) -> None:
        """Look at what a node is about to load."""
        for training_run in open_runs.of_this_process():
            training_run.watch.before_load(dataset_name, node.name)

    @hook_impl
    def after_dataset_loaded(self, dataset_name: str, node: Node) -> None:
        """Note what a node has loaded."""
        for training_run in open_runs.of_this_process():
            training_run.watch.after_load(dataset_name, node.name)

    @hook_impl
    def before_node_run(self, node: Node, inputs: dict[str, Any], run_id: str) -> None:
        """Note what a node reads; stop a training whose model could not be loaded, as soon as that is known."""
        training_run = open_runs.find(run_id)
        if training_run is not None:
            training_run.stop_if_imports_fail()
            training_run.watch.before_node(node, inputs)

    @hook_impl
    def after_node_run(self, node: Node, outputs: dict[str, Any], run_id: str) -> None:
        """Note what a node has given, and the metrics in it."""
        training_run = open_runs.find(run_id)
        if training_run is not None:
            training_run.watch.after_node(node, outputs)

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
