"""Tests of packaging.kept_artifacts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro_datasets.json import JSONDataset

from kedro_autolog_pipeline.package.artifacts import Artifact, place_artifacts, stage_artifact
from kedro_autolog_pipeline.package.kept_artifacts import artifact_list, find_kept
from kedro_autolog_pipeline.run.early_copies import NO_EARLY_COPIES
from kedro_autolog_pipeline.run.record import KnownData
from kedro_autolog_pipeline.run.writers import WriterNotes
from kedro_autolog_pipeline.serving.manifest import Origin


def staged(tmp_path: Path, name: str, number: int) -> Artifact:
    """Stage what a run has left of a dataset, and note that it is staged."""
    file = JSONDataset(filepath=str(tmp_path / "model.json"))
    file.save({"number": number})
    catalog = DataCatalog({"model": file, "words": MemoryDataset(["a", number])})
    directory = tmp_path / f"m-{number}"
    artifact = stage_artifact(
        name,
        Origin.TRAINED,
        catalog,
        directory,
        KnownData(None, is_saved=False, digest=None),
        early=NO_EARLY_COPIES,
        writers=WriterNotes(tmp_path / "written"),
    )
    with artifact_list(directory) as note:
        note(artifact)
    return artifact


@pytest.mark.parametrize(("name", "value"), [("model", {"number": 1}), ("words", ["a", 1])], ids=["file", "memory"])
def test_what_was_kept_is_staged_again(tmp_path: Path, name: str, value: object) -> None:
    """It gives the same entry and value, wherever it has been, and after its file was moved into the next package."""
    before = staged(tmp_path, name, 1)
    kept = find_kept([tmp_path / "m-1"])
    (tmp_path / "m-1" / "package").mkdir()
    place_artifacts([before], tmp_path / "m-1" / "package")
    moved = find_kept([tmp_path / "m-1"])
    (tmp_path / "model.json").unlink()

    again = moved[name].stage(tmp_path / "m-2")
    (tmp_path / "m-2" / "package").mkdir()
    place_artifacts([again], tmp_path / "m-2" / "package")

    assert tmp_path / "m-1" / before.entry.path == kept[name].file
    assert before.entry == again.entry
    assert value == again.load()


def test_what_is_noted_is_there_at_once(tmp_path: Path) -> None:
    """A process that is killed while it stages the next artifact has noted this one."""
    artifact = staged(tmp_path, "words", 1)
    (tmp_path / "m-1" / "artifacts.jsonl").unlink()

    with artifact_list(tmp_path / "m-1") as note:
        note(artifact)

        assert {"words"} == set(find_kept([tmp_path / "m-1"]))


def test_what_went_to_a_store_is_found_there(tmp_path: Path) -> None:
    """A package that was moved has left a link behind; one that is gone from the store has left nothing."""
    artifact = staged(tmp_path, "words", 1)
    (tmp_path / "store").mkdir()
    place_artifacts([artifact], tmp_path / "store")
    (tmp_path / "m-1" / "package").symlink_to(tmp_path / "store", target_is_directory=True)

    again = find_kept([tmp_path / "m-1"])["words"].stage(tmp_path / "m-2")

    assert ["a", 1] == again.load()
    shutil.rmtree(tmp_path / "store")
    assert {} == find_kept([tmp_path / "m-1"])


def test_the_first_directory_counts(tmp_path: Path) -> None:
    """What a later attempt has staged is taken before what an earlier one has."""
    for number in (1, 2):
        staged(tmp_path, "words", number)

    found = find_kept([tmp_path / "m-2", tmp_path / "m-1", tmp_path / "none"])

    assert {"words"} == set(found)
    assert ["a", 2] == found["words"].stage(tmp_path / "m-3").load()


def test_what_was_not_staged_as_a_whole_is_not_taken(tmp_path: Path) -> None:
    """A file without a line, a line without its end, and a line without its file are left out."""
    artifact = staged(tmp_path, "words", 1)
    listing = tmp_path / "m-1" / "artifacts.jsonl"
    line = listing.read_text()

    listing.write_text(line[:-5])
    half = find_kept([tmp_path / "m-1"])
    listing.write_text(line)
    artifact.file.unlink()

    assert {} == half
    assert {} == find_kept([tmp_path / "m-1"])


def test_what_was_changed_is_refused(tmp_path: Path) -> None:
    """A kept file is the run's only as long as nobody writes to it."""
    artifact = staged(tmp_path, "words", 1)
    artifact.file.write_text("[]")

    with pytest.raises(ValueError, match="was changed since it was staged"):
        find_kept([tmp_path / "m-1"])["words"].stage(tmp_path / "m-2")
