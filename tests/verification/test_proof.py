"""Tests of ``verification/proof.py``."""

from __future__ import annotations

import itertools
from typing import NoReturn

import numpy as np
import pandas as pd
import pytest

from kedro_autolog_pipeline.errors import VerificationError
from kedro_autolog_pipeline.verification.proof import Outcome, Trial, judge

LIVE = pd.DataFrame({"species": ["Adelie", "Chinstrap"], "score": [0.5, 0.25]})


def not_asked() -> NoReturn:
    """Fail the test that asks the live pipeline again for nothing."""
    pytest.fail("the live pipeline was asked again")


def test_the_same_output_proves_that_the_package_reproduces_the_live_pipeline() -> None:
    """An equal output is proof enough, and the live pipeline is not asked again."""
    proven = judge("penguins", Trial("sample", LIVE, not_asked), LIVE.copy())

    assert (Outcome.REPRODUCED, "A fresh process has reproduced the live pipeline's output.") == proven


def test_another_output_of_a_pipeline_that_repeats_itself_is_refused() -> None:
    """Where the live pipeline repeats its output, the package must repeat it too."""
    packaged = LIVE.assign(species=["Adelie", "Gentoo"])

    with pytest.raises(VerificationError) as caught:
        judge("penguins", Trial("sample", LIVE, LIVE.copy), packaged)

    assert (
        "Cannot verify 'penguins': column 'species' differs in 1 of 2 rows, first at index 1: "
        "'Chinstrap' (live) and 'Gentoo' (packaged). The live pipeline repeats itself, so the package lacks "
        "something that the pipeline reads: a file, an environment variable, a global that other code has set."
    ) == str(caught.value)


def test_a_pipeline_that_does_not_repeat_itself_is_proven_by_shape() -> None:
    """Random values that the live pipeline does not repeat need only type, shape, columns and dtypes."""
    random = np.random.default_rng(0)

    def live_again() -> pd.DataFrame:
        return pd.DataFrame({"score": random.random(2)})

    outcome, detail = judge("penguins", Trial("sample", live_again(), live_again), live_again())

    assert Outcome.SAME_SHAPE is outcome
    assert (
        "A fresh process has given an output of the live pipeline's type and shape; "
        "the live pipeline itself does not repeat its values."
    ) == detail


def test_even_a_pipeline_that_does_not_repeat_itself_has_a_shape() -> None:
    """Another shape is refused, however random the values are."""
    numbers = itertools.count()
    trial = Trial("sample", [next(numbers)], lambda: [next(numbers)])

    with pytest.raises(VerificationError) as caught:
        judge("penguins", trial, [next(numbers), next(numbers)])

    assert (
        "Cannot verify 'penguins': the output has length 1 (live) and 2 (packaged). Values may vary, since the "
        "live pipeline does not repeat its own, but type, shape, columns and dtypes may not. "
        "Set 'verify: false' if they do."
    ) == str(caught.value)


def test_a_live_pipeline_that_fails_when_asked_again_is_named_as_the_cause() -> None:
    """A pipeline that answers only once cannot be told from one that differs."""

    def live_again() -> NoReturn:
        message = "closed"
        raise OSError(message)

    with pytest.raises(VerificationError) as caught:
        judge("penguins", Trial("sample", 1, live_again), 2)

    assert (
        "Cannot verify 'penguins': the output is 1 (live) and 2 (packaged), and the live pipeline fails when it "
        "is asked again (OSError('closed')). Let it give the same answer a second time."
    ) == str(caught.value)
    assert isinstance(caught.value.__cause__, OSError)
