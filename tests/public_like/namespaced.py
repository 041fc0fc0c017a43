"""Like the older spaceflights: one modular pipeline is used in two namespaces, each with options of its own."""

from __future__ import annotations

from typing import Any

import pandas as pd
from kedro.pipeline import Pipeline, node, pipeline
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split


def split(table: pd.DataFrame, options: dict[str, Any]) -> tuple[Any, ...]:
    """Divide the rows."""
    return tuple(train_test_split(table[options["features"]], table["price"], test_size=options["test_size"]))


def train(X_train: pd.DataFrame, y_train: Any, options: dict[str, Any]) -> Any:  # noqa: N803 - as its users do
    """Fit what the options name."""
    kinds = {"linear": LinearRegression, "forest": RandomForestRegressor}
    regressor = kinds[options["kind"]]()
    regressor.fit(X_train, y_train)
    return regressor


def evaluate(regressor: Any, X_test: pd.DataFrame, y_test: Any) -> dict[str, float]:  # noqa: N803 - as its users do
    """Score."""
    y_pred = regressor.predict(X_test)
    return {"r2": r2_score(y_test, y_pred)}


def modelling(namespace: str) -> Pipeline:
    """The same nodes in a namespace; the table is shared."""
    return pipeline(
        Pipeline(
            [
                node(split, ["table", "params:options"], ["X_train", "X_test", "y_train", "y_test"], name="split"),
                node(train, ["X_train", "y_train", "params:options"], "regressor", name="train"),
                node(evaluate, ["regressor", "X_test", "y_test"], "metrics", name="evaluate"),
            ]
        ),
        inputs="table",
        namespace=namespace,
    )


def both() -> Pipeline:
    """As `data_science` registers it."""
    return modelling("active") + modelling("candidate")
