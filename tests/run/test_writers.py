"""Tests of run.writers."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs
import pytest
from fsspec.implementations.local import LocalFileSystem

from kedro_autolog_pipeline.datasets.locations import Location
from kedro_autolog_pipeline.run.saved_state import SavedState, look
from kedro_autolog_pipeline.run.writers import WriterNotes
from kedro_autolog_pipeline.serving.manifest import PathArgument, WritingRun

FIRST = WritingRun("4f1d03ab5c", "2026-11-26T10:00:00+00:00")
SECOND = WritingRun("9b77aa0012", "2026-12-01T10:00:00+00:00")


def located(path: Path) -> Location:
    """Give a place on this machine."""
    return Location(LocalFileSystem(), str(path), PathArgument.FILEPATH, {})


def state(path: Path, version: str | None = None) -> SavedState:
    """Look at a place."""
    return SavedState(str(path), version, look(located(path)))


@pytest.fixture
def notes(tmp_path: Path) -> WriterNotes:
    """Give notes without any."""
    return WriterNotes(tmp_path / "written")


def test_the_last_run_that_has_written_is_known_until_somebody_else_writes(tmp_path: Path, notes: WriterNotes) -> None:
    """A file that was changed, replaced or removed since is nobody's."""
    file = tmp_path / "encoder.pkl"
    assert notes.find(located(file), None) is None
    for run in (FIRST, SECOND):
        file.write_text(run.run_id)
        notes.note(state(file), run)
        assert run == notes.find(located(file), None)
    assert "run 9b77aa00, 01 Dec 2026" == SECOND.shown

    os.utime(file, ns=(1, 1))
    assert notes.find(located(file), None) is None
    file.unlink()
    assert notes.find(located(file), None) is None


def test_a_directory_is_known_by_all_of_its_files(tmp_path: Path, notes: WriterNotes) -> None:
    """One more is another directory."""
    parts = tmp_path / "parts"
    parts.mkdir()
    (parts / "a").write_text("1")
    notes.note(state(parts), FIRST)
    assert FIRST == notes.find(located(parts), None)

    (parts / "b").write_text("2")

    assert notes.find(located(parts), None) is None


def test_of_versions_the_last_one_is_known(tmp_path: Path, notes: WriterNotes) -> None:
    """The notes do not grow with the versions."""
    for version, run in (("1", FIRST), ("2", SECOND)):
        file = tmp_path / "model.pkl" / version / "model.pkl"
        file.parent.mkdir(parents=True)
        file.touch()
        notes.note(state(file, version), run)

    found = [notes.find(located(tmp_path / "model.pkl" / version / "model.pkl"), version) for version in ("1", "2")]

    assert [None, SECOND] == found
    assert 1 == len(list(notes.directory.iterdir()))


def test_what_two_runs_have_saved_at_once_and_what_nobody_saw_is_nobodys(tmp_path: Path, notes: WriterNotes) -> None:
    """Neither is a note that somebody has damaged."""
    file = tmp_path / "encoder.pkl"
    file.touch()
    seen = state(file)
    for unknown in (attrs.evolve(seen, is_mixed=True), attrs.evolve(seen, files=None), attrs.evolve(seen, path=None)):
        notes.note(unknown, FIRST)
    assert not notes.directory.exists()

    notes.note(seen, FIRST)
    (note,) = notes.directory.iterdir()
    note.write_text("{")

    assert notes.find(located(file), None) is None


def test_runs_may_note_at_once(tmp_path: Path, notes: WriterNotes) -> None:
    """One of them is found, as a whole, and no draft stays."""
    file = tmp_path / "encoder.pkl"
    file.touch()
    seen = state(file)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: notes.note(seen, WritingRun(f"{number}", FIRST.started_at)), range(200)))

    found = notes.find(located(file), None)
    assert found is not None
    assert 1 == len(list(notes.directory.iterdir()))
