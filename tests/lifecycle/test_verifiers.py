"""Tests of lifecycle.verifiers."""

from __future__ import annotations

import os

import psutil
import pytest

from kedro_autolog_pipeline.errors import VerificationError
from kedro_autolog_pipeline.lifecycle.verifiers import Verifiers


def children() -> int:
    """Count the processes that this one has started and that have not ended."""
    return len(psutil.Process(os.getpid()).children())


def test_the_number_of_processes_does_not_grow_with_the_models() -> None:
    """Two get ready; each of the others begins when one has ended, or when it is asked for."""
    before = children()
    verifiers = Verifiers({f"model_{number}": () for number in range(16)})
    try:
        verifiers.start()
        verifiers.start()
        names = [name for name, _ in verifiers.started()]
        counts = [children() - before]
        for number in range(4):
            assert verifiers.get(f"model_{number}") is not None
            verifiers.end(f"model_{number}")
            verifiers.end(f"model_{number}")
            verifiers.start()
            counts.append(children() - before)
        assert verifiers.get("model_9") is not None
        assert verifiers.get("another") is None
    finally:
        verifiers.close()
        verifiers.close()

    assert ["model_0", "model_1"] == names
    assert [2] * 5 == counts
    assert before == children()
    assert verifiers.get("model_10") is None


def test_a_process_that_cannot_be_started_is_no_model_without_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for it later gets the reason, and not the answer that no proof is wanted."""
    monkeypatch.setattr("sys.executable", "")
    verifiers = Verifiers({"model": ()})

    with pytest.raises(VerificationError):
        verifiers.start()
    with pytest.raises(VerificationError):
        verifiers.get("model")
