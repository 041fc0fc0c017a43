"""Tests of run.saves."""

from __future__ import annotations

import json
import logging
import os
import pickle
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import cattrs
import fsspec
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
from kedro_autolog_pipeline.run.saves import SaveNotes, SaveTap, tap_saves

LOCAL = LocalFileSystem()


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Give the path of a journal."""
    return tmp_path / "journal"


def notes(journal: Path) -> SaveNotes:
    """Say where a run notes its saves."""
    return SaveNotes(Journal(journal), journal.parent / "saving", NO_EARLY_COPIES)


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


def test_a_journal_ends_where_its_process_was_killed(tmp_path: Path, journal: Path) -> None:
    """A line that was cut off is left out, and does not take the next process's line with it."""
    dataset = JSONDataset(filepath=str(tmp_path / "model.json"))
    tap = SaveTap(dataset, "model@json", notes(journal))
    assert {} == Journal(journal).read().saves

    journal.write_text('\n{"name": "other", "state": {"path": "/da')
    tap.attach()
    dataset.save([1])
    with journal.open("a") as stream:
        stream.write('\n{"name": "third", "st')

    assert ["model"] == list(Journal(journal).read().saves)


def test_the_last_save_of_a_path_counts(tmp_path: Path, journal: Path) -> None:
    """Two entries of the catalog may be one file, which this run has then not lost to another."""
    path = str(tmp_path / "model.json")
    catalog = DataCatalog({"first": JSONDataset(filepath=path), "second": JSONDataset(filepath=path)})
    tap_saves(["first", "second"], catalog, notes(journal))
    catalog.save("first", [1])
    catalog.save("second", [10])

    states = Journal(journal).read().saves

    assert states["first"] == states["second"]
    assert how_changed(states["first"], LOCAL) is None


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


def test_what_happened_to_a_file_is_told(tmp_path: Path, journal: Path) -> None:
    """Size, time and inode each show that it is another one; another name of it is no change."""
    file = tmp_path / "model.json"
    dataset = JSONDataset(filepath=str(file))
    state = saved(journal, dataset, [1])
    status = file.stat()

    os.link(file, tmp_path / "link.json")
    assert how_changed(state, LOCAL) is None
    renumbered = FileState(status.st_size, status.st_mtime_ns, file.stat().st_ctime_ns, status.st_ino + 1)
    assert how_changed(attrs.evolve(state, files={"": renumbered}), LOCAL) is None

    twin = tmp_path / "twin.json"
    twin.write_bytes(file.read_bytes())
    os.utime(twin, ns=(status.st_atime_ns, status.st_mtime_ns))
    twin.replace(file)
    assert "was replaced by another file" == how_changed(state, LOCAL)

    os.utime(file, (0, time.mktime((2026, 1, 2, 12, 1, 7, 0, 0, -1))))
    assert "was written again at 12:01:07" == how_changed(state, LOCAL)

    dataset.save([10])
    assert "has another size (8 bytes, and had 7)" == how_changed(state, LOCAL)

    file.unlink()
    assert "is gone" == how_changed(state, LOCAL)


def test_what_happened_in_a_directory_is_told(tmp_path: Path, journal: Path) -> None:
    """A file more, a file less and another file in it are changes of the directory."""
    parts = PartitionedDataset(path=str(tmp_path / "parts"), dataset=JSONDataset, filename_suffix=".json")
    state = saved(journal, parts, {"a": [1], "deep/b": [2]})
    assert how_changed(state, LOCAL) is None

    parts.save({"c": [3]})
    assert "has changed: 'c.json' is new" == how_changed(state, LOCAL)
    (tmp_path / "parts" / "c.json").unlink()
    parts.save({"deep/b": [22]})
    assert "has changed: 'deep/b.json' has another size (8 bytes, and had 7)" == how_changed(state, LOCAL)
    (tmp_path / "parts" / "deep" / "b.json").unlink()
    assert "has changed: 'deep/b.json' is gone" == how_changed(state, LOCAL)


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_a_remote_file_that_is_written_again_has_changed(journal: Path, kind: str) -> None:
    """What its file system tells of it is another."""
    url = f"memory://bucket/{journal.parent.name}/{kind}"
    dataset: AbstractDataset[Any, Any] = (
        JSONDataset(filepath=url)
        if kind == "file"
        else PartitionedDataset(path=url, dataset=JSONDataset, filename_suffix=".json")
    )
    data: Any = [1] if kind == "file" else {"a": [1]}
    state = saved(journal, dataset, data)
    filesystem = fsspec.filesystem("memory")
    assert how_changed(state, filesystem) is None

    dataset.save(data)

    assert {"file": "was written again", "directory": "has changed: 'a.json' was written again"}[kind] == how_changed(
        state, filesystem
    )


def test_a_state_is_plain_json(tmp_path: Path, journal: Path) -> None:
    """It comes back from a file as it was."""
    state = saved(journal, JSONDataset(filepath=str(tmp_path / "model.json")), [1])

    assert state == cattrs.structure(json.loads(json.dumps(cattrs.unstructure(state))), SavedState)


def test_what_is_in_memory_has_no_file(journal: Path) -> None:
    """That it was saved is all that can be told."""
    assert SavedState(None, None, None) == saved(journal, MemoryDataset(), [1])
