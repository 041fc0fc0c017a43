"""Tests of package.sealing."""

from __future__ import annotations

import hashlib
from pathlib import Path

import attrs
import pytest
from kedro.pipeline import Pipeline, node

from kedro_autolog_pipeline.package.sealing import seal_package
from kedro_autolog_pipeline.serving.manifest import (
    MANIFEST_FILE,
    ArtifactEntry,
    FileEntry,
    Origin,
    read_manifest,
    write_manifest,
)
from model_package import write_model_package


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Give a sealed package with one artifact that is a file, and one that is a directory."""
    package = write_model_package(tmp_path / "package", Pipeline([node(max, ["x", "low"], "y")]), artifacts={"low": 12})
    for name in ("a", "b/c"):
        (package / "parts" / name).parent.mkdir(parents=True, exist_ok=True)
        (package / "parts" / name).write_text(name)
    manifest = read_manifest(package)
    parts = ArtifactEntry("parts", Origin.TRAINED, "parts", {}, 4, "digest of both", from_this_run=True)
    write_manifest(attrs.evolve(manifest, artifacts=[*manifest.artifacts, parts]), package)
    seal_package(package)
    return package


def test_every_file_is_listed_but_the_manifest(package: Path) -> None:
    """Each with its size and digest; the digest that is returned is that of the manifest."""
    digest = seal_package(package)

    assert {
        path: FileEntry((package / path).stat().st_size, hashlib.sha256((package / path).read_bytes()).hexdigest())
        for path in ("functions/0.pkl", "low.json", "parts/a", "parts/b/c")
    } == read_manifest(package).files
    assert digest == hashlib.sha256((package / MANIFEST_FILE).read_bytes()).hexdigest()


def test_an_artifact_is_not_read_again(package: Path) -> None:
    """A package that is sealed a second time reads what may have changed; an artifact has the digest of its copy."""
    sealed = read_manifest(package).files
    for name in ("MLmodel", "low.json", "parts/a"):
        (package / name).write_text("99" if name == "low.json" else "z")

    seal_package(package)

    assert {**sealed, "MLmodel": FileEntry(1, hashlib.sha256(b"z").hexdigest())} == read_manifest(package).files


def test_an_artifact_that_has_another_size_is_read(package: Path) -> None:
    """What is listed is what is there."""
    (package / "low.json").write_text("123")

    seal_package(package)

    assert FileEntry(3, hashlib.sha256(b"123").hexdigest()) == read_manifest(package).files["low.json"]
