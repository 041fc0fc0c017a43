"""Tests of run.journal."""

from __future__ import annotations

from pathlib import Path

import pytest

from kedro_autolog_pipeline.run.file_state import FileState
from kedro_autolog_pipeline.run.journal import Journal
from kedro_autolog_pipeline.run.saved_state import SavedState

STATE = SavedState("/data/model.json", None, {"": FileState(3, 1, 1, 7)})
LATER = SavedState("/data/model.json", None, {"": FileState(4, 2, 2, 7)})


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """Give a journal without a file."""
    return Journal(tmp_path / "journal")


def test_a_journal_that_is_not_there_is_empty(journal: Journal) -> None:
    """So is one that has just begun, whatever it held."""
    before = journal.read()
    journal.note_save("model", STATE)
    journal.begin()

    assert [({}, {})] * 2 == [(entries.saves, entries.reads) for entries in (before, journal.read())]


def test_saves_and_reads_are_kept_apart(journal: Journal) -> None:
    """Each has the name of its dataset, without a transcoding suffix, and the last one counts."""
    journal.note_read("words@json", STATE)
    journal.note_read("words@json", LATER)
    journal.note_save("model@pickle", STATE)

    entries = journal.read()

    assert ({"model": STATE}, {"words": LATER}) == (entries.saves, entries.reads)


def test_a_journal_ends_where_its_process_was_killed(journal: Journal) -> None:
    """A line that was cut off is left out, and does not take the next process's line with it."""
    journal.file.write_text('\n{"event": "saved", "name": "other", "state": {"path": "/da')
    journal.note_save("model", STATE)
    with journal.file.open("a") as stream:
        stream.write('\n{"event": "saved", "name": "third", "st')

    assert {"model": STATE} == journal.read().saves


def test_the_last_save_of_a_path_counts(journal: Journal) -> None:
    """Two entries of the catalog may be one file, which this run has then not lost to another."""
    journal.note_save("first", STATE)
    journal.note_save("second", LATER)

    assert {"first": LATER, "second": LATER} == journal.read().saves


def test_a_mixture_stays_one(journal: Journal) -> None:
    """A later save under another name of the path does not tell what else was written there."""
    journal.note_save("first", SavedState(STATE.path, None, STATE.files, is_mixed=True))
    journal.note_save("second", LATER)

    assert [True, True] == [state.is_mixed for state in journal.read().saves.values()]
