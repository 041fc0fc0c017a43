"""The demo's model as somebody would write it by hand for MLflow: the same functions, the same artifacts."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from penguins.features import build_features
from penguins.pipelines.inference.nodes import name_species, predict_probabilities

THRESHOLD = 0.6


class HandWrittenModel(PythonModel):
    """Names the species of penguins."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load what the training has fitted."""
        fitted = {name: pickle.loads(Path(path).read_bytes()) for name, path in context.artifacts.items()}
        self.imputer = fitted["imputer"]
        self.encoder = fitted["encoder"]
        self.classifier = fitted["classifier"]
        self.label_encoder = fitted["label_encoder"]

    def predict(
        self,
        context: PythonModelContext,  # noqa: ARG002 - MLflow's interface
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Predict as the demo's inference pipeline does."""
        features = build_features(model_input, self.imputer, self.encoder)
        probabilities = predict_probabilities(features, self.classifier)
        return name_species(probabilities, self.label_encoder, (params or {}).get("threshold", THRESHOLD))


set_model(HandWrittenModel())
