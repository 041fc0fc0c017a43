"""Tests of packaging.artifacts."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from kedro.io import DataCatalog

from kedro_autolog_pipeline.packaging.artifacts import (
    Artifact,
    find_artifact,
    loading_modules,
    stage_artifact,
    why_not_packageable,
)
from kedro_autolog_pipeline.serving.manifest import Origin

PICKLE = "kedro_datasets.pickle.pickle_dataset.PickleDataset"


def catalog(save_version: str | None = None, **datasets: dict[str, Any]) -> DataCatalog:
    """Give a catalog as Kedro makes it from catalog.yml."""
    return DataCatalog.from_config(datasets, credentials={"key": {"secret": "hidden"}}, save_version=save_version)


def test_a_file_is_found_with_all_that_loading_it_needs(tmp_path: Path) -> None:
    """The configuration that travels has no path, credentials, or arguments that only writing needs."""
    (tmp_path / "model.pkl").write_bytes(b"content")
    datasets = catalog(
        model={
            "type": "pickle.PickleDataset",
            "filepath": f"{tmp_path}/model.pkl",
            "backend": "joblib",
            "load_args": {"mmap_mode": "r"},
            "save_args": {"compress": 3},
            "fs_args": {"open_args_load": {}},
            "metadata": {"team": "shop"},
        }
    )

    artifact = find_artifact("model", Origin.TRAINED, datasets, from_this_run=True)

    assert artifact.source == tmp_path / "model.pkl"
    assert artifact.dataset == {"type": PICKLE, "backend": "joblib", "load_args": {"mmap_mode": "r"}}
    assert loading_modules(artifact) == ["kedro_datasets.pickle.pickle_dataset", "joblib"]


@pytest.mark.parametrize(("from_this_run", "expected"), [(True, "2026-01-02"), (False, "2027-01-01")])
def test_the_version_that_this_run_saved_is_packaged(tmp_path: Path, *, from_this_run: bool, expected: str) -> None:
    """Kedro resolves the newest version, whoever wrote it; what a run trained is the version that it saved."""
    for version in ("2026-01-01", "2026-01-02", "2027-01-01"):
        (tmp_path / "model.pkl" / version).mkdir(parents=True)
        (tmp_path / "model.pkl" / version / "model.pkl").write_text(version)
    config = {"type": "pickle.PickleDataset", "filepath": f"{tmp_path}/model.pkl", "versioned": True}

    artifact = find_artifact("model", Origin.TRAINED, catalog("2026-01-02", model=config), from_this_run=from_this_run)

    assert artifact.source == tmp_path / "model.pkl" / expected / "model.pkl"
    assert "versioned" not in artifact.dataset
    assert "version" not in artifact.dataset


def test_a_cached_dataset_is_what_it_wraps(tmp_path: Path) -> None:
    """A CachedDataset has no file of its own; its inner dataset travels."""
    (tmp_path / "model.pkl").write_bytes(b"content")
    inner = {"type": "pickle.PickleDataset", "filepath": f"{tmp_path}/model.pkl"}

    artifact = find_artifact(
        "model",
        Origin.REFERENCE,
        catalog(model={"type": "CachedDataset", "dataset": inner}),
        from_this_run=False,
    )

    assert artifact.source == tmp_path / "model.pkl"
    assert artifact.dataset["type"] == PICKLE


def test_a_dataset_without_data_is_told_with_its_place(tmp_path: Path) -> None:
    """An artifact that was never written names where it should be."""
    datasets = catalog(model={"type": "pickle.PickleDataset", "filepath": f"{tmp_path}/model.pkl"})

    with pytest.raises(FileNotFoundError, match=r"'model' has no data at '.*model\.pkl'"):
        find_artifact("model", Origin.TRAINED, datasets, from_this_run=True)
    with pytest.raises(FileNotFoundError, match="'other' is not in the catalog"):
        find_artifact("other", Origin.TRAINED, datasets, from_this_run=True)


def test_what_cannot_become_an_artifact_says_why(tmp_path: Path) -> None:
    """A dataset that is in no catalog, in memory, or elsewhere is refused before training with the remedy."""
    datasets = catalog(
        file={"type": "pickle.PickleDataset", "filepath": f"{tmp_path}/model.pkl"},
        memory={"type": "MemoryDataset"},
        remote={"type": "pickle.PickleDataset", "filepath": "memory://bucket/model.pkl"},
    )

    assert why_not_packageable("file", datasets) is None
    assert why_not_packageable("nothing", datasets) == (
        "'nothing' is not in the catalog, so it is gone when the run ends. Add it to catalog.yml."
    )
    assert why_not_packageable("memory", datasets) == (
        "'memory' (MemoryDataset) keeps its data in no file. Give it a dataset that does."
    )
    assert why_not_packageable("remote", datasets) == (
        "'remote' is on a remote file system (memory). Give it a local filepath."
    )


def test_a_staged_file_has_its_size_and_digest(tmp_path: Path) -> None:
    """The manifest's entry tells what was copied, so that anybody can check it."""
    (tmp_path / "model.pkl").write_bytes(b"content")
    artifact = Artifact("ns.model@pickle", Origin.TRAINED, tmp_path / "model.pkl", {"type": PICKLE}, from_this_run=True)

    entry = stage_artifact(artifact, tmp_path / "package")

    assert entry.path == "artifacts/ns.model@pickle/model.pkl"
    assert (tmp_path / "package" / entry.path).read_bytes() == b"content"
    assert entry.size == 7
    assert entry.sha256 == hashlib.sha256(b"content").hexdigest()
    assert entry.from_this_run


def test_a_staged_directory_has_a_digest_of_names_and_bytes(tmp_path: Path) -> None:
    """Two directories with the same bytes under other names are not the same artifact."""
    digests = []
    for place, names in (("a", ("x", "y")), ("b", ("x", "y")), ("c", ("x", "z"))):
        for name in names:
            (tmp_path / place / "parts" / "sub").mkdir(parents=True, exist_ok=True)
            (tmp_path / place / "parts" / "sub" / name).write_text("same")
        artifact = Artifact(
            "parts", Origin.REFERENCE, tmp_path / place / "parts", {"type": PICKLE}, from_this_run=False
        )
        entry = stage_artifact(artifact, tmp_path / f"package-{place}")
        digests.append(entry.sha256)
        assert entry.size == 8

    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


@pytest.mark.parametrize("name", ["../model", "a/b", "a\\b", "..", "a\0b"])
def test_a_name_cannot_lead_out_of_the_package(tmp_path: Path, name: str) -> None:
    """A dataset's name that is a path is refused."""
    (tmp_path / "model.pkl").write_bytes(b"content")
    artifact = Artifact(name, Origin.TRAINED, tmp_path / "model.pkl", {"type": PICKLE}, from_this_run=True)

    with pytest.raises(ValueError, match="cannot name a directory"):
        stage_artifact(artifact, tmp_path / "package")
