"""Penguins come in, the columns that the classifier reads go out: in training and in inference alike."""

import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder


def name_missing(categories: pd.DataFrame) -> pd.DataFrame:
    """Give missing values a category of their own.

    Args:
        categories: One row per penguin, columns of text.

    Returns:
        The same rows and columns; ``"unknown"`` where a value was missing.
    """
    return categories.astype(object).where(categories.notna(), "unknown")


def build_features(penguins: pd.DataFrame, imputer: SimpleImputer, encoder: OneHotEncoder) -> pd.DataFrame:
    """Turn penguins into numbers, none of them missing.

    Args:
        penguins: One row per penguin. Values may be missing, and columns that
            imputer and encoder were not fitted on are left out.
        imputer: Fitted on the measurements.
        encoder: Fitted on the categories; one it has not seen becomes zeros.

    Returns:
        One row per penguin, with the index of ``penguins``.
    """
    measurements: pd.DataFrame = imputer.transform(penguins[imputer.feature_names_in_])
    categories: pd.DataFrame = encoder.transform(name_missing(penguins[encoder.feature_names_in_]))
    return pd.concat([measurements, categories], axis="columns")
