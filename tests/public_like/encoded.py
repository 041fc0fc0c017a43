"""Like a credit example: `etl` and `ml`, an encoder that is fitted on its own, and probabilities in the report."""

from __future__ import annotations

from typing import Any

import pandas as pd
from kedro.pipeline import Pipeline, node
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import OneHotEncoder


def clean(raw: pd.DataFrame) -> pd.DataFrame:
    """Drop what is not whole."""
    return raw.dropna(subset=["income"]).assign(income=lambda rows: rows["income"].astype(float))


def join(clients: pd.DataFrame, loans: pd.DataFrame) -> pd.DataFrame:
    """Put the two together."""
    return loans.merge(clients, on="client")


def hold_out(primary: pd.DataFrame, fraction: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep the newest rows aside."""
    kept = primary.sample(frac=fraction, random_state=0)
    return primary.drop(kept.index), kept


def fit_encoder(train: pd.DataFrame) -> OneHotEncoder:
    """Learn the categories."""
    return OneHotEncoder(handle_unknown="ignore").fit(train[["kind"]])


def encode(rows: pd.DataFrame, encoder: OneHotEncoder) -> pd.DataFrame:
    """Give numbers."""
    dummies = encoder.transform(rows[["kind"]]).toarray()
    return pd.DataFrame(dummies, index=rows.index).assign(income=rows["income"]).rename(columns=str)


def fit(features: pd.DataFrame, train: pd.DataFrame) -> GradientBoostingClassifier:
    """Fit."""
    return GradientBoostingClassifier().fit(features, train["default"])


def report(classifier: Any, features: pd.DataFrame, test: pd.DataFrame) -> dict[str, float]:
    """Score."""
    scores = classifier.predict_proba(features)[:, 1]
    return {"auc": roc_auc_score(test["default"], scores)}


def etl() -> Pipeline:
    """From two files to a table."""
    return Pipeline(
        [
            node(clean, "clients_raw", "clients", name="clean_clients"),
            node(join, ["clients", "loans"], "primary", name="join"),
        ]
    )


def ml() -> Pipeline:
    """From the table to a score."""
    return Pipeline(
        [
            node(hold_out, ["primary", "params:fraction"], ["train", "test"], name="hold_out"),
            node(fit_encoder, "train", "encoder", name="fit_encoder"),
            node(encode, ["train", "encoder"], "train_features", name="encode_train"),
            node(encode, ["test", "encoder"], "test_features", name="encode_test"),
            node(fit, ["train_features", "train"], "classifier", name="fit"),
            node(report, ["classifier", "test_features", "test"], "scores", name="report"),
        ]
    )
