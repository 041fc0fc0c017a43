"""Tests of datasets.packageable."""

from __future__ import annotations

from pathlib import Path

from kedro.io import DataCatalog

from kedro_autolog_pipeline.datasets.packageable import why_not_packageable


def test_what_cannot_become_an_artifact_says_why(tmp_path: Path) -> None:
    """Before training, a dataset is refused only where its data cannot be there afterwards."""
    datasets = DataCatalog.from_config(
        {
            "file": {"type": "pickle.PickleDataset", "filepath": f"{tmp_path}/model.pkl"},
            "memory": {"type": "MemoryDataset"},
            "remote": {"type": "pickle.PickleDataset", "filepath": "memory://bucket/model.pkl"},
            "broken": {"type": "pickle.NoDataset", "filepath": "model.pkl"},
        }
    )

    def why(name: str, written: set[str] | None) -> str | None:
        return why_not_packageable(name, datasets, written)

    assert [None] * 4 == [why("file", set()), why("remote", set()), why("memory", {"memory"}), why("nowhere", None)]
    assert why("nowhere", {"nowhere"}) is None
    assert why("nowhere", set()) == (
        "'nowhere' is not in the catalog, and no node writes it under this name. Add it to catalog.yml."
    )
    assert why("memory", set()) == (
        "'memory' is in memory, and no node of this run writes it. Give it a dataset that keeps its data."
    )
    assert (why("broken", set()) or "").startswith("the dataset 'broken' cannot be made (")
    assert (why("x" * 256, {"x" * 256}) or "").endswith("is too long for a directory. Shorten it.")
