"""Tests of what MLflow makes of a model's answers."""

from __future__ import annotations

from pathlib import Path

import attrs
import mlflow
import pandas as pd
import pytest

from kedro_autolog_pipeline.config.schema import EvaluateConfig, ModelType
from kedro_autolog_pipeline.errors import EvaluationError
from kedro_autolog_pipeline.evaluation.metrics import compute_metrics
from kedro_autolog_pipeline.evaluation.rows import Rows
from mlflow_store import inputs

CONFIG = EvaluateConfig("rows", "kind", ModelType.CLASSIFIER, evaluator_config={"metric_prefix": "test_"})
ROWS = Rows("rows", pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "kind": ["a", "b", "a", "b"]}), "kind")


@pytest.mark.usefixtures("clean_mlflow")
def test_metrics_and_plots_are_mlflows_own_and_nothing_is_logged(tmp_path: Path, database: Path) -> None:
    """The caller's active run and store get nothing of it, and are as they were."""
    store = f"sqlite:///{database}"
    mlflow.set_tracking_uri(store)
    with mlflow.start_run() as active:
        evaluation = compute_metrics("kinds", ["a", "b", "a", "a"], ROWS, CONFIG, tmp_path / "files")

        assert active.info.run_id == mlflow.active_run().info.run_id  # type: ignore[union-attr]  # there is one
    assert store == mlflow.get_tracking_uri()
    assert 0.75 == evaluation.metrics["test_accuracy_score"]
    assert "rows" == evaluation.dataset.name
    assert ["test_confusion_matrix.png"] == [file.name for file in evaluation.files.iterdir()]
    logged = mlflow.MlflowClient(store).get_run(active.info.run_id)
    assert ({}, []) == (logged.data.metrics, inputs(logged))


@pytest.mark.usefixtures("clean_mlflow")
def test_what_mlflow_raises_is_told(tmp_path: Path) -> None:
    """The error names the model, and the key to correct."""
    wrong = attrs.evolve(CONFIG, evaluator_config={"label_list": ["a", "b"], "pos_label": "c"})

    with pytest.raises(EvaluationError, match=r"Cannot evaluate 'kinds': .*'pos_label' c must .* Correct 'evaluate'"):
        compute_metrics("kinds", ["a", "b", "a", "a"], ROWS, wrong, tmp_path / "files")
