"""Turn a request to terminate this process into an exception that lets it clean up."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType


class TerminatedError(SystemExit):
    """A signal has told this process to end."""


INTERRUPTIONS = (KeyboardInterrupt, TerminatedError)
"""What stops all that this process does; a ``SystemExit`` of the project's own code fails what has called it."""


class Termination:
    """Turns SIGTERM into ``TerminatedError`` in this process, as SIGINT is turned into ``KeyboardInterrupt``.

    A scheduler ends a container by SIGTERM, by which Python ends at once: a run would stay RUNNING, and a model
    PENDING. Whoever handles the signal already keeps it, and only the main thread may handle one.
    """

    def __init__(self) -> None:
        self._process = os.getpid()
        self._handles = (
            threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        )
        if self._handles:
            signal.signal(signal.SIGTERM, self._exit)

    def release(self) -> None:
        """Let SIGTERM do what it did before."""
        if self._handles and signal.getsignal(signal.SIGTERM) == self._exit:
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
            self._handles = False

    def _exit(self, number: int, _: FrameType | None) -> None:
        if os.getpid() == self._process:
            # What a shell gives for a process that a signal has ended.
            raise TerminatedError(128 + number)
        # A worker that was forked has nothing of ours to clean up.
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
