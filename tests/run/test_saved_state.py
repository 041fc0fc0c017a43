"""Tests of run.saved_state."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import attrs
import cattrs
import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem
from kedro.io import AbstractDataset
from kedro_datasets.json import JSONDataset
from kedro_datasets.partitions import PartitionedDataset

from kedro_autolog_pipeline.datasets.locations import find_location
from kedro_autolog_pipeline.run.file_state import FileState
from kedro_autolog_pipeline.run.saved_state import SavedState, how_changed, look

LOCAL = LocalFileSystem()


def saved(dataset: AbstractDataset[Any, Any], data: Any) -> SavedState:
    """Return the state of a dataset when it has saved some data."""
    dataset.save(data)
    location = find_location(dataset, None)
    assert location is not None
    return SavedState(location.path, None, look(location))


def test_what_two_runs_have_saved_at_once_has_changed(tmp_path: Path) -> None:
    """Nothing of a file tells that, and nothing that is there now makes it good."""
    state = saved(JSONDataset(filepath=str(tmp_path / "model.json")), [1])

    assert how_changed(state, LOCAL) is None
    assert "was saved to by another run at the same time" == how_changed(attrs.evolve(state, is_mixed=True), LOCAL)


def test_what_happened_to_a_file_is_told(tmp_path: Path) -> None:
    """Size, time and inode each show that it is another one; another name of it is no change."""
    file = tmp_path / "model.json"
    dataset = JSONDataset(filepath=str(file))
    state = saved(dataset, [1])
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


def test_what_happened_in_a_directory_is_told(tmp_path: Path) -> None:
    """A file more, a file less and another file in it are changes of the directory."""
    parts = PartitionedDataset(path=str(tmp_path / "parts"), dataset=JSONDataset, filename_suffix=".json")
    state = saved(parts, {"a": [1], "deep/b": [2]})
    assert how_changed(state, LOCAL) is None

    parts.save({"c": [3]})
    assert "has changed: 'c.json' is new" == how_changed(state, LOCAL)
    (tmp_path / "parts" / "c.json").unlink()
    parts.save({"deep/b": [22]})
    assert "has changed: 'deep/b.json' has another size (8 bytes, and had 7)" == how_changed(state, LOCAL)
    (tmp_path / "parts" / "deep" / "b.json").unlink()
    assert "has changed: 'deep/b.json' is gone" == how_changed(state, LOCAL)


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_a_remote_file_that_is_written_again_has_changed(tmp_path: Path, kind: str) -> None:
    """What its file system tells of it is another."""
    url = f"memory://bucket/{tmp_path.name}/{kind}"
    dataset: AbstractDataset[Any, Any] = (
        JSONDataset(filepath=url)
        if kind == "file"
        else PartitionedDataset(path=url, dataset=JSONDataset, filename_suffix=".json")
    )
    data: Any = [1] if kind == "file" else {"a": [1]}
    state = saved(dataset, data)
    filesystem = fsspec.filesystem("memory")
    assert how_changed(state, filesystem) is None

    dataset.save(data)

    assert {"file": "was written again", "directory": "has changed: 'a.json' was written again"}[kind] == how_changed(
        state, filesystem
    )


def test_a_state_is_plain_json(tmp_path: Path) -> None:
    """It comes back from a file as it was."""
    state = saved(JSONDataset(filepath=str(tmp_path / "model.json")), [1])

    assert state == cattrs.structure(json.loads(json.dumps(cattrs.unstructure(state))), SavedState)
