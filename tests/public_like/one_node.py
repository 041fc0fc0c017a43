"""Like a notebook that became one node: it splits, fits, predicts and scores."""

from __future__ import annotations

import pandas as pd
from kedro.pipeline import Pipeline, node
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import train_test_split


def machine_learning(houses: pd.DataFrame) -> dict[str, float]:
    """Do it all."""
    train, test = train_test_split(houses)
    model = Ridge().fit(train.drop(columns="price"), train["price"])
    return {"error": mean_absolute_error(test["price"], model.predict(test.drop(columns="price")))}


def modelling() -> Pipeline:
    """One node."""
    return Pipeline([node(machine_learning, "houses", "scores", name="machine_learning")])
