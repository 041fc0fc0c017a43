"""Like a churn example: the scaler is fitted and applied before the rows are split."""

from __future__ import annotations

from typing import Any

import pandas as pd
from kedro.pipeline import Pipeline, node
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler


def preprocess(churn: pd.DataFrame) -> pd.DataFrame:
    """Scale."""
    scaler = StandardScaler()
    return pd.DataFrame(scaler.fit_transform(churn), columns=churn.columns)


def split(table: pd.DataFrame) -> tuple[Any, ...]:
    """Divide the rows."""
    return tuple(train_test_split(table.drop(columns="churn"), table["churn"]))


def train(X_train: pd.DataFrame, y_train: Any) -> LogisticRegression:  # noqa: N803 - as its users do
    """Fit."""
    return LogisticRegression().fit(X_train, y_train)


def evaluate(model: LogisticRegression, X_test: pd.DataFrame, y_test: Any) -> float:  # noqa: N803 - as its users do
    """Score."""
    return float(f1_score(y_test, model.predict(X_test)))


def modelling() -> Pipeline:
    """From a table to a score."""
    return Pipeline(
        [
            node(preprocess, "churn", "scaled", name="preprocess"),
            node(split, "scaled", ["X_train", "X_test", "y_train", "y_test"], name="split"),
            node(train, ["X_train", "y_train"], "model", name="train"),
            node(evaluate, ["model", "X_test", "y_test"], "f1", name="evaluate"),
        ]
    )
