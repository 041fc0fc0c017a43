"""Like an iris example: a node of its own predicts, and another one reports."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from kedro.pipeline import Pipeline, node
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.preprocessing import LabelEncoder


def split_data(data: pd.DataFrame, fraction: float) -> tuple[Any, ...]:
    """Divide the rows by hand."""
    train = data.sample(frac=fraction, random_state=1)
    test = data.drop(train.index)
    return train.drop(columns="target"), test.drop(columns="target"), train["target"], test["target"]


def fit_labels(y_train: pd.Series) -> LabelEncoder:
    """Learn the names."""
    return LabelEncoder().fit(y_train)


def train(X_train: pd.DataFrame, y_train: pd.Series, labels: LabelEncoder) -> GradientBoostingClassifier:  # noqa: N803 - as its users do
    """Fit."""
    return GradientBoostingClassifier().fit(X_train, labels.transform(y_train))


def make_predictions(X_test: pd.DataFrame, model: GradientBoostingClassifier) -> Any:  # noqa: N803 - as its users do
    """Predict numbers."""
    return model.predict(X_test)


def decode(numbers: Any, labels: LabelEncoder) -> Any:
    """Name the numbers."""
    return labels.inverse_transform(numbers)


def draw(names: Any) -> str:
    """Draw what was predicted."""
    return "\n".join(
        f"{name}: {'#' * int(count)}" for name, count in zip(*np.unique(names, return_counts=True), strict=True)
    )


def report_accuracy(names: Any, y_test: pd.Series) -> float:
    """Count what is right."""
    return float(np.mean(names == y_test.to_numpy()))


def training() -> Pipeline:
    """From rows to a report."""
    return Pipeline(
        [
            node(split_data, ["iris", "params:fraction"], ["X_train", "X_test", "y_train", "y_test"], name="split"),
            node(fit_labels, "y_train", "labels", name="fit_labels"),
            node(train, ["X_train", "y_train", "labels"], "model", name="train"),
            node(make_predictions, {"model": "model", "X_test": "X_test"}, "numbers", name="make_predictions"),
            node(decode, ["numbers", "labels"], "names", name="decode"),
            node(draw, "names", "drawing", name="draw"),
            node(report_accuracy, ["names", "y_test"], "accuracy", name="report_accuracy"),
        ]
    )
