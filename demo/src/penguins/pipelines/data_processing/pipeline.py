"""The data processing pipeline."""

from kedro.pipeline import Node, Pipeline

from .nodes import drop_labels, split_penguins


def create_pipeline(**_kwargs: object) -> Pipeline:
    """Create the data processing pipeline.

    Returns:
        From ``penguins`` to ``train_set``, ``test_set`` and ``instances``.
    """
    return Pipeline(
        [
            Node(
                split_penguins,
                inputs=["penguins", "params:test_fraction", "params:random_state"],
                outputs=["train_set", "test_set"],
                name="split_penguins",
            ),
            Node(drop_labels, inputs="test_set", outputs="instances", name="drop_labels"),
        ]
    )
