"""Find what the inference pipeline computes as the training pipeline does, so that both can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs
from kedro.io.core import is_parameter
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from kedro_autolog_pipeline.pairing.pair import Pair, dataset_of
from kedro_autolog_pipeline.serving.manifest import Origin

NO_COUNTERPART = (
    "the two pipelines have no function of a node and no dataset in common, or requests have several inputs."
)
"""Why nothing is compared where a pair has no counterparts."""


@attrs.frozen
class Counterpart:
    """An output of the inference pipeline and one of the training pipeline that should hold the same of the same rows.

    Attributes:
        node: The node of the inference pipeline.
        output: The dataset that it writes.
        training_node: The node of the training pipeline.
        training_output: The dataset that it writes.
        sources: Datasets that training makes it of, and that may hold the rows of a request: those that training
            does not write itself first, then in the order of its nodes.
    """

    node: str
    output: str
    training_node: str
    training_output: str
    sources: tuple[str, ...]


def find_counterparts(pair: Pair) -> list[Counterpart]:
    """Find the counterparts of what the inference pipeline makes of a request, in the order of its nodes.

    An output has those that training writes under the same name; where there are none, those of the nodes with the
    same function.

    Returns:
        None of them for a pair with several request inputs, whose rows belong together in a way that nothing tells.
    """
    requests = pair.inputs_from(Origin.REQUEST)
    if len(requests) != 1 or requests[0] not in pair.inference.inputs():
        return []
    reached = set(pair.inference.from_inputs(*requests).nodes)
    return [
        found
        for node in pair.inference.nodes
        if node in reached
        for position, output in enumerate(node.outputs)
        for found in _of_output(node, output, position, pair.training)
    ]


def _of_output(node: Node, output: str, position: int, training: Pipeline) -> list[Counterpart]:
    named = [
        (other, name) for other in training.nodes for name in other.outputs if dataset_of(name) == dataset_of(output)
    ]
    alike = [
        (other, other.outputs[position])
        for other in training.nodes
        if other.func == node.func and len(other.outputs) == len(node.outputs)
    ]
    return [
        Counterpart(node.name, output, other.name, name, tuple(_sources(name, training)))
        for other, name in named or alike
    ]


def _sources(output: str, training: Pipeline) -> Iterator[str]:
    """List the datasets that an output of the training pipeline is made of, without parameters."""
    above = training.to_outputs(output)
    between = (name for node in above.nodes for name in node.outputs if name in above.all_inputs())
    names: Iterable[str] = dict.fromkeys([*sorted(above.inputs()), *between])
    return (name for name in names if not is_parameter(name))
