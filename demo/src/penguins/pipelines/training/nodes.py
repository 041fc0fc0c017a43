"""Labelled penguins come in; four fitted objects and their accuracy go out."""

from typing import Any

import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import LabelEncoder, OneHotEncoder

from penguins.features import build_features, name_missing

MEASUREMENTS = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
CATEGORIES = ["island", "sex"]


def fit_imputer(train_set: pd.DataFrame) -> SimpleImputer:
    """Learn what stands in for a missing measurement: the median.

    Args:
        train_set: One row per penguin.

    Returns:
        The imputer, fitted on the measurements.
    """
    imputer = SimpleImputer(strategy="median").set_output(transform="pandas")
    return imputer.fit(train_set[MEASUREMENTS])


def fit_encoder(train_set: pd.DataFrame) -> OneHotEncoder:
    """Learn the islands and the sexes.

    Args:
        train_set: One row per penguin.

    Returns:
        The encoder, fitted on the categories.
    """
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False).set_output(transform="pandas")
    return encoder.fit(name_missing(train_set[CATEGORIES]))


def fit_label_encoder(train_set: pd.DataFrame) -> LabelEncoder:
    """Learn the names of the species.

    Args:
        train_set: One row per penguin.

    Returns:
        The encoder between names and the numbers that the classifier predicts.
    """
    return LabelEncoder().fit(train_set["species"])


def fit_classifier(
    train_set: pd.DataFrame,
    imputer: SimpleImputer,
    encoder: OneHotEncoder,
    label_encoder: LabelEncoder,
    options: dict[str, Any],
) -> RandomForestClassifier:
    """Learn to tell the species apart.

    Args:
        train_set: One row per penguin.
        imputer: Fitted on the measurements.
        encoder: Fitted on the categories.
        label_encoder: Fitted on the species.
        options: Arguments of ``RandomForestClassifier``.

    Returns:
        The fitted classifier.
    """
    features = build_features(train_set, imputer, encoder)
    return RandomForestClassifier(**options).fit(features, label_encoder.transform(train_set["species"]))


def evaluate(
    test_set: pd.DataFrame,
    imputer: SimpleImputer,
    encoder: OneHotEncoder,
    label_encoder: LabelEncoder,
    classifier: RandomForestClassifier,
) -> dict[str, float]:
    """Measure the classifier on penguins that it has not seen, and log the score to the active MLflow run.

    Args:
        test_set: One row per penguin.
        imputer: Fitted on the measurements.
        encoder: Fitted on the categories.
        label_encoder: Fitted on the species.
        classifier: The one to measure.

    Returns:
        ``accuracy``, between 0 and 1.
    """
    # Takes seconds to import, and no other node needs it.
    import mlflow

    predicted = classifier.predict(build_features(test_set, imputer, encoder))
    accuracy = float(accuracy_score(label_encoder.transform(test_set["species"]), predicted))
    if mlflow.active_run():
        mlflow.log_metric("accuracy", accuracy)
    return {"accuracy": accuracy}
