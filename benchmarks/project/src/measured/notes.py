"""Kedro's life cycle comes in; when the last node ended, and what the process took, goes out to notes.json."""

from __future__ import annotations

import atexit
import json
import os
import time
from pathlib import Path

from kedro.framework.hooks import hook_impl
from kedro.pipeline.node import Node


class Notes:
    """Takes notes of the process that Kedro runs in, in the same way for every plugin."""

    def __init__(self) -> None:
        self._noted: dict[str, float] = {}
        # What is registered first is called last.
        atexit.register(self.write)

    @hook_impl
    def after_node_run(self, node: Node) -> None:
        """Note the end of what may be the last node."""
        self._note(node)

    @hook_impl
    def after_dataset_saved(self, node: Node) -> None:
        """Note the end of what the last node saves."""
        self._note(node)

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Import mlflow, open a run, and upload the blob, as far as that is what is measured."""
        wanted = os.environ.get("MEASURE_MLFLOW")
        if wanted is None:
            return
        import mlflow

        if wanted == "import":
            return
        with mlflow.start_run():
            if wanted == "upload":
                started = time.perf_counter()
                mlflow.log_artifact("data/blob")
                self._noted["upload_seconds"] = time.perf_counter() - started

    def write(self) -> None:
        """Write the notes into the directory of the process."""
        self._noted["peak_memory"] = _number("status", "VmHWM") * 1024
        self._noted["bytes_written"] = _number("io", "wchar")
        Path("notes.json").write_text(json.dumps(self._noted), encoding="utf-8")

    def _note(self, node: Node) -> None:
        # A model is proven against a call of its inference pipeline, with this hook, when training is over.
        if not node.func.__module__.endswith(".inference"):
            self._noted["last_node"] = time.time()


def _number(file: str, entry: str) -> int:
    """Give what Linux counts of this process; 0 elsewhere."""
    path = Path("/proc/self", file)
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{entry}:")), 0)
