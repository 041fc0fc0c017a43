"""Tests of progress."""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from kedro.logging import RichHandler
from rich.console import Console

from kedro_autolog_pipeline import progress as module
from kedro_autolog_pipeline.progress import progress, read_so_far, size_of

pytestmark = pytest.mark.usefixtures("_informed")


@pytest.fixture
def _informed() -> Iterator[None]:
    """Let INFO through, and nothing of the test's handlers stay."""
    logger = logging.getLogger("kedro_autolog_pipeline")
    level, handlers = logger.level, list(logger.handlers)
    logger.setLevel(logging.INFO)
    yield
    logger.setLevel(level)
    logger.handlers[:] = handlers


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take everything for something that takes long."""
    monkeypatch.setattr(module, "BAR_AFTER", 0.0)
    monkeypatch.setattr(module, "LINE_EVERY", 0.01)


def show_in(console: Console) -> None:
    """Show our logs in a console, as Kedro's handler does."""
    logging.getLogger("kedro_autolog_pipeline").addHandler(RichHandler(console=console, show_path=False))


class Work:
    """Work of which half is done, that waits until somebody has looked so often."""

    def __init__(self, looks: int = 2) -> None:
        self._left = looks
        self.is_seen = Event()

    def done(self) -> int:
        """Tell how far it is."""
        self._left -= 1
        if self._left < 0:
            self.is_seen.set()
        return 500_000


def test_what_is_quick_shows_nothing(records: list[logging.LogRecord]) -> None:
    """Nobody looks how far it is, and no thread stays."""
    work = Work(0)
    before = threading.active_count()

    with progress("Copying 'model'", 10, work.done):
        pass

    assert not work.is_seen.is_set()
    assert ([], before) == (records, threading.active_count())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo terminals of this kind")
@pytest.mark.usefixtures("at_once")
def test_a_terminal_shows_a_bar_and_takes_it_away(records: list[logging.LogRecord]) -> None:
    """It has the bytes; a log goes above it; and nothing of it stays."""
    import pty

    ours, theirs = pty.openpty()
    work = Work()
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal:
        show_in(Console(file=terminal, width=120))
        with progress("Copying 'a [b]'", 1_000_000, work.done):
            assert work.is_seen.wait(60)
            logging.getLogger("kedro_autolog_pipeline.any").info("Meanwhile.")
        terminal.flush()
        shown = os.read(ours, 1 << 16).decode()
    os.close(ours)

    assert "Copying 'a [b]'" in shown
    assert "0.5/1.0 MB" in shown
    assert ["Meanwhile."] == [record.getMessage() for record in records]
    assert "Copying" not in shown[shown.rindex("\x1b[2K") :]


@pytest.mark.usefixtures("at_once")
def test_without_a_terminal_it_is_lines_of_the_log(records: list[logging.LogRecord]) -> None:
    """They have the bytes, and the seconds; no bar is drawn into a file."""
    shown, work = io.StringIO(), Work()
    show_in(Console(file=shown, width=120))

    with progress("Copying 'model'", 1_000_000, work.done):
        assert work.is_seen.wait(60)

    assert records[0].getMessage() == "Copying 'model': 500.0 kB of 1.0 MB, 0 s"
    assert "\x1b" not in shown.getvalue()


@pytest.mark.usefixtures("at_once")
def test_what_has_no_bytes_is_told_all_the_same(records: list[logging.LogRecord]) -> None:
    """A line says what is done, and for how long by now."""
    said = Event()

    class Telling(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:  # noqa: ARG002 - as logging calls it
            """Tell that something was said."""
            said.set()

    logging.getLogger("kedro_autolog_pipeline").addHandler(Telling())

    with progress("Proving 'prices'"):
        assert said.wait(60)

    assert records[0].getMessage() == "Proving 'prices': 0 s"


@pytest.mark.usefixtures("at_once")
def test_one_bar_at_a_time(records: list[logging.LogRecord]) -> None:
    """Two sessions of one process do not draw over each other: the second has lines."""
    shown, first, second = io.StringIO(), Work(), Work()
    show_in(Console(file=shown, width=120, force_terminal=True, legacy_windows=False))

    with progress("Copying 'a'", 1_000_000, first.done):
        assert first.is_seen.wait(60)
        with progress("Copying 'b'", 1_000_000, second.done):
            assert second.is_seen.wait(60)

    assert {"Copying 'b'"} == {record.getMessage().partition(":")[0] for record in records}


@pytest.mark.usefixtures("at_once")
def test_who_is_not_informed_sees_nothing(records: list[logging.LogRecord]) -> None:
    """The level of our logs counts for the bar as well."""
    logging.getLogger("kedro_autolog_pipeline").setLevel(logging.WARNING)
    work = Work(0)

    with progress("Copying 'model'", 1, work.done):
        pass

    assert not work.is_seen.is_set()
    assert records == []


def test_a_failure_goes_on_as_it_is() -> None:
    """What the block raises is raised, and the watching has ended."""
    with pytest.raises(KeyboardInterrupt), progress("Copying 'model'"):
        raise KeyboardInterrupt


def test_it_is_done_where_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """There may be too many already."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    done = []

    with progress("Copying 'model'"):
        done.append(1)

    assert done == [1]


def test_the_size_of_what_is_being_written(tmp_path: Path) -> None:
    """Of a file, of a directory with all that is in it, and of what is not there yet."""
    (tmp_path / "parts" / "deep").mkdir(parents=True)
    (tmp_path / "parts" / "one").write_bytes(b"123")
    (tmp_path / "parts" / "deep" / "two").write_bytes(b"45")

    sizes = [size_of(tmp_path / name) for name in ("parts", "parts/one", "none")]

    assert sizes == [5, 3, 0]


@pytest.mark.skipif(not Path("/proc/self/fdinfo").exists(), reason="only Linux tells")
def test_how_far_open_files_are_read(tmp_path: Path) -> None:
    """Each counts to where this process has read it; one that is not open counts nothing."""
    for name in ("one", "two", "closed", "another"):
        (tmp_path / name).write_bytes(b"x" * 10)
    files = [tmp_path / name for name in ("one", "two", "closed")]

    with (
        files[0].open("rb", buffering=0) as one,
        files[1].open("rb", buffering=0) as two,
        (tmp_path / "another").open("rb", buffering=0) as another,
    ):
        for file, size in ((one, 4), (two, 3), (another, 9)):
            file.read(size)

        assert read_so_far(files) == 7

    assert read_so_far(files) == 0
