"""Tests of ``verification/proof.py``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from kedro_autolog_pipeline.errors import VerificationError
from kedro_autolog_pipeline.rehearsal.live_pipeline import Reference, Stored, Written
from kedro_autolog_pipeline.verification.proof import Answers, Outcome, Trial, judge, predicted_columns

SOLD = pd.DataFrame({"x": [1, 2], "price": [0.5, 0.25]})
LIVE = pd.DataFrame({"species": ["Adelie", "Chinstrap"], "score": [0.5, 0.25]})
PACKAGED = LIVE.assign(species=["Adelie", "Gentoo"])
DIFFERENCE = "column 'species' differs in 1 of 2 rows, first at index 1: 'Chinstrap' (live) and 'Gentoo' (packaged)"


def refusal(reference: Reference, output: object, answers: Answers | None = None, trace: object = None) -> str:
    """Judge what must be refused, and give the error's message."""
    with pytest.raises(VerificationError) as caught:
        judge("penguins", Trial("sample", reference), output, answers or Answers(repeats=True), trace)  # type: ignore[arg-type]  # a dictionary
    return str(caught.value).removeprefix("Cannot verify 'penguins': ")


def test_the_same_output_proves_that_the_package_reproduces_the_live_pipeline() -> None:
    """An equal output is proof enough, even of a model that would give another one next time."""
    proven = judge("penguins", Trial("sample", Reference(LIVE)), LIVE.copy(), Answers(repeats=False), None)

    assert (Outcome.REPRODUCED, "A fresh process has reproduced the live pipeline's output.") == proven


def test_another_output_of_a_model_that_repeats_itself_is_refused() -> None:
    """Where nothing is known to explain it, the package lacks something."""
    assert (
        f"{DIFFERENCE}. The model repeats itself, so the package lacks something that the pipeline reads: a file, an "
        "environment variable, a global that other code has set."
    ) == refusal(Reference(LIVE), PACKAGED)


def test_the_first_node_and_what_changes_its_input_are_named() -> None:
    """A dataset between nodes that changes what it stores, and hooks, are what a model does without."""
    codes = pd.DataFrame({"code": ["007", "042"]}, dtype=object)
    reference = Reference(
        LIVE,
        written={"coded": Written("clean", codes), "predictions": Written("predict", LIVE)},
        stored={"coded": Stored("CSVDataset", ("predict",), codes, pd.DataFrame({"code": [7, 42]}, dtype=object))},
        hooks=("`before_node_run` of `shop.hooks.Masking`",),
    )

    message = refusal(reference, PACKAGED, trace={"coded": codes.copy(), "predictions": PACKAGED})

    stored = "column 'code' differs in 2 of 2 rows, first at index 0: '007' (saved) and 7 (loaded)"
    assert (
        f"{DIFFERENCE}. It begins with node 'predict', in 'predictions': {DIFFERENCE}. "
        f"'kedro run' stores 'coded' by CSVDataset before 'predict' reads it, which changes it: {stored}. A model "
        "keeps it in memory. Have its node give what the dataset loads, or accept what the model makes of it by "
        "'in_memory: [coded]'. 'kedro run' calls the project's hooks around nodes and datasets "
        "(`before_node_run` of `shop.hooks.Masking`), and a model does not. Name their classes under 'hooks' for a "
        "model that calls them, or have a node do what they do to the data."
    ) == message


def test_a_model_that_does_not_repeat_itself_is_proven_by_shape() -> None:
    """Random values that the model does not repeat need only type, shape, columns and dtypes."""
    random = np.random.default_rng(0)
    live, packaged = (pd.DataFrame({"score": random.random(2)}) for _ in range(2))

    outcome, detail = judge("penguins", Trial("sample", Reference(live)), packaged, Answers(repeats=False), None)

    assert Outcome.SAME_SHAPE is outcome
    assert (
        "A fresh process has given an output of the live pipeline's type and shape; the model does not repeat its "
        "values."
    ) == detail


def test_even_a_model_that_does_not_repeat_itself_has_a_shape() -> None:
    """Another shape is refused, however random the values are."""
    assert (
        "the output has length 1 (live) and 2 (packaged). Values may vary, since the model does not repeat its own, "
        "but type, shape, columns and dtypes may not. Set 'verify: false' if they do."
    ) == refusal(Reference([1]), [2, 3], Answers(repeats=False))


def test_what_a_user_should_know_of_the_answers_is_told() -> None:
    """What is as it should be, and what was not asked, is not mentioned."""
    answers = Answers(
        http="fails: TypeError",
        single_row="differs: row 0: x",
        parameters="'factor' fails: TypeError",
        optional_note="Why.",
        is_complete=False,
    )

    assert [] == list(Answers(http="same", single_row="same", parameters="same").remarks)
    assert [
        "The fresh process was stopped or ended while it was asked what the model's users will ask: what it had not "
        "answered by then counts as required.",
        "Over HTTP, a request with the sample as JSON fails: TypeError.",
        "One row alone is not answered as it is among others (differs: row 0: x): the answer depends on the rows that "
        "are asked together.",
        "A request that sends a parameter with its packaged value is answered otherwise: 'factor' fails: TypeError.",
        "Why.",
    ] == list(answers.remarks)


@pytest.mark.parametrize(
    ("sample", "output", "optional", "expected"),
    [
        (SOLD, SOLD.assign(price=0.0), (), ("price",)),
        (SOLD, SOLD["price"] * 2, (), ("price",)),
        (SOLD, SOLD.assign(price=0.0), ("price",), ()),
        (SOLD, SOLD, (), ()),
        (SOLD, [0.0, 0.0], (), ()),
        ({"a": SOLD}, SOLD, (), ()),
    ],
    ids=["a table", "a column", "nobody needs it", "passed on", "no names", "several inputs"],
)
def test_what_a_model_predicts_and_asks_for_is_found(
    sample: Any, output: Any, optional: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    """It has other values in the answer, or nobody would call it a prediction."""
    trial = Trial(sample, Reference(output))

    assert expected == predicted_columns(trial, Answers(optional=optional))
    assert () == predicted_columns(Trial(sample, Reference(output), asks_for_columns=False), Answers())
