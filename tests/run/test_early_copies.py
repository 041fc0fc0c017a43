"""Tests of run.early_copies."""

from __future__ import annotations

import errno
import logging
import os
import pickle
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event, Timer, current_thread, main_thread
from threading import enumerate as enumerate_threads
from types import SimpleNamespace

import pytest
from fsspec.implementations.local import LocalFileSystem

from kedro_autolog_pipeline.datasets.copies import Measure, copy_data, measure_file
from kedro_autolog_pipeline.run import early_copies
from kedro_autolog_pipeline.run.early_copies import EarlyCopies
from kedro_autolog_pipeline.run.file_state import FileState

PATIENCE = 60.0
"""Seconds after which a copy that should have been made is taken for one that never will be."""


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the tests wait for nothing long."""
    monkeypatch.setattr(early_copies, "SETTLED_SECONDS", 0.01)


@pytest.fixture
def early(tmp_path: Path) -> Iterator[EarlyCopies]:
    """Give early copies in ``tmp_path / 'early'``."""
    begun = EarlyCopies(tmp_path / "early")
    yield begun
    begun.close()


def save(file: Path, content: bytes) -> FileState:
    """Write a file, as a node saves one, and give its state."""
    file.write_bytes(content)
    status = file.stat()
    return FileState(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def copies(directory: Path) -> list[bytes]:
    """Give the bytes of the copies in a directory."""
    found = []
    for file in directory.glob("*/*"):
        # One that nobody wants is removed meanwhile.
        with suppress(FileNotFoundError):
            found.append(file.read_bytes())
    return found


def wait_for_copy(directory: Path, content: bytes) -> None:
    """Wait until there is a copy with some bytes in a directory."""
    end = time.monotonic() + PATIENCE
    while content not in copies(directory):
        if time.monotonic() > end:
            pytest.fail(f"There is no copy in {directory}.")
        time.sleep(0.01)


@pytest.mark.parametrize("large", [1, 2**20], ids=["written to the disk at once", "left to the system"])
def test_a_file_is_copied_before_anybody_asks(
    early: EarlyCopies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: int
) -> None:
    """What is taken has the bytes, the size and the digest of the file, once."""
    monkeypatch.setattr(early_copies, "LARGE", large)
    file, target = tmp_path / "model", tmp_path / "artifacts" / "model.pkl"
    state = save(file, b"content")

    early.begin(str(file), state)
    wait_for_copy(tmp_path / "early", b"content")
    measure = early.take(str(file), state, target)

    assert measure_file(file) == measure
    assert target.read_bytes() == b"content"
    assert [target] == list(target.parent.iterdir())
    assert early.take(str(file), state, tmp_path / "again" / "model.pkl") is None


def test_many_files_are_copied_by_one_thread(early: EarlyCopies, tmp_path: Path) -> None:
    """They take turns, in the order of their saves."""
    # One of a test before this one may be about to end.
    threads = set(enumerate_threads())
    states = {f"{i}": save(tmp_path / f"{i}", f"content {i}".encode()) for i in range(20)}

    for name, state in states.items():
        early.begin(str(tmp_path / name), state)
    begun = [thread.name for thread in enumerate_threads() if thread not in threads]
    wait_for_copy(tmp_path / "early", b"content 19")

    assert ["copies of artifacts"] == begun
    for name, state in states.items():
        assert early.take(str(tmp_path / name), state, tmp_path / f"to {name}" / "copy") is not None
        assert f"content {name}".encode() == (tmp_path / f"to {name}" / "copy").read_bytes()


def test_a_save_puts_off_the_copies_of_what_was_saved_before(
    early: EarlyCopies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is the training's, as long as its nodes save."""
    now = 0.0
    has_looked = Event()

    def look() -> float:
        # When the first save is old enough, the worker looks whether the last one is.
        if now > 0 and current_thread() is not main_thread():
            has_looked.set()
        return now

    monkeypatch.setattr(early_copies, "time", SimpleNamespace(monotonic=look))
    state = save(tmp_path / "model", b"content")
    early.begin(str(tmp_path / "model"), state)
    monkeypatch.setattr(early_copies, "SETTLED_SECONDS", 3600.0)
    early.begin(str(tmp_path / "scaler"), save(tmp_path / "scaler", b"content"))
    now = 1.0

    assert has_looked.wait(PATIENCE)
    assert early.take(str(tmp_path / "model"), state, tmp_path / "target" / "model.pkl") is None


def test_a_remote_file_is_left_for_later(early: EarlyCopies, tmp_path: Path) -> None:
    """It would have to be fetched."""
    remote = FileState(2**40, tag="etag")

    early.begin("bucket/large", remote)

    assert early.take("bucket/large", remote, tmp_path / "target" / "model.pkl") is None
    assert not (tmp_path / "early").exists()


def test_a_file_that_is_saved_again_is_copied_again(early: EarlyCopies, tmp_path: Path) -> None:
    """Only the bytes of the last save count."""
    file, target = tmp_path / "model", tmp_path / "artifacts" / "model.pkl"
    early.begin(str(file), save(file, b"before"))
    wait_for_copy(tmp_path / "early", b"before")
    state = save(file, b"after it")

    early.begin(str(file), state)
    wait_for_copy(tmp_path / "early", b"after it")

    assert early.take(str(file), state, target) is not None
    assert target.read_bytes() == b"after it"
    assert [] == list((tmp_path / "early").iterdir())


def test_a_copy_of_another_state_is_not_taken(early: EarlyCopies, tmp_path: Path) -> None:
    """A file that something else than a save has written to since is copied anew, or refused, by whoever asks."""
    file = tmp_path / "model"
    early.begin(str(file), save(file, b"before"))
    wait_for_copy(tmp_path / "early", b"before")

    assert early.take(str(file), save(file, b"written"), tmp_path / "target" / "model.pkl") is None
    assert not (tmp_path / "target" / "model.pkl").exists()
    assert [] == list((tmp_path / "early").iterdir())


def test_a_training_that_ends_at_once_waits_for_nothing(
    early: EarlyCopies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy that has not begun is not begun any more."""
    monkeypatch.setattr(early_copies, "SETTLED_SECONDS", 3600.0)
    state = save(tmp_path / "model", b"content")
    early.begin(str(tmp_path / "model"), state)

    assert early.take(str(tmp_path / "model"), state, tmp_path / "target" / "model.pkl") is None
    early.close()
    assert not (tmp_path / "early").exists()


def test_a_disk_that_may_become_full_is_left_to_the_training(
    early: EarlyCopies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file is copied only where it would fit several times."""
    state = save(tmp_path / "model", b"content")
    has_looked = Event()

    def look(_: object) -> SimpleNamespace:
        has_looked.set()
        return SimpleNamespace(free=7 * 3)

    monkeypatch.setattr(shutil, "disk_usage", look)

    early.begin(str(tmp_path / "model"), state)

    assert has_looked.wait(PATIENCE)
    assert early.take(str(tmp_path / "model"), state, tmp_path / "target" / "model.pkl") is None


def test_what_cannot_be_copied_is_left_for_later(
    early: EarlyCopies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The training goes on, and a part of a copy takes no room; whoever packages tries again, and tells."""

    def fill(_: object, __: str, target: Path) -> None:
        target.write_bytes(b"con")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(early_copies, "copy_data", fill)
    state = save(tmp_path / "model", b"content")

    with caplog.at_level(logging.DEBUG, early_copies.__name__):
        early.begin(str(tmp_path / "model"), state)
        end = time.monotonic() + PATIENCE
        while not (caplog.records and not any((tmp_path / "early").iterdir())) and time.monotonic() < end:
            time.sleep(0.01)

    assert [] == list((tmp_path / "early").iterdir())
    assert early.take(str(tmp_path / "model"), state, tmp_path / "target" / "model.pkl") is None
    assert [f"Cannot copy '{tmp_path / 'model'}' while the training goes on."] == caplog.messages


def test_a_save_never_fails_for_its_copy(early: EarlyCopies, tmp_path: Path) -> None:
    """Where the copies cannot go, there are none."""
    (tmp_path / "early").touch()
    state = save(tmp_path / "model", b"content")

    early.begin(str(tmp_path / "model"), state)

    assert early.take(str(tmp_path / "model"), state, tmp_path / "target" / "model.pkl") is None


def test_a_copy_that_was_given_up_is_removed_as_well(
    early: EarlyCopies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is still being written when the training ends is waited for, or its file would stay."""
    is_writing, may_end = Event(), Event()

    def write(_: object, __: str, target: Path) -> None:
        is_writing.set()
        may_end.wait(PATIENCE)
        target.write_bytes(b"content")

    monkeypatch.setattr(early_copies, "copy_data", write)
    early.begin(str(tmp_path / "model"), save(tmp_path / "model", b"content"))
    is_writing.wait(PATIENCE)
    early.begin(str(tmp_path / "model"), save(tmp_path / "model", b"written again"))
    Timer(0.2, may_end.set).start()

    early.close()

    assert may_end.is_set()
    assert not (tmp_path / "early").exists()


def test_a_copy_of_what_was_saved_again_meanwhile_is_not_kept(
    early: EarlyCopies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large file that is saved again and again fills the disk with one copy at the most."""
    is_writing, may_end = Event(), Event()

    def write(filesystem: LocalFileSystem, source: str, target: Path) -> Measure:
        measure = copy_data(filesystem, source, target)
        is_writing.set()
        may_end.wait(PATIENCE)
        return measure

    monkeypatch.setattr(early_copies, "copy_data", write)
    early.begin(str(tmp_path / "model"), save(tmp_path / "model", b"content"))
    is_writing.wait(PATIENCE)
    state = save(tmp_path / "model", b"written again")
    early.begin(str(tmp_path / "model"), state)
    may_end.set()

    wait_for_copy(tmp_path / "early", b"written again")

    assert [b"written again"] == copies(tmp_path / "early")
    assert early.take(str(tmp_path / "model"), state, tmp_path / "target" / "model.pkl") is not None


def test_a_copy_that_cannot_be_moved_is_left_to_whoever_asks(
    early: EarlyCopies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is at its place then, nor where it was."""
    state = save(tmp_path / "model", b"content")
    early.begin(str(tmp_path / "model"), state)
    wait_for_copy(tmp_path / "early", b"content")

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "rename", refuse)

    assert early.take(str(tmp_path / "model"), state, tmp_path / "target" / "model.pkl") is None
    assert not (tmp_path / "target").exists()
    assert [] == list((tmp_path / "early").iterdir())


def test_another_process_copies_nothing(early: EarlyCopies, tmp_path: Path) -> None:
    """A worker of ParallelRunner's may end with its node."""
    state = save(tmp_path / "model", b"content")

    theirs: EarlyCopies = pickle.loads(pickle.dumps(early))
    theirs.begin(str(tmp_path / "model"), state)
    theirs.close()

    assert theirs.take(str(tmp_path / "model"), state, tmp_path / "target" / "model.pkl") is None
    assert not (tmp_path / "early").exists()


def test_copies_that_nobody_takes_are_removed(early: EarlyCopies, tmp_path: Path) -> None:
    """A training that fails leaves none behind, and may be closed twice."""
    early.begin(str(tmp_path / "model"), save(tmp_path / "model", os.urandom(100)))

    early.close()
    early.close()

    assert not (tmp_path / "early").exists()
