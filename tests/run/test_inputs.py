"""Tests of run.inputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from kedro.io import AbstractDataset, DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline, node
from kedro_datasets.json import JSONDataset
from kedro_datasets.pandas import CSVDataset

from kedro_autolog_pipeline.run.inputs import InputNotes
from kedro_autolog_pipeline.run.journal import Journal
from kedro_autolog_pipeline.tracking.run_inputs import RunInput

TABLE = pd.DataFrame({"x": [1, 2]})


def _use(*inputs: Any) -> Any:
    return inputs


PIPELINE = Pipeline(
    [
        node(_use, ["raw", "words", "handle", "params:factor"], ["test", "model"], name="fit"),
        node(_use, ["test", "model"], "metrics", name="evaluate"),
        node(_use, ["test", "model"], "report", name="report"),
    ]
)


def noted(project: Path, catalog: DataCatalog, given: dict[str, dict[str, Any]]) -> dict[str, RunInput]:
    """Return what is noted of nodes that are given data by dataset name."""
    journal = Journal(project / "journal")
    notes = InputNotes.of(PIPELINE, ["metrics"], catalog, journal, project)
    for each in PIPELINE.nodes:
        notes.note(each, given.get(each.name, {}))
        notes.note(each, given.get(each.name, {}))
    return journal.read().inputs


def test_a_training_set_is_described_from_what_a_node_has_loaded(tmp_path: Path) -> None:
    """Its source is its file; what is no table is described by its file, and what is nowhere is left out."""
    (tmp_path / "data").mkdir()
    words: AbstractDataset[Any, Any] = JSONDataset(filepath=str(tmp_path / "data" / "words.json"))
    words.save(["a"])
    catalog = DataCatalog(
        {
            # There is no such file: nobody reads it a second time.
            "raw": CSVDataset(filepath=str(tmp_path / "data" / "raw.csv")),
            "words": words,
            "handle": MemoryDataset(object()),
            "params:factor": MemoryDataset(2),
        }
    )
    given = {"fit": {"raw": TABLE, "words": ["a"], "handle": object(), "params:factor": 2}}

    first = noted(tmp_path, catalog, given)
    again = noted(tmp_path, catalog, given)
    words.save(["a", "b"])
    changed = noted(tmp_path, catalog, given)

    assert {"raw", "words"} == first.keys()
    assert ("local", {"uri": "data/raw.csv"}) == (first["raw"].source_type, json.loads(first["raw"].source))
    assert '{"num_rows": 2, "num_elements": 2}' == first["raw"].profile
    assert ("training", None, None) == (first["words"].context, first["words"].schema, first["words"].profile)
    assert first == again
    assert changed["words"].digest != first["words"].digest


def test_what_metrics_are_measured_on_is_noted_too(tmp_path: Path) -> None:
    """It may be in memory; what another node reads is not noted, nor is the model."""
    given = {"evaluate": {"test": TABLE, "model": {"slope": 1}}, "report": {"other": TABLE}}

    inputs = noted(tmp_path, DataCatalog({"test": MemoryDataset()}), given)

    assert {"test"} == inputs.keys()
    assert ("eval", "code") == (inputs["test"].context, inputs["test"].source_type)


@pytest.mark.parametrize(
    ("filepath", "expected"),
    [
        ("s3://bucket/raw.csv", ("s3", {"uri": "s3://bucket/raw.csv"})),
        ("https://user:secret@host/raw.csv?sig=S3CRET", ("http", {"url": "https://host/raw.csv"})),
        ("/elsewhere/raw.csv", ("local", {"uri": "/elsewhere/raw.csv"})),
    ],
)
def test_a_source_holds_no_credentials(tmp_path: Path, filepath: str, expected: tuple[str, dict[str, str]]) -> None:
    """Neither those in a URI nor those of the dataset."""
    catalog = DataCatalog({"raw": CSVDataset(filepath=filepath, credentials={"secret": "S3CRET"})})

    inputs = noted(tmp_path, catalog, {"fit": {"raw": TABLE}})

    assert expected == (inputs["raw"].source_type, json.loads(inputs["raw"].source))
    assert "S3CRET" not in (tmp_path / "journal").read_text()


def test_a_dataset_that_cannot_be_described_stops_nothing(tmp_path: Path) -> None:
    """Its node runs on."""
    gone: AbstractDataset[Any, Any] = JSONDataset(filepath=str(tmp_path / "gone.json"))

    assert {} == noted(tmp_path, DataCatalog({"words": gone}), {"fit": {"words": ["a"]}})
