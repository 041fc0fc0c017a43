"""The training pipeline."""

from kedro.pipeline import Node, Pipeline

from .nodes import evaluate, fit_classifier, fit_encoder, fit_imputer, fit_label_encoder


def create_pipeline(**_kwargs: object) -> Pipeline:
    """Create the training pipeline.

    Returns:
        From ``train_set`` and ``test_set`` to ``imputer``, ``encoder``, ``label_encoder``, ``classifier``
        and ``metrics``.
    """
    return Pipeline(
        [
            Node(fit_imputer, inputs="train_set", outputs="imputer", name="fit_imputer"),
            Node(fit_encoder, inputs="train_set", outputs="encoder", name="fit_encoder"),
            Node(fit_label_encoder, inputs="train_set", outputs="label_encoder", name="fit_label_encoder"),
            Node(
                fit_classifier,
                inputs=["train_set", "imputer", "encoder", "label_encoder", "params:classifier"],
                outputs="classifier",
                name="fit_classifier",
            ),
            Node(
                evaluate,
                inputs=["test_set", "imputer", "encoder", "label_encoder", "classifier"],
                outputs="metrics",
                name="evaluate",
            ),
        ]
    )
