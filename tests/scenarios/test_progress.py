"""What a terminal shows while `kedro run` packages something that takes long."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import mlflow
import pytest

from kedro_project import TRAINING, KedroProject
from terminal import kedro_in_terminal

MIGRATIONS = Path(mlflow.__file__).parent / "store" / "db_migrations" / "env.py"

# The fresh process waits for a file, and the process of the training does not.
INFERENCE = """
import os, time
from kedro.pipeline import Pipeline, node

def predict(instances, model):
    while os.getpid() != model["process"] and not os.path.exists({gate!r}):
        time.sleep(0.01)
    return instances[["x"]] * model["slope"]

def create_pipeline(**kwargs):
    return Pipeline([node(predict, ["instances", "model"], "predictions")])
"""


@pytest.mark.skipif(
    "fileConfig" in MIGRATIONS.read_text(encoding="utf-8"),
    reason="This MLflow replaces Kedro's logging when it looks at a database.",
)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo terminals of this kind")
def test_a_terminal_shows_what_takes_long_and_then_no_more(project: KedroProject) -> None:
    """The proof waits until the terminal shows that it goes on; what is at the end is as if nothing had been shown."""
    gate = project.path / "gate"
    project.write_pipeline("inference", INFERENCE.format(gate=str(gate)))
    with_process = TRAINING.replace('{"slope"', '{"process": __import__("os").getpid(), "slope"')
    project.write_pipeline("training", with_process)

    def open_gate(shown: bytes) -> None:
        if b"Proving 'prices' in a fresh process" in shown:
            gate.touch()

    text = kedro_in_terminal(project.path, "run", columns=120, errors=subprocess.STDOUT, seen=open_gate)

    assert "Proving 'prices' in a fresh process" in text
    ending = text[text.rindex("\x1b[2K") :]
    assert "Proving" not in ending
    assert "'prices' is READY." in ending
