"""What the live pipeline and a fresh process made of one sample comes in, what that proves goes out."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

import attrs

from kedro_autolog_pipeline.errors import VerificationError


class Outcome(Enum):
    """What is proven of a package."""

    REPRODUCED = "reproduced"
    """It loads, and gives the live pipeline's output on the sample."""
    SAME_SHAPE = "same_shape"
    """It loads, and gives an output with the type, shape, columns and dtypes of the live pipeline's, which
    does not have the same values twice."""
    LOADED = "loaded"
    """It loads; there was no sample to try."""
    SKIPPED = "skipped"
    """Nothing, since the configuration says ``verify: false``."""


@attrs.frozen
class Proof:
    """What a fresh process has shown.

    Attributes:
        outcome: What is proven.
        detail: The same as a sentence.
        seconds: How long the caller waited for it.
    """

    outcome: Outcome
    detail: str
    seconds: float


@attrs.frozen
class Trial:
    """What the live pipeline did, for the fresh process to do again.

    Attributes:
        sample: What both are given, in the form that ``predict`` of the loaded model takes.
        expected: What the live pipeline made of it.
        live_again: Runs the live pipeline on the sample once more.
    """

    sample: Any
    expected: Any
    live_again: Callable[[], Any]


def judge(model: str, trial: Trial, output: Any) -> tuple[Outcome, str]:
    """Compare what a fresh process predicted with what the live pipeline did.

    Args:
        model: The logged model's name, for errors.
        trial: What the live pipeline did.
        output: What the fresh process made of the sample.

    Returns:
        What is proven, and the same as a sentence.

    Raises:
        VerificationError: When they differ by more than the live pipeline differs from itself.
    """
    # It imports pandas, which the live pipeline need not have done.
    from kedro_autolog_pipeline.rehearsal.comparison import first_difference, first_difference_of_shape

    difference = first_difference(trial.expected, output)
    if difference is None:
        return Outcome.REPRODUCED, "A fresh process has reproduced the live pipeline's output."
    try:
        again = trial.live_again()
    except Exception as error:
        cause = (
            f"{difference}, and the live pipeline fails when it is asked again ({error!r}). "
            "Let it give the same answer a second time."
        )
        raise VerificationError(model, cause) from error
    if first_difference(trial.expected, again) is None:
        cause = (
            f"{difference}. The live pipeline repeats itself, so the package lacks something that the "
            "pipeline reads: a file, an environment variable, a global that other code has set."
        )
        raise VerificationError(model, cause)
    difference = first_difference_of_shape(trial.expected, output)
    if difference is not None:
        cause = (
            f"{difference}. Values may vary, since the live pipeline does not repeat its own, but type, "
            "shape, columns and dtypes may not. Set 'verify: false' if they do."
        )
        raise VerificationError(model, cause)
    return Outcome.SAME_SHAPE, (
        "A fresh process has given an output of the live pipeline's type and shape; "
        "the live pipeline itself does not repeat its values."
    )
