"""How far one has to walk through the source to follow a run."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any

import kedro_autolog_pipeline
from kedro_autolog_pipeline.lifecycle.preparation import Preparation
from kedro_autolog_pipeline.lifecycle.training_run import TrainingRun
from kedro_autolog_pipeline.run.kedro_run import KedroRun
from kedro_project import KedroProject

SOURCE = f"{Path(kedro_autolog_pipeline.__file__).parent}/"


class Walk:
    """Notes the functions that are handed a run by another module, until packaging begins."""

    def __init__(self) -> None:
        self.stays: list[str] = []
        self._is_on = False

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        """Note a call."""
        module = _module(frame)
        if event != "call" or module is None:
            return
        name = frame.f_code.co_name
        self._is_on = (self._is_on or name == "before_pipeline_run") and name != "log_models"
        caller = frame.f_back
        while caller is not None and _module(caller) is None:
            caller = caller.f_back
        is_entered = caller is None or _module(caller) != module
        if self._is_on and is_entered and _is_handed_the_run(frame):
            self.stays.append(f"{module}: {name}")


def _module(frame: FrameType) -> str | None:
    # It is asked for every call of the process.
    file = frame.f_code.co_filename
    return file[len(SOURCE) :] if file.startswith(SOURCE) else None


def _is_handed_the_run(frame: FrameType) -> bool:
    """Tell whether an argument is the run, or what is made of it; what the run says of itself leads nowhere."""
    code = frame.f_code
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    values = {name: frame.f_locals.get(name) for name in names}
    if isinstance(values.get("self"), KedroRun):
        return False
    return "run_params" in values or any(
        isinstance(value, (KedroRun, Preparation, TrainingRun)) for value in values.values()
    )


def test_a_run_enters_twelve_modules_at_most(project: KedroProject) -> None:
    """Who follows a run from Kedro's hook until packaging begins opens that many modules, and preflight once."""
    project.run(pipelines=["data_processing"])
    walk = Walk()

    sys.setprofile(walk)
    try:
        project.run(pipelines=["training"])
    finally:
        sys.setprofile(None)

    entered = [stay.partition(":")[0] for stay in walk.stays]
    assert len(set(entered)) <= 12, walk.stays
    assert entered.count("preflight/checks.py") == 1, walk.stays
