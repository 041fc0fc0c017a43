"""Like a demand forecast: one node makes lags of a series and fits the scaler that it applies to them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from kedro.pipeline import Pipeline, node
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error
from sklearn.preprocessing import MinMaxScaler

LAGS = (1, 7)


def make_lags(sales: pd.DataFrame) -> tuple[pd.DataFrame, MinMaxScaler]:
    """Look back, and scale."""
    table = sales.sort_values("day")
    for lag in LAGS:
        table[f"lag_{lag}"] = table["units"].shift(lag)
    table = table.dropna()
    columns = [f"lag_{lag}" for lag in LAGS]
    scaler = MinMaxScaler()
    table[columns] = scaler.fit_transform(table[columns])
    return table, scaler


def split_by_day(table: pd.DataFrame, last_day: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The past trains, what follows tests."""
    return table[table["day"] <= last_day], table[table["day"] > last_day]


def train(past: pd.DataFrame) -> Ridge:
    """Fit."""
    return Ridge().fit(past[["lag_1", "lag_7"]], past["units"])


def backtest(model: Any, future: pd.DataFrame) -> float:
    """Score."""
    forecast = np.clip(model.predict(future[["lag_1", "lag_7"]]), 0, None)
    return float(mean_absolute_error(future["units"], forecast))


def forecasting() -> Pipeline:
    """From a series to a score."""
    return Pipeline(
        [
            node(make_lags, "sales", ["lagged", "scaler"], name="make_lags"),
            node(split_by_day, ["lagged", "params:last_day"], ["past", "future"], name="split_by_day"),
            node(train, "past", "model", name="train"),
            node(backtest, ["model", "future"], "mae", name="backtest"),
        ]
    )
