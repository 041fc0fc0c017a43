"""Find what is wrong with the datasets between two nodes of an inference pipeline."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from kedro.io import DataCatalog, DatasetError
from kedro.pipeline import Pipeline

from kedro_autolog_pipeline.datasets.locations import is_in_memory
from kedro_autolog_pipeline.pairing.pair import Pair, dataset_of
from kedro_autolog_pipeline.serving.suggestions import suggest


def find_faulty_intermediates(pair: Pair, catalog: DataCatalog) -> Iterator[str]:
    """Find intermediates that a model cannot have, and names in ``in_memory`` that are none.

    Args:
        pair: The pair.
        catalog: The project's catalog.

    Yields:
        One sentence a fault, beginning with the name of a key.
    """
    names = _intermediates(pair.inference)
    for dataset, transcoded in sorted(names.items()):
        if len(transcoded) > 1:
            yield f"inference: {_why_not_transcoded(dataset, pair.inference)}"
    for name in pair.config.in_memory:
        if dataset_of(name) not in names:
            hint = suggest(name, sorted(names))
            yield f"in_memory: '{name}' is no dataset between two nodes of '{pair.config.inference}'. {hint}"
        elif not any(_is_stored(each, catalog) for each in names[dataset_of(name)]):
            yield f"in_memory: '{name}' is in memory anyhow, for the catalog stores it nowhere. Leave it out."


def _intermediates(pipeline: Pipeline) -> dict[str, set[str]]:
    """Return the names under which each dataset between two nodes is written and read, by the dataset."""
    names = defaultdict(set)
    for name in pipeline.datasets():
        names[dataset_of(name)].add(name)
    written = {dataset_of(name) for name in pipeline.all_outputs()}
    read = {dataset_of(name) for name in pipeline.all_inputs()}
    return {dataset: names[dataset] for dataset in written & read}


def _why_not_transcoded(dataset: str, pipeline: Pipeline) -> str:
    saved, loaded = (
        ", ".join(f"as '{name}' by '{node.name}'" for name, node in uses)
        for uses in (
            [(name, node) for node in pipeline.nodes for name in node.outputs if dataset_of(name) == dataset],
            [(name, node) for node in pipeline.nodes for name in node.inputs if dataset_of(name) == dataset],
        )
    )
    return (
        f"'{dataset}' is saved {saved}, and loaded {loaded}. A model has no dataset between its nodes that makes one "
        "of the other: convert it in a node."
    )


def _is_stored(name: str, catalog: DataCatalog) -> bool:
    try:
        dataset = catalog.get(name)
    except DatasetError:
        # Which is a mistake of its own.
        return True
    return dataset is not None and not is_in_memory(dataset)
