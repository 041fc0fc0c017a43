"""What packaging a large artifact costs: bytes written and memory, on a real project and a local store."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kedro_project import CATALOG, MODEL, KedroProject

SIZE = 256 * 2**20
MEBIBYTE = 2**20

DATASETS = """
import os
from kedro.io import AbstractVersionedDataset

class Blob(AbstractVersionedDataset):
    \"\"\"A large file, of which only the size is loaded.\"\"\"

    def __init__(self, filepath, version=None):
        from pathlib import PurePosixPath

        super().__init__(PurePosixPath(filepath), version)

    def load(self):
        return os.path.getsize(self._get_load_path())

    def save(self, data):
        raise NotImplementedError

    def _describe(self):
        return {}
"""

INFERENCE = """
from kedro.pipeline import Pipeline, node

def predict(instances, model, blob):
    return instances["x"] * blob

def create_pipeline(**kwargs):
    return Pipeline([node(predict, ["instances", "model", "blob"], "predictions")])
"""


def written() -> int:
    """Give the bytes that this process has written, to whatever."""
    counters = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(counters["wchar"])


def memory(entry: str) -> int:
    """Give the bytes of memory of this process, at present (VmRSS) or at its peak (VmHWM)."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(entry)]
    return int(line.split()[1]) * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux counts what a process writes.")
@pytest.mark.parametrize("versioned", [True, False])
def test_a_large_artifact_is_written_once_and_never_held_in_memory(project: KedroProject, *, versioned: bool) -> None:
    """From the project's folder to the store, it is one copy in small pieces, versioned or not."""
    blob = {"type": f"{project.package}.datasets.Blob", "filepath": "data/blob", "versioned": versioned}
    project.write("datasets.py", DATASETS)
    project.write_pipeline("inference", INFERENCE)
    project.write_models({"prices": {**MODEL, "verify": False}})
    project.write_config("catalog", {**CATALOG, "blob": blob})
    file = project.path / "data" / ("blob/2026/blob" if versioned else "blob")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"small")
    # What is imported or cached once for all runs is not what is measured.
    project.run()
    with file.open("wb") as stream:
        stream.truncate(SIZE)
    Path("/proc/self/clear_refs").write_text("5")  # the peak of memory starts again from here
    bytes_before, memory_before = written(), memory("VmRSS")

    project.run()

    assert SIZE <= written() - bytes_before < SIZE + 16 * MEBIBYTE
    assert memory("VmHWM") - memory_before < 64 * MEBIBYTE
    stored = list((project.path / "mlartifacts").rglob("artifacts/blob/blob"))
    assert sorted([5, SIZE]) == sorted(path.stat().st_size for path in stored)
    assert all(not path.samefile(file) for path in stored)
    assert {1} == {path.stat().st_nlink for path in stored}
