"""Metrics that kedro-mlflow's datasets log, in a pair that names them."""

from __future__ import annotations

import pytest
from mlflow import MlflowClient

from kedro_project import CATALOG, MODEL, TRAINING, KedroProject
from mlflow_store import models, runs

# kedro-mlflow and what it imports warn of themselves.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")

MEASURES = """
    history = {"rmse": [{"value": error, "step": 1}, {"value": 3.0, "step": 2}]}
    return error, [error, 2.0], history, {"mean": error}
"""

THEIRS = {
    "error": {"type": "kedro_mlflow.io.metrics.MlflowMetricDataset", "key": "test_error"},
    "errors": {"type": "kedro_mlflow.io.metrics.MlflowMetricHistoryDataset"},
    "history": {"type": "kedro_mlflow.io.metrics.MlflowMetricsHistoryDataset", "prefix": "test"},
}


def test_what_their_datasets_log_is_logged_once_and_linked(project: KedroProject, client: MlflowClient) -> None:
    """Under their names and steps; our own way stays for what another dataset holds."""
    start = TRAINING.index("    if mlflow.active_run()")
    training = TRAINING[:start] + MEASURES + TRAINING[TRAINING.index("\ndef create_pipeline") :]
    names = ["error", "errors", "history", "plain"]
    project.write_pipeline("training", training.replace('"model"], None)', f'"model"], {names!r})'))
    project.write_config("catalog", {**CATALOG, **THEIRS})
    project.write_config(
        "mlflow",
        {
            "server": {"mlflow_tracking_uri": f"sqlite:///{project.path / 'mlflow.db'}"},
            "autolog_pipeline": {"models": {"prices": {**MODEL, "metrics": names, "verify": False}}},
        },
    )

    project.run()

    (run,) = runs(client)
    (model,) = models(client)
    own = {
        key: [(each.step, each.value) for each in client.get_metric_history(run.info.run_id, key) if not each.model_id]
        for key in run.data.metrics
    }
    assert {
        "test_error": [(0, 29.5)],
        "errors": [(0, 29.5), (1, 2.0)],
        "test.rmse": [(1, 29.5), (2, 3.0)],
        "mean": [(0, 29.5)],
    } == own
    linked = {metric.key: metric.value for metric in model.metrics or ()}
    assert {"test_error": 29.5, "errors": 2.0, "test.rmse": 3.0, "mean": 29.5} == linked
    assert "READY" == model.status
