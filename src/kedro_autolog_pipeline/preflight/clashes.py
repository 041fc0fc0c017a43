"""Find what keeps Kedro from adding the two pipelines of a pair."""

from __future__ import annotations

from collections.abc import Iterator

from kedro.pipeline.node import Node

from kedro_autolog_pipeline.pairing.pair import Pair, dataset_of


def find_clashes(pair: Pair) -> Iterator[str]:
    """Find nodes of training and inference that cannot be in one pipeline, both named, with the remedy."""
    config = pair.config
    only_training = set(pair.training.nodes) - set(pair.inference.nodes)
    for node in sorted(set(pair.inference.nodes) - set(pair.training.nodes)):
        for other in sorted(only_training):
            both = f"node '{other.name}' of '{config.training}' and node '{node.name}' of '{config.inference}'"
            for dataset in sorted(_written(node) & _written(other)):
                yield f"{both} both write '{dataset}'. Give one of them another name."
            if node.name == other.name:
                yield f"{both} have one name. Give one of them another."


def _written(node: Node) -> set[str]:
    return {dataset_of(name) for name in node.outputs}
