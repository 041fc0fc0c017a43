"""Tests of lifecycle.termination."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from kedro_autolog_pipeline.lifecycle.termination import TerminatedError, Termination

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM that a process can handle."),
]


def test_sigterm_raises_what_lets_the_process_clean_up() -> None:
    """It is TerminatedError with a shell's code for the signal; afterwards it is as before."""
    before = signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        termination = Termination()
        with pytest.raises(TerminatedError) as caught:
            os.kill(os.getpid(), signal.SIGTERM)
        termination.release()
        after = signal.getsignal(signal.SIGTERM)
        termination.release()
    finally:
        signal.signal(signal.SIGTERM, before)

    assert 143 == caught.value.code
    assert signal.SIG_DFL == after


def test_who_handles_it_already_keeps_it() -> None:
    """A handler of the user's stays, and stays when ours would be released."""

    def handler(*_: object) -> None: ...

    before = signal.signal(signal.SIGTERM, handler)
    try:
        termination = Termination()
        during = signal.getsignal(signal.SIGTERM)
        termination.release()
        after = signal.getsignal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)

    assert during is handler
    assert after is handler


def test_a_thread_handles_nothing() -> None:
    """Only the main thread may; a run of a Kedro server is in another one."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    handlers = []

    def in_thread() -> None:
        termination = Termination()
        handlers.append(signal.getsignal(signal.SIGTERM))
        termination.release()

    try:
        thread = threading.Thread(target=in_thread)
        thread.start()
        thread.join()
    finally:
        signal.signal(signal.SIGTERM, before)

    assert [signal.SIG_DFL] == handlers


def test_a_forked_worker_ends_at_once() -> None:
    """It has nothing of ours to clean up, so that it ends by the signal itself."""
    code = """
import os, signal
from kedro_autolog_pipeline.lifecycle.termination import Termination
Termination()
child = os.fork()
if child == 0:
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        os._exit(1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert f"{-signal.SIGTERM}\n" == done.stdout
