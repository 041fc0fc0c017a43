"""The demo's two models come in, how long a fresh process takes until its first answer goes out."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.demo_models import PEER, PENGUIN, DemoModels
from benchmarks.measurements import interleaved
from benchmarks.report import Comparison, Findings, Unit
from benchmarks.surroundings import PYTHON, environment

LIMIT = 1.1
"""How often the time of the hand-written model ours may take."""

PREDICT = """
import json, sys
import mlflow.pyfunc, pandas as pd
model = mlflow.pyfunc.load_model(sys.argv[1])
model.predict(pd.DataFrame([json.loads(sys.argv[2])]))
print("answered", flush=True)
"""

IMPORT = 'import mlflow.pyfunc, pandas; print("answered", flush=True)'


def measure(models: DemoModels, turns: int) -> Findings:
    """Measure from the start of a process to its first answer, with bytecode compiled and files in memory."""
    penguin = json.dumps(PENGUIN)
    measured = interleaved(
        {
            "ours": partial(_seconds, [PREDICT, models.ours, penguin]),
            "theirs": partial(_seconds, [PREDICT, models.theirs, penguin]),
            "import": partial(_seconds, [IMPORT]),
        },
        turns,
    )
    imports = median(measured.pop("import"))
    comparison = Comparison.at_most(LIMIT, "fresh process to the first answer, the demo", PEER, Unit.SECONDS, measured)
    return Findings([comparison], [f"Of a fresh process, importing mlflow.pyfunc and pandas is {imports:.2f} s."])


def _seconds(program: Sequence[str | Path]) -> float:
    started = time.perf_counter()
    with subprocess.Popen(
        [PYTHON, "-I", "-c", *program], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        answer = process.stdout.readline() if process.stdout else b""
        seconds = time.perf_counter() - started
    if answer != b"answered\n" or process.returncode:
        raise ChildProcessError(program)
    return seconds
