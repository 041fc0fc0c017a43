"""The inference pipeline."""

from kedro.pipeline import Node, Pipeline

from penguins.features import build_features

from .nodes import name_species, predict_probabilities


def create_pipeline(**_kwargs: object) -> Pipeline:
    """Create the inference pipeline.

    Returns:
        From ``instances`` to ``predictions``.
    """
    return Pipeline(
        [
            Node(
                build_features,
                inputs=["instances", "imputer", "encoder"],
                outputs="features",
                name="build_features",
            ),
            Node(
                predict_probabilities,
                inputs=["features", "classifier"],
                outputs="probabilities",
                name="predict_probabilities",
            ),
            Node(
                name_species,
                inputs=["probabilities", "label_encoder", "params:threshold"],
                outputs="predictions",
                name="name_species",
            ),
        ]
    )
