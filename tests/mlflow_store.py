"""A tracking server comes in, what it holds goes out, whatever experiment it is in."""

from __future__ import annotations

from mlflow import MlflowClient
from mlflow.entities import DatasetInput, LoggedModel, Run


def runs(client: MlflowClient) -> list[Run]:
    """Give all runs of a store, the oldest first."""
    found = client.search_runs([each.experiment_id for each in client.search_experiments()])
    return sorted(found, key=lambda run: run.info.start_time)


def models(client: MlflowClient) -> list[LoggedModel]:
    """Give all logged models of a store, the oldest first."""
    found = client.search_logged_models([each.experiment_id for each in client.search_experiments()])
    return sorted(found, key=lambda model: model.creation_timestamp)


def inputs(run: Run) -> list[DatasetInput]:
    """Give the datasets that are inputs of a run."""
    return [] if run.inputs is None else run.inputs.dataset_inputs
