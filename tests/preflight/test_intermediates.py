"""Tests of intermediates."""

from __future__ import annotations

from typing import Any

import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline, node
from kedro_datasets.pandas import CSVDataset

from kedro_autolog_pipeline.config.schema import ModelConfig
from kedro_autolog_pipeline.pairing.pair import Pair
from kedro_autolog_pipeline.preflight.intermediates import find_faulty_intermediates


def work(*values: Any) -> Any:
    """Stand for whatever a node computes."""
    return values


def faults(*in_memory: str, loaded: str = "coded") -> list[str]:
    """Return what is wrong with a pipeline of three nodes, whose first dataset is a file and second in memory."""
    inference = Pipeline(
        [
            node(work, "instances", "coded@pandas" if "@" in loaded else "coded", name="clean"),
            node(work, loaded, "scaled", name="scale"),
            node(work, ["scaled", "model"], "predictions", name="predict"),
        ]
    )
    pair = Pair(ModelConfig("m", "training", "inference", in_memory=in_memory), Pipeline([]), inference, {})
    stored = CSVDataset(filepath="coded.csv")
    catalog = {"coded": stored, "coded@pandas": stored, "coded@spark": stored, "scaled": MemoryDataset()}
    return list(find_faulty_intermediates(pair, DataCatalog(catalog)))


def test_what_is_read_as_it_was_written_is_no_fault() -> None:
    """A dataset between two nodes may be stored, and may have a transcoding suffix that both sides use."""
    assert faults() == []
    assert faults(loaded="coded@pandas") == []


def test_a_dataset_that_is_read_as_another_type_is_a_fault() -> None:
    """Transcoding between two nodes names the dataset, and the nodes on both sides of it."""
    assert faults(loaded="coded@spark") == [
        "inference: 'coded' is saved as 'coded@pandas' by 'clean', and loaded as 'coded@spark' by 'scale'. A model has "
        "no dataset between its nodes that makes one of the other: convert it in a node."
    ]


@pytest.mark.parametrize("name", ["coded", "coded@pandas"])
def test_what_is_stored_may_stay_in_memory(name: str) -> None:
    """A dataset that the catalog stores is named with or without its suffix."""
    assert faults(name) == []


def test_what_is_not_stored_between_two_nodes_cannot_stay_in_memory() -> None:
    """Another dataset, and one that the catalog has in memory, are told, each with what to do."""
    assert faults("codd", "predictions", "scaled") == [
        "in_memory: 'codd' is no dataset between two nodes of 'inference'. Did you mean 'coded'?",
        "in_memory: 'predictions' is no dataset between two nodes of 'inference'. There are: 'coded', 'scaled'.",
        "in_memory: 'scaled' is in memory anyhow, for the catalog stores it nowhere. Leave it out.",
    ]
