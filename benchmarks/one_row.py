"""The demo's two models come in, how long each takes for one row in a process of its caller's goes out."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from benchmarks.demo_models import PEER, DemoModels, request
from benchmarks.measurements import interleaved
from benchmarks.report import Comparison, Findings, Unit

LIMIT = 1.05
"""How often the time of the hand-written model ours may take."""


def measure(models: DemoModels, turns: int) -> Findings:
    """Measure ``mlflow.pyfunc.load_model(...).predict`` of one row, signature enforcement and all."""
    import mlflow

    measured = interleaved(
        {
            "ours": partial(_seconds, mlflow.pyfunc.load_model(str(models.ours))),
            "theirs": partial(_seconds, mlflow.pyfunc.load_model(str(models.theirs))),
        },
        turns,
    )
    comparison = Comparison.at_most(
        LIMIT, "load_model(...).predict, one row of the demo", PEER, Unit.MILLISECONDS, measured
    )
    return Findings([comparison])


def _seconds(model: Any) -> float:
    row = request()
    started = time.perf_counter()
    model.predict(row)
    return time.perf_counter() - started
