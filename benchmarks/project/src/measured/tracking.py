"""Kedro's life cycle comes in, a run of MLflow's goes out: the hook that somebody writes who only wants to track."""

from __future__ import annotations

from typing import Any

from kedro.framework.hooks import hook_impl


class Tracking:
    """Logs the parameters and a metric of each run.

    Args:
        tracking_uri: Of the tracking server.
    """

    def __init__(self, tracking_uri: str) -> None:
        self._tracking_uri = tracking_uri

    @hook_impl
    def before_pipeline_run(self, run_params: dict[str, Any]) -> None:
        """Open a run."""
        import mlflow

        mlflow.set_tracking_uri(self._tracking_uri)
        mlflow.start_run(run_name=run_params["pipeline_names"][0])
        mlflow.log_params({"env": run_params["env"], "runner": run_params["runner"]})

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Log a metric, and end the run."""
        import mlflow

        mlflow.log_metric("trainings", 1)
        mlflow.end_run()

    @hook_impl
    def on_pipeline_error(self) -> None:
        """End the run as one that failed."""
        import mlflow

        mlflow.end_run("FAILED")
