"""The classifier's input comes in, named species go out."""

import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.preprocessing import LabelEncoder


def predict_probabilities(features: pd.DataFrame, classifier: RandomForestClassifier) -> pd.DataFrame:
    """Ask the classifier.

    Args:
        features: One row per penguin, the columns that the classifier was fitted on.
        classifier: Fitted on numbered species.

    Returns:
        One row per penguin, with the index of ``features``; one column per number of a species.
    """
    return pd.DataFrame(classifier.predict_proba(features), index=features.index, columns=classifier.classes_)


def name_species(probabilities: pd.DataFrame, label_encoder: LabelEncoder, threshold: float) -> pd.DataFrame:
    """Name the most probable species, unless it is not probable enough.

    Args:
        probabilities: One row per penguin, one column per number of a species.
        label_encoder: Fitted on the species.
        threshold: Probability below which a penguin's species is ``"unsure"``.

    Returns:
        ``species`` and its ``probability``, with the index of ``probabilities``.
    """
    probability = probabilities.max(axis="columns")
    species = pd.Series(
        label_encoder.inverse_transform(probabilities.idxmax(axis="columns")), index=probabilities.index
    )
    return pd.DataFrame({"species": species.where(probability >= threshold, "unsure"), "probability": probability})
