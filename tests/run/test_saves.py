"""Tests of run.saves."""

from __future__ import annotations

import logging
import pickle
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.local import LocalFileSystem
from kedro.io import AbstractDataset, CachedDataset, DataCatalog, DatasetError, MemoryDataset
from kedro.io.core import Version
from kedro.io.data_catalog import SharedMemoryDataCatalog
from kedro.pipeline import Pipeline, node
from kedro.runner import AbstractRunner, ParallelRunner, SequentialRunner, ThreadRunner
from kedro_datasets.json import JSONDataset
from kedro_datasets.partitions import PartitionedDataset
from kedro_datasets.pickle import PickleDataset

from kedro_autolog_pipeline.run.early_copies import NO_EARLY_COPIES
from kedro_autolog_pipeline.run.file_state import FileState
from kedro_autolog_pipeline.run.journal import Journal
from kedro_autolog_pipeline.run.saved_state import SavedState, how_changed
from kedro_autolog_pipeline.run.saves import SaveNotes, tap_saves
from kedro_autolog_pipeline.run.writers import WriterNotes
from kedro_autolog_pipeline.serving.manifest import WritingRun

LOCAL = LocalFileSystem()
RUN = WritingRun("4f1d03ab", "2026-11-26T10:00:00+00:00")


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Give the path of a journal."""
    return tmp_path / "journal"


def notes(journal: Path) -> SaveNotes:
    """Say where a run notes its saves."""
    return SaveNotes(
        Journal(journal), journal.parent / "saving", NO_EARLY_COPIES, WriterNotes(journal.parent / "written"), RUN
    )


def saved(journal: Path, dataset: AbstractDataset[Any, Any], *data: Any) -> SavedState:
    """Give the state of a dataset when it has saved all ``data``."""
    catalog = DataCatalog({"model": dataset})
    (tap,) = tap_saves(["model"], catalog, notes(journal))
    for value in data:
        catalog.save("model", value)
    tap.detach()
    return Journal(journal).read().saves["model"]


def fit() -> dict[str, int]:
    """Give a model."""
    return {"weight": 1}


def grow(model: dict[str, int]) -> dict[str, int]:
    """Give another model."""
    return {"weight": model["weight"] + 10}


def emit(model: dict[str, int]) -> Iterator[dict[str, Any]]:
    """Give a model in chunks."""
    for number in range(3):
        yield {f"part_{number}": model}


NODES = Pipeline([node(fit, None, "model"), node(grow, "model", "grown"), node(emit, "grown", "parts")])

RUNNERS: dict[str, Callable[[], AbstractRunner]] = {
    "SequentialRunner": SequentialRunner,
    "SequentialRunner async": lambda: SequentialRunner(is_async=True),
    "ThreadRunner": ThreadRunner,
    "ParallelRunner": ParallelRunner,
    "ParallelRunner async": lambda: ParallelRunner(is_async=True),
}


@pytest.mark.parametrize("name", RUNNERS)
def test_whatever_runner_saves_is_noted(tmp_path: Path, journal: Path, name: str) -> None:
    """Threads, processes and chunks note each dataset as its last save left it, in a file or in memory."""
    runner = RUNNERS[name]()
    datasets: dict[str, AbstractDataset[Any, Any]] = {
        "model": JSONDataset(filepath=str(tmp_path / "model.json"), version=Version(None, "2026-01-02")),
        "parts": PartitionedDataset(path=str(tmp_path / "parts"), dataset=JSONDataset, filename_suffix=".json"),
    }
    catalog = (SharedMemoryDataCatalog if isinstance(runner, ParallelRunner) else DataCatalog)(datasets)
    # Kedro has no chunks where saving is asynchronous.
    pipeline = Pipeline(NODES.nodes[:2]) if name.endswith("async") else NODES
    taps = tap_saves(pipeline.all_outputs(), catalog, notes(journal))

    runner.run(pipeline, catalog)
    for tap in taps:
        tap.detach()

    states = Journal(journal).read().saves
    assert sorted(pipeline.all_outputs()) == sorted(states)
    assert SavedState(None, None, None) == states["grown"]
    model = tmp_path / "model.json" / "2026-01-02" / "model.json"
    status = model.stat()
    file = FileState(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    assert SavedState(str(model), "2026-01-02", {"": file}) == states["model"]
    if "parts" in states:
        assert ["part_0.json", "part_1.json", "part_2.json"] == sorted(states["parts"].files or {})
    assert [None] * len(states) == [how_changed(state, LOCAL) for state in states.values()]
    assert all("save" not in vars(catalog[name]) for name in states)


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_a_tap_goes_along_to_another_process(
    tmp_path: Path, journal: Path, monkeypatch: pytest.MonkeyPatch, start: str
) -> None:
    """ParallelRunner pickles the catalog, whichever way its processes start."""
    monkeypatch.setenv("KEDRO_MP_CONTEXT", start)
    catalog = SharedMemoryDataCatalog({"model": PickleDataset(filepath=str(tmp_path / "model.pkl"))})
    pipeline = Pipeline([node(fit, None, "model")])
    tap_saves(["model"], catalog, notes(journal))

    ParallelRunner().run(pipeline, catalog)

    assert str(tmp_path / "model.pkl") == Journal(journal).read().saves["model"].path


def test_a_pickled_dataset_keeps_its_tap(tmp_path: Path, journal: Path) -> None:
    """Its tap saves to the dataset that was unpickled, not to the one that it came from."""
    catalog = DataCatalog({"model": JSONDataset(filepath=str(tmp_path / "model.json"))})
    tap_saves(["model"], catalog, notes(journal))

    twin = pickle.loads(pickle.dumps(catalog["model"]))

    assert twin.save.__self__.dataset is twin


def test_a_dataset_gets_its_own_save_back(tmp_path: Path, journal: Path) -> None:
    """Even where another plugin had taken its place, or two names are one object; a second time does nothing."""
    dataset = JSONDataset(filepath=str(tmp_path / "model.json"))
    others: list[Any] = []
    vars(dataset)["save"] = others.append
    taps = tap_saves(["a", "b"], DataCatalog({"a": dataset, "b": dataset}), notes(journal))

    dataset.save([1])
    for tap in taps:
        tap.detach()
        tap.detach()

    assert others.append == dataset.save
    assert [[1]] == others
    assert ["a", "b"] == sorted(Journal(journal).read().saves)


def test_a_save_that_fails_is_not_noted(tmp_path: Path, journal: Path) -> None:
    """The dataset's own error is what the node raises."""
    catalog = DataCatalog({"model": JSONDataset(filepath=str(tmp_path / "model.json"))})
    tap_saves(["model"], catalog, notes(journal))

    with pytest.raises(DatasetError, match="not JSON serializable"):
        catalog.save("model", object())

    assert {} == Journal(journal).read().saves


def test_of_a_cached_dataset_the_file_is_noted(tmp_path: Path, journal: Path) -> None:
    """What it wraps is what it saves."""
    config = {"type": "json.JSONDataset", "filepath": str(tmp_path / "model.json")}

    state = saved(journal, CachedDataset(config, version=Version(None, "2026-01-02")), [1])

    assert str(tmp_path / "model.json" / "2026-01-02" / "model.json") == state.path
    assert "2026-01-02" == state.version
    assert [7] == [file.size for file in (state.files or {}).values()]


def test_what_cannot_be_looked_at_is_noted_without_files(
    tmp_path: Path, journal: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system that does not answer stops no training; later nobody can tell whether the file was changed."""

    def refuse(_: LocalFileSystem, path: str | None = None) -> None:
        # The dataset itself names the path that it has written to.
        if path is None:
            raise PermissionError

    with caplog.at_level(logging.DEBUG, "kedro_autolog_pipeline"), monkeypatch.context() as patch:
        patch.setattr(LocalFileSystem, "invalidate_cache", refuse)
        state = saved(journal, JSONDataset(filepath=str(tmp_path / "model.json")), [1])

    assert SavedState(str(tmp_path / "model.json"), None, None) == state
    assert how_changed(state, LOCAL) is None
    (record,) = [record for record in caplog.records if record.name.startswith("kedro_autolog_pipeline")]
    assert ("DEBUG", "Cannot see what 'model' has saved.") == (record.levelname, record.getMessage())


def test_a_journal_that_cannot_be_written_stops_no_training(
    tmp_path: Path, journal: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The data are saved, and a WARNING says what that means."""
    catalog = DataCatalog({"model": JSONDataset(filepath=str(tmp_path / "model.json"))})
    tap_saves(["model"], catalog, notes(journal))
    journal.mkdir()

    catalog.save("model", [1])

    assert [1] == catalog.load("model")
    (message,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert message.startswith("'model' is saved, but that cannot be noted, so the model cannot be packaged (")


def test_many_chunks_are_not_looked_at_one_by_one(
    tmp_path: Path, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where looks take long, the directory is looked at again when the run has ended, and is unknown till then."""
    looks = 0

    def find(*args: Any, **options: Any) -> Any:
        nonlocal looks
        looks += 1
        time.sleep(0.3)
        return found(*args, **options)

    found = LocalFileSystem.find
    monkeypatch.setattr(LocalFileSystem, "find", find)
    parts = PartitionedDataset(path=str(tmp_path / "parts"), dataset=JSONDataset)
    (tap,) = tap_saves(["model"], DataCatalog({"model": parts}), notes(journal))
    for number in range(20):
        parts.save({f"part_{number}": [number]})

    assert 3 == looks
    assert 3 == journal.read_text().count('"model"')
    assert Journal(journal).read().saves["model"].files is None
    tap.detach()
    tap.detach()
    assert 4 == looks
    assert 20 == len(Journal(journal).read().saves["model"].files or {})


def test_what_is_in_memory_has_no_file(journal: Path) -> None:
    """That it was saved is all that can be told."""
    assert SavedState(None, None, None) == saved(journal, MemoryDataset(), [1])
