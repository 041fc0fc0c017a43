"""Instances and the model come in, what it says of them goes out, after a given number of nodes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pandas as pd
from kedro.pipeline import Pipeline, node
from sklearn.linear_model import LogisticRegression

from measured.shape import NAMES, NODES


def predict(instances: pd.DataFrame, model: LogisticRegression, *artifacts: Any) -> pd.DataFrame:
    """Have the model name each instance."""
    return pd.DataFrame({"name": model.predict(instances), "artifacts": len(artifacts)})


def hand_on(predictions: pd.DataFrame) -> pd.DataFrame:
    """Give what is given."""
    return predictions


def create_pipeline(**_: Any) -> Pipeline:
    """Give the pipeline."""
    names = [*(f"predictions_{i}" for i in range(NODES - 1)), "predictions"]
    chain = [node(hand_on, before, after, name=f"hand_on_{after}") for before, after in pairwise(names)]
    return Pipeline([node(predict, ["instances", "model", *NAMES], names[0], name="predict"), *chain])
