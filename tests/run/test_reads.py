"""Tests of run.reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.local import LocalFileSystem
from kedro.io import AbstractDataset, DataCatalog, MemoryDataset
from kedro_datasets.json import JSONDataset

from kedro_autolog_pipeline.run.early_copies import NO_EARLY_COPIES
from kedro_autolog_pipeline.run.journal import Journal
from kedro_autolog_pipeline.run.reads import ReadNotes
from kedro_autolog_pipeline.run.saved_state import how_changed
from kedro_autolog_pipeline.run.saves import SaveNotes, tap_saves
from kedro_autolog_pipeline.run.writers import WriterNotes
from kedro_autolog_pipeline.serving.manifest import WritingRun

RUN = WritingRun("4f1d03ab", "2026-11-26T10:00:00+00:00")

LOCAL = LocalFileSystem()


class DownloadedDataset(JSONDataset):  # type: ignore[misc]  # the datasets ship no types
    """A dataset whose file is a cache: loading it writes to it."""

    def load(self) -> Any:
        """Load what is there, and write it again."""
        data = super().load()
        Path(self._filepath).write_text('{"downloaded": true}')
        return data


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """Give an empty journal."""
    return Journal(tmp_path / "journal")


def watch(catalog: DataCatalog, journal: Journal, *written: str) -> ReadNotes:
    """Watch all datasets of a catalog, some of which the run writes."""
    return ReadNotes.of(catalog.keys(), written, catalog, journal)


def load(notes: ReadNotes, name: str) -> Any:
    """Load a dataset as a runner does for a node."""
    notes.before_load(name, "node")
    data = notes.catalog.load(name)
    notes.after_load(name, "node")
    return data


def test_a_reference_is_noted_before_the_first_node_and_when_it_is_loaded(tmp_path: Path, journal: Journal) -> None:
    """What the run has read is what was there when a node loaded it last."""
    words: AbstractDataset[Any, Any] = JSONDataset(filepath=str(tmp_path / "words.json"))
    words.save(["a"])
    notes = watch(DataCatalog({"words@json": words}), journal)

    notes.begin()
    at_the_start = journal.read().reads["words"]
    words.save(["a", "b"])
    changed = how_changed(at_the_start, LOCAL)
    load(notes, "words@json")

    assert changed is not None
    assert how_changed(journal.read().reads["words"], LOCAL) is None
    assert {} == journal.read().saves


def test_what_loading_writes_is_the_runs_own(tmp_path: Path, journal: Journal) -> None:
    """A dataset that is a cache changes its file itself; what another run has written before is still seen."""
    file = tmp_path / "model.json"
    catalog = DataCatalog({"model": DownloadedDataset(filepath=str(file))})
    tap_saves(
        ["model"],
        catalog,
        SaveNotes(journal, tmp_path / "saving", NO_EARLY_COPIES, WriterNotes(tmp_path / "written"), RUN),
    )
    notes = watch(catalog, journal, "model")
    notes.begin()
    catalog.save("model", {"weight": 1})

    load(notes, "model")
    after_loading = how_changed(journal.read().saves["model"], LOCAL)
    file.write_text('{"weight": -1}')
    load(notes, "model")

    assert after_loading is None
    assert how_changed(journal.read().saves["model"], LOCAL) is not None


def test_what_another_node_writes_while_a_dataset_is_loaded_is_not_the_runs_own(
    tmp_path: Path, journal: Journal
) -> None:
    """Nodes of a ThreadRunner run side by side; loading once more tells whether it was the load that wrote."""
    file = tmp_path / "model.json"
    catalog = DataCatalog({"model": JSONDataset(filepath=str(file))})
    tap_saves(
        ["model"],
        catalog,
        SaveNotes(journal, tmp_path / "saving", NO_EARLY_COPIES, WriterNotes(tmp_path / "written"), RUN),
    )
    notes = watch(catalog, journal, "model")
    notes.begin()
    catalog.save("model", {"weight": 1})

    notes.before_load("model", "node")
    file.write_text('{"weight": -1}')
    notes.after_load("model", "node")
    written = how_changed(journal.read().saves["model"], LOCAL)
    catalog.save("model", {"weight": 1})
    notes.before_load("model", "node")
    file.write_text("half of what another no")
    notes.after_load("model", "node")

    assert written is not None
    assert how_changed(journal.read().saves["model"], LOCAL) is not None


def test_what_cannot_be_looked_at_is_not_noted(tmp_path: Path, journal: Journal) -> None:
    """A dataset in memory, one without data, one of another machine, and a journal that is gone stop nothing."""
    remote = JSONDataset(filepath="memory://words.json")
    remote.save(["a"])
    catalog = DataCatalog(
        {
            "memory": MemoryDataset([1]),
            "missing": JSONDataset(filepath=str(tmp_path / "missing.json")),
            "remote": remote,
            "own": MemoryDataset([1]),
        }
    )
    notes = watch(catalog, journal, "own")

    notes.begin()
    remote.save(["b"])
    for name in ("memory", "remote", "own"):
        load(notes, name)

    noted = journal.read().reads
    assert ["remote"] == list(noted)
    assert how_changed(noted["remote"], remote._fs) is not None  # noqa: SLF001 - the store of the dataset's own
    journal.file.unlink()
    journal.file.mkdir()
    notes.begin()
