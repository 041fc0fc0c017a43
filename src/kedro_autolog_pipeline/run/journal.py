"""Keep a journal of what a run saves and reads, which outlives its process."""

from __future__ import annotations

import json
import os
from pathlib import Path

import attrs
import cattrs

from kedro_autolog_pipeline.pairing.pair import dataset_of
from kedro_autolog_pipeline.run.file_state import FileState
from kedro_autolog_pipeline.run.noted_metrics import NotedMetrics
from kedro_autolog_pipeline.run.saved_state import SavedState
from kedro_autolog_pipeline.tracking.run_inputs import RunInput


@attrs.frozen
class JournalEntries:
    """What a journal holds, by dataset name without a transcoding suffix.

    Attributes:
        saves: What the run has saved, as its last save left it. Datasets with one path share the last state of it.
        reads: What the run has read of datasets that it did not write, as its last read found it.
        inputs: What it has read of them, or to measure metrics on, as MLflow describes it.
        metrics: What it has measured.
    """

    saves: dict[str, SavedState] = attrs.field(factory=dict)
    reads: dict[str, SavedState] = attrs.field(factory=dict)
    inputs: dict[str, RunInput] = attrs.field(factory=dict)
    metrics: dict[str, NotedMetrics] = attrs.field(factory=dict)


@attrs.frozen
class Journal:
    """A file to which what a run saves and reads adds lines.

    Attributes:
        file: The file; its directory exists.
    """

    file: Path

    def begin(self) -> None:
        """Make it anew.

        Raises:
            OSError: When it cannot be written.
        """
        self.file.write_bytes(b"")

    def note_save(self, name: str, state: SavedState) -> None:
        """Add what was saved.

        Args:
            name: The dataset's name, as the run's nodes write it.
            state: What it is now.

        Raises:
            OSError: When it cannot be written.
        """
        self._add("saved", name, state)

    def note_read(self, name: str, state: SavedState) -> None:
        """Add what was read of a dataset that the run does not write; the rest as for ``note_save``."""
        self._add("read", name, state)

    def note_input(self, name: str, described: RunInput) -> None:
        """Add how MLflow describes what was read; the rest as for ``note_save``."""
        self._add("input", name, described)

    def note_metrics(self, name: str, noted: NotedMetrics) -> None:
        """Add what was measured; the rest as for ``note_save``."""
        self._add("metrics", name, noted)

    def read(self) -> JournalEntries:
        """Read it; one that is not there is empty, and a line that its process was killed in is left out."""
        entries = JournalEntries()
        try:
            lines = self.file.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return entries
        files: dict[str | None, dict[str, FileState] | None] = {}
        mixed: set[str | None] = set()
        for line in lines:
            try:
                content = json.loads(line)
            except ValueError:
                continue
            name = dataset_of(content["name"])
            if content.get("event") == "input":
                entries.inputs[name] = cattrs.structure(content["state"], RunInput)
                continue
            if content.get("event") == "metrics":
                entries.metrics[name] = cattrs.structure(content["state"], NotedMetrics)
                continue
            state = cattrs.structure(content["state"], SavedState)
            if content.get("event") == "read":
                entries.reads[name] = state
                continue
            entries.saves[name] = state
            files[state.path] = state.files
            if state.is_mixed:
                mixed.add(state.path)
        for name, state in entries.saves.items():
            entries.saves[name] = attrs.evolve(state, files=files[state.path], is_mixed=state.path in mixed)
        return entries

    def _add(self, event: str, name: str, state: SavedState | RunInput | NotedMetrics) -> None:
        # The line break before it ends a line that another process has not.
        line = f"\n{json.dumps({'event': event, 'name': name, 'state': cattrs.unstructure(state)})}\n".encode()
        # One call that appends: threads and processes that save at once do not cut each other's lines.
        descriptor = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)
