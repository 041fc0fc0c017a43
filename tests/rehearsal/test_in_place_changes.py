"""Tests of rehearsal.in_place_changes."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kedro_autolog_pipeline.rehearsal.in_place_changes import InPlaceChanges, digest


@pytest.mark.parametrize("value", [{"seen": [1]}, np.arange(3), np.arange(6).reshape(2, 3).T], ids=type)
def test_only_what_a_call_changes_is_named(value: Any) -> None:
    """A dictionary or an array that is changed is named once, however often it is loaded."""
    changes = InPlaceChanges()
    scaler, model = changes.watching("scaler", lambda: value), changes.watching("model", lambda: {"slope": 2.0})

    loaded = scaler()
    scaler()
    assert {"slope": 2.0} == model()
    assert () == changes.names()
    if isinstance(loaded, dict):
        loaded["seen"].append(2)
    else:
        loaded[0] = 9

    assert ("scaler",) == changes.names()


def test_what_cannot_be_pickled_counts_as_unchanged() -> None:
    """It could not be copied either."""
    changes = InPlaceChanges()
    changes.watching("lock", threading.Lock)().acquire()

    assert () == changes.names()


def test_what_cannot_be_pickled_has_no_digest() -> None:
    """It could not be copied either."""
    assert digest(threading.Lock()) is None


@pytest.mark.parametrize("make", [np.zeros, bytearray], ids=["array", "bytes"])
def test_a_large_constant_is_not_held_twice(make: Callable[[int], Any]) -> None:
    """Comparing costs a digest's time, and no memory to speak of."""
    size = 50 * 2**20
    large = make(size)
    tracemalloc.start()
    try:
        assert digest(large) == digest(large)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < size / 10
