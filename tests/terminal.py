"""Run Kedro in a terminal, and give all that it shows there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path


def kedro_in_terminal(
    directory: Path, *arguments: str, columns: int, errors: int, seen: Callable[[bytes], None] = lambda _: None
) -> str:
    """Run a command of Kedro's that succeeds, and give what its terminal shows, escape sequences included.

    Args:
        directory: Of the project.
        arguments: Of ``kedro``.
        columns: How wide the terminal is.
        errors: Where the error stream goes, as ``subprocess.Popen`` takes it.
        seen: Gets all that is shown, each time that there is more.
    """
    import pty

    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    shown = b""
    with subprocess.Popen(
        [sys.executable, "-m", "kedro", *arguments],
        cwd=directory,
        stdout=theirs,
        stderr=errors,
        env={**environment, "TERM": "xterm", "COLUMNS": f"{columns}", "LINES": "40"},
    ) as process:
        os.close(theirs)
        while True:
            try:
                said = os.read(ours, 4096)
            except OSError:
                # Linux raises when nobody has the terminal open any more; other systems give nothing.
                break
            if not said:
                break
            shown += said
            seen(shown)
    os.close(ours)
    text = shown.decode()
    assert process.returncode == 0, text
    return text
