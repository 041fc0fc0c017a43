"""Show what is being done when it takes long, and how many bytes of it are done: a bar, or lines of the log."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

from kedro_autolog_pipeline.loggers import get_logger

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import ProgressColumn

_LOGGER = get_logger(__name__)

BAR_AFTER = 1.0
"""Seconds from which on something takes long, where a bar can be shown and taken away again."""

LINE_EVERY = 10.0
"""Seconds from one line to the next, where lines stay."""

_REFRESH = 0.25

_COST = 0.05
"""The most of the time that is spent on looking how far it is."""

_SCREEN = Lock()
"""Two bars at once would write over each other."""


@contextmanager
def progress(doing: str, total: int | None = None, done: Callable[[], int] | None = None) -> Iterator[None]:
    """Show that something goes on while the block runs, if that takes long.

    Whoever does the work does not report: another thread looks, and what is quick has ended before it does.

    Args:
        doing: What is done, as the beginning of a line.
        total: Bytes when all is done; None where that is not known.
        done: Gives the bytes that are done by now, from any thread; None where there are none to count.
    """
    ended = Event()
    watcher = Thread(target=_watch, args=(doing, total, done, ended), name="progress", daemon=True)
    # There may be too many threads already: then it is done without being shown.
    with suppress(RuntimeError):
        watcher.start()
    try:
        yield
    finally:
        ended.set()
        if watcher.ident is not None:
            watcher.join()


def size_of(path: Path) -> int:
    """Return how many bytes a file or directory has, while another thread or process may still write or remove it."""
    try:
        if not path.is_dir():
            return path.stat().st_size
        with os.scandir(path) as entries:
            return sum(
                size_of(Path(entry.path)) if entry.is_dir(follow_symlinks=False) else entry.stat().st_size
                for entry in entries
            )
    except OSError:
        return 0


def read_so_far(files: Collection[Path]) -> int:
    """Return how many bytes of some files, which this process reads from their beginnings, it has read.

    Only Linux tells; elsewhere, and of what is not open, it is 0.
    """
    wanted = {str(file.resolve()) for file in files}
    position = 0
    with suppress(OSError):
        for descriptor in os.listdir("/proc/self/fd"):  # noqa: PTH208 - the names are numbers
            # It may be closed by now.
            with suppress(OSError):
                if os.readlink(f"/proc/self/fd/{descriptor}") in wanted:  # noqa: PTH115 - of a name that is no path
                    first = Path(f"/proc/self/fdinfo/{descriptor}").read_text(encoding="ascii").partition("\n")[0]
                    position += int(first.removeprefix("pos:"))
    return position


def _watch(doing: str, total: int | None, done: Callable[[], int] | None, ended: Event) -> None:
    if ended.wait(BAR_AFTER) or not _LOGGER.isEnabledFor(logging.INFO):
        return
    console = _terminal()
    if console is not None and _SCREEN.acquire(blocking=False):
        try:
            _show_bar(console, doing, total, done, ended)
        finally:
            _SCREEN.release()
    else:
        _write_lines(doing, total, done, ended)


def _terminal() -> Console | None:
    """Find the terminal that our logs are shown in by Rich, which writes them above a bar; None for any other place."""
    from rich.logging import RichHandler

    logger: logging.Logger | None = _LOGGER
    while logger is not None:
        for handler in logger.handlers:
            if (
                isinstance(handler, RichHandler)
                and handler.console.is_terminal
                and not handler.console.is_dumb_terminal
            ):
                return handler.console
        logger = logger.parent if logger.propagate else None
    return None


def _show_bar(console: Console, doing: str, total: int | None, done: Callable[[], int] | None, ended: Event) -> None:
    from rich.errors import LiveError
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TransferSpeedColumn,
    )

    text = TextColumn("{task.description}", markup=False)
    columns: list[ProgressColumn] = [SpinnerColumn(), text, TimeElapsedColumn()]
    if done is not None:
        columns = [text, BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeElapsedColumn()]
    # What others print meanwhile stays theirs: the process's output is not redirected from a thread of its own.
    bar = Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
    task = bar.add_task(doing, total=total)
    # The project may show a bar of its own.
    with suppress(LiveError), bar:
        while True:
            pause = _REFRESH
            if done is not None:
                completed, pause = _looked(done)
                bar.update(task, completed=completed)
            if ended.wait(pause):
                return


def _write_lines(doing: str, total: int | None, done: Callable[[], int] | None, ended: Event) -> None:
    from rich.filesize import decimal

    started = time.monotonic() - BAR_AFTER
    while not ended.wait(LINE_EVERY):
        far = "" if done is None else f"{decimal(done())}{'' if total is None else f' of {decimal(total)}'}, "
        _LOGGER.info("%s: %s%d s", doing, far, time.monotonic() - started)


def _looked(done: Callable[[], int]) -> tuple[int, float]:
    """Return how far it is, and for how many seconds not to look again: some directories have very many files."""
    started = time.monotonic()
    return done(), max(_REFRESH, (time.monotonic() - started) / _COST)
