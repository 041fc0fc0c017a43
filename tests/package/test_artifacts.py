"""Tests of packaging.artifacts."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import attrs
import kedro
import pytest
from fsspec.implementations.local import LocalFileSystem
from kedro.io import AbstractDataset, DataCatalog, MemoryDataset

from kedro_autolog_pipeline.errors import ArtifactChangedError
from kedro_autolog_pipeline.package.artifacts import (
    Artifact,
    place_artifacts,
    stage_artifact,
)
from kedro_autolog_pipeline.run.early_copies import NO_EARLY_COPIES
from kedro_autolog_pipeline.run.journal import Journal
from kedro_autolog_pipeline.run.record import KnownData
from kedro_autolog_pipeline.run.saved_state import SavedState
from kedro_autolog_pipeline.run.saves import SaveNotes, tap_saves
from kedro_autolog_pipeline.run.writers import WriterNotes
from kedro_autolog_pipeline.serving.manifest import Origin, PathArgument, WritingRun
from kedro_autolog_pipeline.serving.snapshots import SnapshotFormat

JSON = "kedro_datasets.json.json_dataset.JSONDataset"

KEDRO_VERSION = tuple(map(int, kedro.__version__.split(".")[:2]))


def catalog(save_version: str | None = None, **datasets: dict[str, Any]) -> DataCatalog:
    """Give a catalog as Kedro makes it from catalog.yml."""
    return DataCatalog.from_config(datasets, credentials={"key": {"token": "hidden-token"}}, save_version=save_version)


RUN = WritingRun("4f1d03ab5c", "2026-11-26T10:00:00+00:00")


def stage(tmp_path: Path, datasets: DataCatalog, name: str = "model", saved: SavedState | None = None) -> Artifact:
    """Stage an artifact."""
    known = KnownData(saved, is_saved=saved is not None, digest=None)
    return stage_artifact(
        name,
        Origin.TRAINED,
        datasets,
        tmp_path / "staging",
        known,
        early=NO_EARLY_COPIES,
        writers=WriterNotes(tmp_path / "written"),
    )


def test_a_file_is_copied_with_all_that_loading_it_needs(tmp_path: Path) -> None:
    """The entry tells size and digest, and its configuration has no path, and nothing that only writing needs."""
    (tmp_path / "model.json").write_text("[1]")
    datasets = catalog(
        model={
            "type": "json.JSONDataset",
            "filepath": f"{tmp_path}/model.json",
            "save_args": {"indent": 3},
            "metadata": {"team": "shop"},
        }
    )

    artifact = stage(tmp_path, datasets)

    assert tmp_path / "staging" / "artifacts" / "model" / "model.json" == artifact.file
    assert "artifacts/model/model.json" == artifact.entry.path
    assert {"type": JSON} == artifact.entry.dataset
    assert (3, hashlib.sha256(b"[1]").hexdigest()) == (artifact.entry.size, artifact.entry.sha256)
    assert (PathArgument.FILEPATH, None) == (artifact.entry.argument, artifact.entry.snapshot)
    assert [1] == artifact.load()


@pytest.mark.parametrize(("version", "expected"), [("2026-01-02", [2]), (None, [3])])
@pytest.mark.parametrize("cached", [True, False])
def test_the_version_that_this_run_saved_is_packaged(
    tmp_path: Path, *, version: str | None, expected: list[int], cached: bool
) -> None:
    """Kedro resolves the newest version, whoever wrote it; what a run trained is the version that it saved."""
    for number, name in enumerate(("2026-01-01", "2026-01-02", "2027-01-01"), start=1):
        (tmp_path / "model.json" / name).mkdir(parents=True)
        (tmp_path / "model.json" / name / "model.json").write_text(f"[{number}]")
    config: dict[str, Any] = {"type": "json.JSONDataset", "filepath": f"{tmp_path}/model.json"}
    if cached:
        config = {"type": "CachedDataset", "dataset": config}

    saved = None if version is None else SavedState(None, version, None)

    artifact = stage(tmp_path, catalog(model={**config, "versioned": True}), saved=saved)

    assert expected == json.loads(artifact.file.read_text())
    assert expected == artifact.load()
    assert {"type": JSON} == artifact.entry.dataset
    assert (version is not None) is artifact.entry.from_this_run


@pytest.mark.parametrize("when", ["before", "while", "gone", "elsewhere"])
def test_what_the_run_has_not_saved_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    """The error names the dataset, the file and what happened to it, be it before the copy or while it is made."""
    file = tmp_path / "model.json"
    datasets = catalog(model={"type": "json.JSONDataset", "filepath": str(file)})
    (tap,) = tap_saves(
        ["model"],
        datasets,
        SaveNotes(
            Journal(tmp_path / "journal"), tmp_path / "saving", NO_EARLY_COPIES, WriterNotes(tmp_path / "written"), RUN
        ),
    )
    datasets.save("model", [1])
    tap.detach()
    saved = Journal(tmp_path / "journal").read().saves["model"]
    change = re.escape("has another size (4 bytes, and had 7)")
    if when == "before":
        file.write_text("[10]")
    elif when == "while":
        monkeypatch.setattr(LocalFileSystem, "isfile", lambda _, path: Path(path).write_text("[10]") == len("[10]"))
    elif when == "gone":
        file.unlink()
        change = "is gone"
    else:
        saved = attrs.evolve(saved, path="/elsewhere/model.json")
        change = "is not '/elsewhere/model.json', where it was saved"

    with pytest.raises(ArtifactChangedError, match=rf"^'model' is no longer what this run saved: '{file}' {change}\."):
        stage(tmp_path, datasets, saved=saved)


def test_a_dataset_that_is_rewritten_in_place_does_not_alter_the_package(tmp_path: Path) -> None:
    """Kedro opens an unversioned file for writing again, which changes its bytes under all of its names."""
    (tmp_path / "model.json").write_text("[1]")
    datasets = catalog(model={"type": "json.JSONDataset", "filepath": f"{tmp_path}/model.json"})

    artifact = stage(tmp_path, datasets)
    datasets.save("model", [2])

    assert "[1]" == artifact.file.read_text()


def test_what_is_in_memory_becomes_a_snapshot(tmp_path: Path) -> None:
    """Its entry names the format, and needs no configuration."""
    artifact = stage(tmp_path, DataCatalog({"model": MemoryDataset([1])}))

    assert (SnapshotFormat.JSON, {}) == (artifact.entry.snapshot, artifact.entry.dataset)
    assert "artifacts/model/snapshot.json" == artifact.entry.path
    assert [1] == artifact.load()


class Service(AbstractDataset[Any, Any]):
    """A service that answers with another number each time, or with its own client."""

    def __init__(self, credentials: dict[str, str] | None = None, *, itself: bool = False) -> None:
        self._credentials = credentials
        self._itself = itself
        self.calls = 0

    def load(self) -> Any:
        """Ask the service."""
        self.calls += 1
        return self if self._itself else self.calls

    def save(self, data: Any) -> None:
        """Refuse."""
        raise NotImplementedError

    def _describe(self) -> dict[str, Any]:
        return {}


def test_a_service_is_asked_once(tmp_path: Path) -> None:
    """What the live pipeline gets is what is packaged, although the service has something else by now."""
    service = Service()

    artifact = stage(tmp_path, DataCatalog({"model": service}))

    assert "1" == artifact.file.read_text()
    assert [1, 1] == [artifact.load(), artifact.load()]
    assert 1 == service.calls


def test_a_snapshot_that_holds_credentials_is_refused(tmp_path: Path) -> None:
    """A client that a dataset loads has what it was made with."""
    datasets = DataCatalog({"model": Service({"any": "h1dden-t0ken"}, itself=True)})

    with pytest.raises(ValueError, match=r"^what it loads holds a secret by which it is loaded, of 'model' in"):
        stage(tmp_path, datasets)


def test_a_dataset_without_data_is_told_with_its_place(tmp_path: Path) -> None:
    """An artifact that was never written names where it should be."""
    datasets = catalog(model={"type": "pickle.PickleDataset", "filepath": f"{tmp_path}/model.pkl"})

    with pytest.raises(FileNotFoundError, match=r"^'model' has no data at '.*/model\.pkl'\.$"):
        stage(tmp_path, datasets)


def test_artifacts_are_moved_to_where_their_entries_say(tmp_path: Path) -> None:
    """A file and a directory are in the package afterwards, and nowhere else."""
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "a.json").write_text("[1]")
    parts = {"type": "partitions.PartitionedDataset", "path": f"{tmp_path}/parts", "dataset": "json.JSONDataset"}
    datasets = catalog(parts=parts)
    datasets["model"] = MemoryDataset([2])
    artifacts = [stage(tmp_path, datasets, name) for name in ("model", "parts")]
    (tmp_path / "package").mkdir()

    place_artifacts(artifacts, tmp_path / "package")

    assert all((tmp_path / "package" / artifact.entry.path).exists() for artifact in artifacts)
    assert ["artifacts/model/snapshot.json", "artifacts/parts/parts/a.json"] == sorted(
        path.relative_to(tmp_path / "package").as_posix()
        for path in (tmp_path / "package").rglob("*")
        if path.is_file()
    )
    assert [] == [path for path in (tmp_path / "staging").rglob("*") if path.is_file()]


@pytest.mark.skipif(KEDRO_VERSION < (1, 6), reason="This Kedro has no validators.")
@pytest.mark.parametrize("long", [True, False])
def test_a_validator_travels_with_its_dataset(tmp_path: Path, *, long: bool) -> None:
    """Its class is part of the configuration."""
    (tmp_path / "model.json").write_text("[1]")
    name = "shop.schemas.Prices"
    validator: Any = {"class": name, "severity": "warn"} if long else name
    datasets = catalog(model={"type": "json.JSONDataset", "filepath": f"{tmp_path}/model.json", "validator": validator})

    artifact = stage(tmp_path, datasets)

    assert {"type": JSON, "validator": validator} == artifact.entry.dataset
