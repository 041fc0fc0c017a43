"""Keep Python from searching for garbage among what stays until a command ends."""

from __future__ import annotations

import atexit
import gc
import io
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click


@contextmanager
def without_collecting() -> Iterator[None]:
    """Keep Python from collecting garbage in the block, whose many objects stay or hold none.

    They would have it look through all that the process holds, again and again: to import MLflow and to open its store
    takes a sixth less of the processor's time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def is_command() -> bool:
    """Tell whether the process ends with what runs now.

    A click command of this thread is being executed, and nobody types the next line afterwards: Kedro, too, tells by
    ``sys.ps1`` whether the command of a packaged project may end the interpreter.
    """
    return click.get_current_context(silent=True) is not None and not hasattr(sys, "ps1")


def set_apart() -> None:
    """Set apart what exists, in a command that will end with what runs now: it is not collected any more.

    MLflow and its store make some 300,000 objects, through which Python would look in each full collection of the
    training, and three times when the process ends. Once in a process, and in none that lives on, such as a notebook or
    a Kedro server: there, what exists now is collected as ever.
    """
    if is_command() and not gc.get_freeze_count():
        atexit.register(_flush, [weakref.ref(file) for file in _open_files()])
        gc.freeze()


def _open_files() -> Iterator[io.IOBase]:
    objects = gc.get_objects()
    # One question for each type: to ask each object takes ten times as long.
    types = {kind for kind in set(map(type, objects)) if issubclass(kind, io.IOBase)}
    return (file for file in objects if type(file) in types and not file.closed and file.writable())


def _flush(set_apart_files: list[weakref.ref[io.IOBase]]) -> None:
    """Write what open files still hold when the process ends.

    What is set apart is not collected then. Of a file that a reference cycle holds open, Python may close the innermost
    part first, and lose what the others have not written.
    """
    for file in (*_open_files(), *(reference() for reference in set_apart_files)):
        # Its disk may be full, and its reader gone: nobody is there to be told.
        with suppress(OSError, ValueError):
            if file is not None:
                file.flush()
