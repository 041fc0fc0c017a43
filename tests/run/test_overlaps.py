"""Tests of run.overlaps."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kedro_autolog_pipeline.run.overlaps import SavesInProgress

PATH = "/data/model.pkl"


@pytest.fixture
def saves(tmp_path: Path) -> Callable[[str], SavesInProgress]:
    """Give what makes a run's view on the saves to one path."""
    return lambda run: SavesInProgress.at(PATH, tmp_path / "saving", run)


@pytest.mark.parametrize(
    ("order", "overlapping"),
    [
        ("Aa Bb", ""),
        ("Aa Bb Aa", ""),
        ("A B a b", "AB"),
        ("A Bb a", "AB"),
        ("A Bb a Bb Aa", "AB"),
        ("Aa B A b a", "AB"),
    ],
)
def test_saves_that_overlap_are_seen_by_both(
    saves: Callable[[str], SavesInProgress], order: str, overlapping: str
) -> None:
    """A capital is where a run's save begins, a small letter where it ends."""
    runs = {"A": saves("one"), "B": saves("another")}
    seen = set()
    for step in order.replace(" ", ""):
        if step.isupper():
            runs[step].begin()
        elif runs[step.upper()].end():
            seen.add(step.upper())

    assert set(overlapping) == seen


def test_two_saves_of_one_run_do_not_overlap(saves: Callable[[str], SavesInProgress]) -> None:
    """Two entries of its catalog may be one object, or one path."""
    first, second = saves("one"), saves("one")

    first.begin()
    first.begin()
    second.begin()

    assert [False, False, False] == [second.end(), first.end(), first.end()]


def test_a_save_whose_process_was_killed_goes_on_no_more(
    saves: Callable[[str], SavesInProgress], tmp_path: Path
) -> None:
    """The next run is not refused for it."""
    code = (
        "from pathlib import Path; from kedro_autolog_pipeline.run.overlaps import SavesInProgress; "
        f"SavesInProgress.at({PATH!r}, Path({str(tmp_path / 'saving')!r}), 'one').begin()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    later = saves("another")

    later.begin()

    assert not later.end()


def test_nothing_is_left_when_no_save_goes_on(saves: Callable[[str], SavesInProgress], tmp_path: Path) -> None:
    """The file stays for the run that still needs it; one that is gone needs not be removed."""
    first, second = saves("one"), saves("another")
    first.begin()
    second.begin()
    second.end()

    second.forget()
    assert (tmp_path / "saving").exists()
    assert first.end()
    first.forget()
    first.forget()

    assert not (tmp_path / "saving").exists()
