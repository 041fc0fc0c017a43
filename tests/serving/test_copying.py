"""Copies of values, compared with what Kedro's MemoryDataset does to the same values."""

from __future__ import annotations

import subprocess
import sys
from threading import Lock
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from kedro.io import MemoryDataset
from kedro.pipeline import Pipeline, node

from kedro_autolog_pipeline.errors import CopyError
from kedro_autolog_pipeline.serving.copying import (
    CopyMode,
    copied,
    copy_modes_by_dataset,
    inferred_mode,
)


class Table:
    """Stands for ``ibis.Table``, which this environment does not have."""


def _frame_of_another_library() -> Any:
    return type("DataFrame", (), {})()


@pytest.fixture
def ibis(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``import ibis`` give a module with nothing but a ``Table``."""
    module = ModuleType("ibis")
    module.Table = Table  # type: ignore[attr-defined]  # made here
    monkeypatch.setitem(sys.modules, "ibis", module)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (pd.DataFrame({"x": [1]}), CopyMode.COPY),
        (np.array([1]), CopyMode.COPY),
        (pd.Series([1]), CopyMode.DEEPCOPY),
        ([[1]], CopyMode.DEEPCOPY),
        (_frame_of_another_library(), CopyMode.ASSIGN),
        (Table(), CopyMode.ASSIGN),
    ],
)
@pytest.mark.usefixtures("ibis")
def test_inferred_mode_is_that_of_kedro(value: Any, expected: CopyMode) -> None:
    """The mode depends on the value's type, and the value is shared exactly where MemoryDataset shares it."""
    assert expected is inferred_mode(value)
    assert (MemoryDataset(value).load() is value) == (copied("x", value) is value)


def test_pandas_and_numpy_copies_are_independent() -> None:
    """A change of the copy leaves the value as it was."""
    frame, series, array = pd.DataFrame({"x": [1]}), pd.Series([1]), np.array([1])

    for copy in [copied("frame", frame), copied("series", series), copied("array", array)]:
        copy[:] = 2

    assert [1, 1, 1] == [frame["x"][0], series[0], array[0]]


@pytest.mark.parametrize("value", [None, True, 1, 1.5, 1j, "a", b"a"])
@pytest.mark.parametrize("mode", [None, *CopyMode])
def test_what_cannot_change_is_not_copied(value: Any, mode: CopyMode | None) -> None:
    """An immutable value is its own copy in every mode."""
    assert copied("x", value, mode) is value


@pytest.mark.parametrize(
    ("mode", "same_list_and_item"),
    [(CopyMode.ASSIGN, (True, True)), (CopyMode.COPY, (False, True)), (CopyMode.DEEPCOPY, (False, False))],
)
def test_mode_that_is_given_decides(mode: CopyMode, same_list_and_item: tuple[bool, bool]) -> None:
    """Assign copies nothing, copy one level, deepcopy all levels."""
    value: list[list[int]] = [[]]

    copy = copied("x", value, mode)

    assert same_list_and_item == (copy is value, copy[0] is value[0])


def test_value_that_cannot_be_copied_is_named() -> None:
    """The error names the dataset and the way out, and keeps the cause."""
    with pytest.raises(CopyError) as caught:
        copied("connection", Lock())

    assert str(caught.value) == (
        "Cannot copy 'connection': its value, a 'lock', does not allow copy mode 'deepcopy'. "
        "Set its copy_mode to 'assign' if no node changes it in place."
    )
    assert ("connection", "deepcopy") == (caught.value.dataset, caught.value.mode)
    assert isinstance(caught.value.__cause__, TypeError)


PIPELINE = Pipeline([node(max, ["x", "model", "params:floor"], "middle"), node(min, ["middle", "parameters"], "y")])


def test_one_copy_mode_is_that_of_all_but_outputs_and_parameters() -> None:
    """What is returned is nobody else's, and a parameter must not be changed for the next call."""
    expected = dict.fromkeys(["middle", "model", "x"], CopyMode.ASSIGN)

    assert expected == copy_modes_by_dataset("assign", PIPELINE) == copy_modes_by_dataset(CopyMode.ASSIGN, PIPELINE)
    assert {} == copy_modes_by_dataset(None, PIPELINE)


def test_copy_modes_by_name_are_those() -> None:
    """By name, outputs and parameters have a mode too, and None is as Kedro infers."""
    modes: dict[str, CopyMode | str | None] = {"y": "copy", "params:floor": CopyMode.ASSIGN, "model": None}

    assert {**modes, "y": CopyMode.COPY} == copy_modes_by_dataset(modes, PIPELINE)


def test_copying_imports_nothing() -> None:
    """A process that has no pandas, numpy or ibis yet still has none after a copy."""
    program = (
        "import sys; from kedro_autolog_pipeline.serving.copying import copied; copied('x', [1]);"
        "print(sorted({'pandas', 'numpy', 'ibis'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "[]\n" == done.stdout
