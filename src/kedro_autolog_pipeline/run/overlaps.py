"""Notice when two runs save to one path at the same time."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import attrs

from kedro_autolog_pipeline.tracking.abandoned import is_gone, this_process


@attrs.define(eq=False)
class SavesInProgress:
    """The saves to one path, by every run of the project, in the order in which they begin and end.

    Attributes:
        file: Where they are noted, a line for each beginning and each end.
        run: What tells the run of this object from others.
    """

    file: Path
    run: str
    _own: str | None = None

    @classmethod
    def at(cls, path: str, directory: Path, run: str) -> SavesInProgress:
        """Name the file of a path; nothing is made.

        Args:
            path: The path, as its file system names it.
            directory: Where the files of all paths are.
            run: What tells the run from others.
        """
        return cls(directory / sha256(path.encode("utf-8", "surrogatepass")).hexdigest(), run)

    def begin(self) -> None:
        """Note that a save begins; does nothing while it goes on.

        Raises:
            OSError: When it cannot be noted.
        """
        if self._own is None:
            self._own = uuid4().hex
            self.file.parent.mkdir(exist_ok=True)
            self._append({"save": self._own, "run": self.run, "process": this_process()})

    def end(self) -> bool:
        """Note that the save has ended, and tell whether one of another run went on at the same time.

        It does nothing where none goes on.

        Raises:
            OSError: When it cannot be noted.
        """
        if self._own is None:
            return False
        own, self._own = self._own, None
        self._append({"save": own})
        lines = self._lines()
        begun = {line["save"]: position for position, line in enumerate(lines) if "run" in line}
        ended = {line["save"]: position for position, line in enumerate(lines) if "run" not in line}
        since = begun[own]
        others = [line for line in lines if line.get("run", self.run) != self.run]
        return any(
            # One that has not ended goes on, unless its process was killed.
            begun[line["save"]] > since
            or ended.get(line["save"], since) > since
            or (line["save"] not in ended and not is_gone(line["process"]))
            for line in others
        )

    def forget(self) -> None:
        """Remove the file, unless a save of another run goes on; where it cannot be removed, it stays."""
        with suppress(OSError):
            lines = self._lines()
            if {line["save"] for line in lines} == {line["save"] for line in lines if "run" not in line}:
                self.file.unlink()
                # Only the last one finds it empty.
                self.file.parent.rmdir()

    def _append(self, line: dict[str, str]) -> None:
        # One call that appends: processes that save at once do not cut each other's lines.
        descriptor = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, f"{json.dumps(line)}\n".encode())
        finally:
            os.close(descriptor)

    def _lines(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in self.file.read_text(encoding="utf-8").splitlines()]
