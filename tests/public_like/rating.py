"""Like a review rating: the evaluation takes the label off, predicts by a helper, and reports."""

from __future__ import annotations

from typing import Any

import pandas as pd
from kedro.pipeline import Pipeline, node
from sklearn.linear_model import LogisticRegression

TARGET = "rating"


def train_model(train_dataset: pd.DataFrame, options: dict[str, Any]) -> LogisticRegression:
    """Fit the rating."""
    return LogisticRegression(**options).fit(train_dataset.drop(columns=TARGET), train_dataset[TARGET])


def ask(model: LogisticRegression, rows: pd.DataFrame) -> Any:
    """Predict."""
    return model.predict(rows)


def evaluate_model(model: LogisticRegression, test_dataset: pd.DataFrame, threshold: float) -> dict[str, Any]:
    """Report how good the rating is."""
    from sklearn.metrics import accuracy_score, classification_report

    features = test_dataset.drop(columns=[TARGET])
    features = features.fillna(0)
    expected = test_dataset[TARGET]
    predicted = ask(model, features)
    accuracy = accuracy_score(expected, predicted)
    return {"is_good": accuracy > threshold, "report": classification_report(expected, predicted, output_dict=True)}


def data_science() -> Pipeline:
    """Fit and evaluate what another pipeline has split."""
    return Pipeline(
        [
            node(train_model, ["train_dataset", "params:model_params"], "model", name="train_model_node"),
            node(
                evaluate_model,
                ["model", "test_dataset", "params:threshold"],
                "evaluation_report",
                name="evaluate_model_node",
            ),
        ]
    )
