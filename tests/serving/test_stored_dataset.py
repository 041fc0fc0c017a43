"""Tests of serving.stored_dataset."""

from __future__ import annotations

from pathlib import Path

import pytest
from kedro.io import DatasetError

from kedro_autolog_pipeline.serving.manifest import PathArgument
from kedro_autolog_pipeline.serving.stored_dataset import StoredDataset


def load(path: Path, kind: str) -> object:
    """Load a file that is known to be of some class."""
    return StoredDataset({"type": kind}, PathArgument.FILEPATH, None).load("numbers", path)


@pytest.mark.parametrize("kind", ["kedro_datasets.json.json_dataset.JSONDataset", "json.JSONDataset"])
def test_a_class_is_found_by_its_own_name_and_by_kedros(tmp_path: Path, kind: str) -> None:
    """``json`` is a module of Python's, and to Kedro one of its own."""
    (tmp_path / "numbers.json").write_text("[1, 2]", encoding="utf-8")

    assert [1, 2] == load(tmp_path / "numbers.json", kind)


@pytest.mark.parametrize("kind", ["nowhere.JSONDataset", "JSONDataset"])
def test_kedro_tells_of_a_class_that_nobody_has(tmp_path: Path, kind: str) -> None:
    """Its message names the class."""
    with pytest.raises(DatasetError, match=kind):
        load(tmp_path / "numbers.json", kind)
