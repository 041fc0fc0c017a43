"""Like Kedro's starter ``spaceflights-pandas``: one pipeline joins tables, one splits, fits and scores."""

from __future__ import annotations

import logging
from typing import Any

import pandas as pd
from kedro.pipeline import Pipeline, node
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split

logger = logging.getLogger(__name__)


def preprocess_companies(companies: pd.DataFrame) -> pd.DataFrame:
    """Read the ratings as fractions."""
    return companies.assign(company_rating=companies["company_rating"].str.rstrip("%").astype(float) / 100)


def preprocess_shuttles(shuttles: pd.DataFrame) -> pd.DataFrame:
    """Read the prices as numbers."""
    return shuttles.assign(price=shuttles["price"].str.lstrip("$").astype(float))


def create_model_input_table(shuttles: pd.DataFrame, companies: pd.DataFrame, reviews: pd.DataFrame) -> pd.DataFrame:
    """Join the three tables."""
    rated = shuttles.merge(reviews, left_on="id", right_on="shuttle_id").drop(columns="id")
    return rated.merge(companies, left_on="company_id", right_on="id").dropna()


def split_data(data: pd.DataFrame, parameters: dict[str, Any]) -> tuple[Any, ...]:
    """Keep the columns of the features, and divide the rows."""
    features, price = data[parameters["features"]], data["price"]
    return tuple(train_test_split(features, price, test_size=parameters["test_size"], random_state=3))


def train_model(X_train: pd.DataFrame, y_train: pd.Series) -> LinearRegression:  # noqa: N803 - as its users do
    """Fit the price."""
    regressor = LinearRegression()
    regressor.fit(X_train, y_train)
    return regressor


def evaluate_model(
    regressor: LinearRegression,
    X_test: pd.DataFrame,  # noqa: N803 - as its users do
    y_test: pd.Series,
) -> dict[str, float]:
    """Score the prices of the test."""
    predicted = regressor.predict(X_test)
    score = r2_score(y_test, predicted)
    logger.info("R2 is %.3f.", score)
    return {"r2_score": float(score)}


def data_processing() -> Pipeline:
    """Make one table of three."""
    return Pipeline(
        [
            node(preprocess_companies, "companies", "preprocessed_companies", name="preprocess_companies_node"),
            node(preprocess_shuttles, "shuttles", "preprocessed_shuttles", name="preprocess_shuttles_node"),
            node(
                create_model_input_table,
                ["preprocessed_shuttles", "preprocessed_companies", "reviews"],
                "model_input_table",
                name="create_model_input_table_node",
            ),
        ]
    )


def data_science() -> Pipeline:
    """Split, fit and score."""
    return Pipeline(
        [
            node(
                split_data,
                ["model_input_table", "params:model_options"],
                ["X_train", "X_test", "y_train", "y_test"],
                name="split_data_node",
            ),
            node(train_model, ["X_train", "y_train"], "regressor", name="train_model_node"),
            node(evaluate_model, ["regressor", "X_test", "y_test"], "metrics", name="evaluate_model_node"),
        ]
    )
