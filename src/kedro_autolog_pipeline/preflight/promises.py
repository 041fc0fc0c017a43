"""Find pairs whose model would promise nothing: one that gives no answer, or one that no training changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kedro.io.core import is_parameter
from kedro.pipeline.node import Node

from kedro_autolog_pipeline.pairing.pair import Pair, dataset_of
from kedro_autolog_pipeline.serving.manifest import Origin


def find_empty_promises(pair: Pair) -> Iterator[str]:
    """Find what makes a proof of the pair's model mean nothing, each beginning with the name of a key.

    Args:
        pair: The pair. Of one whose inputs have not all an origin, only the answer is judged: what it is to read is not
            known.
    """
    config, inference = pair.config, pair.inference
    if inference.nodes and not inference.outputs():
        yield f"inference: '{config.inference}' gives no answer: {_where_answers_end(inference.nodes)}"
    has_all_origins = pair.origins.keys() == inference.inputs()
    if has_all_origins and inference.nodes and pair.training.nodes and not pair.inputs_from(Origin.TRAINED):
        yield (
            f"inference: nothing that '{config.training}' produces goes into the model, so every training would "
            f"package the same. '{config.inference}' {_what_is_read(pair)}; '{config.training}' produces "
            f"{_quoted(_products(pair))}. Read that instead."
        )


def _where_answers_end(nodes: Iterable[Node]) -> str:
    """Name what would be the answer, were it not for the nodes that read it."""
    ends = [node for node in nodes if not node.outputs]
    read = sorted({name for node in ends for name in node.inputs if not is_parameter(name)})
    if not read:
        return "no node of it has an output. Return what the model is to answer."
    readers = "; ".join(f"'{name}' is read by {_quoted(n.name for n in ends if name in n.inputs)}" for name in read)
    return (
        f"{readers}, which has no output. A model answers with the outputs that no node reads: leave "
        f"{_quoted(node.name for node in ends)} out of the inference pipeline."
    )


def _what_is_read(pair: Pair) -> str:
    references = pair.inputs_from(Origin.REFERENCE)
    return f"reads {_quoted(references)} from the catalog" if references else "reads no artifact"


def _products(pair: Pair) -> list[str]:
    """List what training leaves behind; where that is nothing, all that it writes."""
    products = pair.training.outputs() or pair.training.all_outputs()
    return sorted({dataset_of(name) for name in products}) or ["nothing"]


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
