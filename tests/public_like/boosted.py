"""Like a demand forecast: what is learned of the rows is no model, and the booster is trained by a function."""

from __future__ import annotations

from typing import Any

import pandas as pd
from kedro.pipeline import Pipeline, node


def clean(demand: pd.DataFrame) -> pd.DataFrame:
    """Drop what is negative."""
    return demand[demand["units"] >= 0]


def split_by_date(cleaned: pd.DataFrame, date: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep the last days for the test."""
    return cleaned[cleaned["day"] < date], cleaned[cleaned["day"] >= date]


def learn_medians(train: pd.DataFrame) -> pd.Series:
    """Learn what stands in for a missing price."""
    return train.median(numeric_only=True)


def add_features(rows: pd.DataFrame, medians: pd.Series) -> pd.DataFrame:
    """Fill what is missing."""
    return rows.fillna(medians)


def train_booster(features: pd.DataFrame, options: dict[str, Any]) -> Any:
    """Train as the library does it."""
    import xgboost as xgb  # type: ignore[import-not-found]  # it is read, and never called

    return xgb.train(options, xgb.DMatrix(features.drop(columns="units"), features["units"]))


def forecast(booster: Any, features: pd.DataFrame) -> Any:
    """Predict."""
    return booster.predict(features)


def score(forecasts: Any, test: pd.DataFrame) -> float:
    """Compare."""
    from sklearn.metrics import mean_absolute_error

    return float(mean_absolute_error(test["units"], forecasts))


def modelling() -> Pipeline:
    """From rows to a score."""
    return Pipeline(
        [
            node(clean, "demand", "cleaned", name="clean"),
            node(split_by_date, ["cleaned", "params:date"], ["train", "test"], name="split_by_date"),
            node(learn_medians, "train", "medians", name="learn_medians"),
            node(add_features, ["train", "medians"], "train_features", name="add_train_features"),
            node(add_features, ["test", "medians"], "test_features", name="add_test_features"),
            node(train_booster, ["train_features", "params:booster"], "booster", name="train_booster"),
            node(forecast, ["booster", "test_features"], "forecasts", name="forecast"),
            node(score, ["forecasts", "test"], "error", name="score"),
        ]
    )
