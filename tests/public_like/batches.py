"""Like a course on MLOps: many small pipelines, one of which scores batches, and two that are sums of others."""

from __future__ import annotations

from typing import Any

import pandas as pd
from kedro.pipeline import Pipeline, node
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def treat_outliers(data: pd.DataFrame) -> pd.DataFrame:
    """Cut what is far out."""
    return data.clip(upper=100)


def scale_encode(data: pd.DataFrame) -> tuple[Any, ...]:
    """Fit and apply at once."""
    scaler, encoder = StandardScaler(), OneHotEncoder()
    scaled = scaler.fit_transform(data[["age"]])
    encoded = encoder.fit_transform(data[["job"]])
    return pd.DataFrame([*scaled, *encoded]), scaler, encoder


def scale_encode_batch(data: pd.DataFrame, scaler: StandardScaler, encoder: OneHotEncoder) -> pd.DataFrame:
    """Apply what was fitted."""
    return pd.DataFrame([*scaler.transform(data[["age"]]), *encoder.transform(data[["job"]])])


def split(data: pd.DataFrame) -> tuple[Any, ...]:
    """Divide the rows."""
    train, test = train_test_split(data)
    return train, test, list(data.columns)


def train_model(train: pd.DataFrame, test: pd.DataFrame, columns: list[str]) -> Any:
    """Fit, and say how good it is."""
    model = RandomForestClassifier()
    model.fit(train[columns], train["y"])
    return model, {"score": model.score(test[columns], test["y"])}


def model_predict(batch: pd.DataFrame, model: RandomForestClassifier, columns: list[str]) -> Any:
    """Score a batch."""
    scored = batch.assign(y_pred=model.predict(batch[columns]))
    return scored, scored.describe().to_dict()


def registered() -> dict[str, Pipeline]:
    """Register them, the sums too."""
    preprocess_train = Pipeline(
        [
            node(treat_outliers, "ref_data", "treated", name="treat_outliers_node"),
            node(scale_encode, "treated", ["preprocessed", "scaler", "encoder"], name="scale_encode_node"),
        ]
    )
    split_train = Pipeline([node(split, "preprocessed", ["train", "test", "production_columns"], name="split_node")])
    model_train = Pipeline(
        [
            node(
                train_model,
                ["train", "test", "production_columns"],
                ["production_model", "production_metrics"],
                name="train_node",
            )
        ]
    )
    preprocess_batch = Pipeline(
        [
            node(treat_outliers, "ana_data", "treated_batch", name="treat_outliers_batch"),
            node(scale_encode_batch, ["treated_batch", "scaler", "encoder"], "preprocessed_batch", name="scale_batch"),
        ]
    )
    model_predict_pipeline = Pipeline(
        [
            node(
                model_predict,
                ["preprocessed_batch", "production_model", "production_columns"],
                ["df_with_predict", "predict_describe"],
                name="predict",
            )
        ]
    )
    return {
        "preprocess_train": preprocess_train,
        "split_train": split_train,
        "model_train": model_train,
        "preprocess_batch": preprocess_batch,
        "inference": model_predict_pipeline,
        "production_full_train_process": preprocess_train + split_train + model_train,
        "production_full_prediction_process": preprocess_batch + model_predict_pipeline,
    }
