"""Instances come in, a small model and other artifacts go out, after a given time."""

from __future__ import annotations

import os
import time
from typing import Any

import pandas as pd
from kedro.pipeline import Pipeline, node
from sklearn.linear_model import LogisticRegression

from measured.shape import ARTIFACT_BYTES, ARTIFACTS, BLOB_BYTES, IS_BLOB_LAST, NAMES, SECONDS

LAST = ["blob"] if IS_BLOB_LAST else []


def prepare(instances: pd.DataFrame) -> list[Any]:
    """Label the instances, and make what else the inference pipeline reads."""
    labels = instances.sum(axis="columns") > instances.sum(axis="columns").median()
    blob = [BLOB_BYTES] if BLOB_BYTES and not IS_BLOB_LAST else []
    return [labels, *blob, *(os.urandom(ARTIFACT_BYTES) for _ in range(ARTIFACTS))]


def fit(instances: pd.DataFrame, labels: pd.Series[Any]) -> list[Any]:
    """Fit a model, and keep one processor busy for as long as a training would."""
    end = time.monotonic() + SECONDS
    model = LogisticRegression().fit(instances, labels)
    while time.monotonic() < end:
        model = LogisticRegression().fit(instances, labels)
    return [model, *(BLOB_BYTES for _ in LAST)]


def create_pipeline(**_: Any) -> Pipeline:
    """Give the pipeline."""
    first = [name for name in NAMES if name not in LAST]
    return Pipeline(
        [
            node(prepare, "instances", ["labels", *first]),
            node(fit, ["instances", "labels"], ["model", *LAST]),
        ],
    )
