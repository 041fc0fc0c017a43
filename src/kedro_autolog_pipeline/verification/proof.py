"""Judge what a fresh process has answered by what the live pipeline did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

import attrs

from kedro_autolog_pipeline.errors import VerificationError
from kedro_autolog_pipeline.rehearsal.live_pipeline import Reference, Stored


class Outcome(Enum):
    """What is proven of a package."""

    REPRODUCED = "reproduced"
    """It loads, and gives the live pipeline's output on the sample."""
    SAME_SHAPE = "same_shape"
    """It loads, and gives an output with the type, shape, columns and dtypes of the live pipeline's, and itself does
    not give the same values twice."""
    LOADED = "loaded"
    """It loads; there was no sample to try."""
    SKIPPED = "skipped"
    """Nothing, since the configuration says ``verify: false``."""


HEADLINES = {
    Outcome.REPRODUCED: "A clean process with just this package returned the same predictions as the live pipeline.",
    Outcome.SAME_SHAPE: (
        "A clean process with just this package returned predictions of the same shape and types as the live pipeline, "
        "whose values are not the same twice."
    ),
    Outcome.LOADED: "A clean process with just this package loaded it. The run had no data to try it on.",
    Outcome.SKIPPED: "Not proven: the configuration says 'verify: false'.",
}
"""What is proven of a model, one sentence for each outcome."""


@attrs.frozen
class Answers:
    """What a package has answered besides its output.

    Attributes:
        repeats: Whether it answers the sample twice in the same way; None when that was not asked.
        copied: Artifacts and parameters that each call must get a copy of, sorted: a call changes them in place, and
            the next one would answer otherwise.
        optional: Columns of the only input without which, all of them, it answers the same.
        predicted: Columns that a request must have and the answer has with other values, as of a label.
        optional_note: Why there may be more of them, one sentence; None when every column is settled.
        nullable: Columns in which a row may have null, in all of them together: it is answered, the answer lacks no
            value, and the other rows keep theirs, integers as floats included. None when that was not asked.
        http: "same" when MLflow's scoring server sends back the same answer to JSON, else what happens instead; None
            when that was not asked.
        single_row: "same" when one row alone is answered as among the others, else what happens instead; None when
            that was not asked, or the output has no answer to each row.
        parameters: "same" when each parameter of the signature, given the value that it has anyway, changes nothing,
            else the first and what it does; None when that was not asked, or there are none.
        empty: "same" when a table without rows is answered, else what happens; None when that was not asked.
        example: Body of a request to MLflow's scoring server, made up from the signature, that it answers; None when
            it answered none, or was not asked.
        is_complete: Whether the process has been asked all that there was time for, and still lived then.
    """

    repeats: bool | None = None
    copied: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    predicted: tuple[str, ...] = ()
    optional_note: str | None = None
    nullable: tuple[str, ...] | None = None
    http: str | None = None
    single_row: str | None = None
    parameters: str | None = None
    empty: str | None = None
    example: str | None = None
    is_complete: bool = True

    @classmethod
    def from_json(cls, content: Mapping[str, Any], *, is_complete: bool) -> Answers:
        """Take up what the process has noted."""
        lists = {name: tuple(value) for name, value in content.items() if isinstance(value, list)}
        return cls(**{**content, **lists, "is_complete": is_complete})

    @property
    def by_question(self) -> dict[str, str]:
        """What a person reads of the questions that were asked: "yes", or what happens instead."""
        answers = {
            "The same over HTTP": self.http,
            "One row alone, as among others": self.single_row,
            "A table without rows": self.empty,
            "Null is answered in": None if self.nullable is None else ", ".join(self.nullable) or "no column",
        }
        return {
            question: "yes" if answer == "same" else answer
            for question, answer in answers.items()
            if answer is not None
        }

    @property
    def remarks(self) -> Iterator[str]:
        """What a user should know, one sentence each."""
        if not self.is_complete:
            yield (
                "The fresh process was stopped or ended while it was asked what the model's users will ask: what it "
                "had not answered by then counts as required."
            )
        if self.http not in {None, "same"}:
            yield f"Over HTTP, a request with the sample as JSON {self.http}."
        if self.single_row not in {None, "same"}:
            yield (
                f"One row alone is not answered as it is among others ({self.single_row}): the answer depends on the "
                "rows that are asked together."
            )
        if self.parameters not in {None, "same"}:
            yield f"A request that sends a parameter with its packaged value is answered otherwise: {self.parameters}."
        if self.optional_note is not None:
            yield self.optional_note
        if self.predicted:
            names = ", ".join(f"'{name}'" for name in self.predicted)
            yield (
                f"Requests must contain {names}, which the answer contains too. If this is what the model predicts, a "
                "caller does not have it: change the inference pipeline so that no node needs it, for example with "
                "drop(columns=..., errors='ignore')."
            )


@attrs.frozen
class Proof:
    """What a fresh process has shown.

    Attributes:
        outcome: What is proven.
        detail: The same as a sentence.
        seconds: How long the caller waited for it.
        answers: What else it has answered.
    """

    outcome: Outcome
    detail: str
    seconds: float
    answers: Answers = attrs.field(factory=Answers)


@attrs.frozen
class Trial:
    """What the live pipeline did, for the fresh process to do again.

    Attributes:
        sample: What both are given, in the form that ``predict`` of the loaded model takes.
        reference: What the live pipeline made of it.
        asks_for_columns: Whether it is to be found which columns the model can do without.
    """

    sample: Any
    reference: Reference
    asks_for_columns: bool = True


def predicted_columns(trial: Trial, answers: Answers) -> tuple[str, ...]:
    """Name the columns that a request must have although the answer has them, and with other values.

    Args:
        trial: What the live pipeline did.
        answers: What the process has answered.
    """
    import pandas as pd

    from kedro_autolog_pipeline.rehearsal.comparison import first_difference

    sample, output = trial.sample, trial.reference.output
    if isinstance(output, pd.Series):
        output = output.to_frame()
    if not trial.asks_for_columns or not isinstance(sample, pd.DataFrame) or not isinstance(output, pd.DataFrame):
        return ()
    both = [name for name in sample.columns if name in output.columns and name not in answers.optional]
    # What a pipeline passes on is an identifier, or what the caller wants to see beside the answer.
    return tuple(
        name
        for name in both
        if first_difference(*(table[[name]].to_numpy().tolist() for table in (sample, output))) is not None
    )


def judge(
    model: str, trial: Trial, output: Any, answers: Answers, trace: Mapping[str, Any] | None
) -> tuple[Outcome, str]:
    """Compare what a fresh process predicted with what the live pipeline did.

    Args:
        model: The logged model's name, for errors.
        trial: What the live pipeline did.
        output: What the fresh process made of the sample.
        answers: What else it has answered.
        trace: By dataset name, what each node gave there; None when that is not known.

    Returns:
        What is proven, and the same as a sentence.

    Raises:
        VerificationError: When they differ by more than the model differs from itself.
    """
    # It imports pandas, which the live pipeline need not have done.
    from kedro_autolog_pipeline.rehearsal.comparison import first_difference, first_difference_of_shape

    expected = trial.reference.output
    difference = first_difference(expected, output)
    if difference is None:
        return Outcome.REPRODUCED, "A fresh process has reproduced the live pipeline's output."
    if answers.repeats is not False:
        first = _first_node(trial.reference, trace or {})
        cause = f"{difference}. {first}{explain(trial.reference) or _LACKS_SOMETHING}"
        raise VerificationError(model, cause)
    difference = first_difference_of_shape(expected, output)
    if difference is not None:
        cause = (
            f"{difference}. Values may vary, since the model does not repeat its own, but type, shape, columns and "
            "dtypes may not. Set 'verify: false' if they do."
        )
        raise VerificationError(model, cause)
    return Outcome.SAME_SHAPE, (
        "A fresh process has given an output of the live pipeline's type and shape; the model does not repeat its "
        "values."
    )


_LACKS_SOMETHING = (
    "The model repeats itself, so the package lacks something that the pipeline reads: a file, an environment "
    "variable, a global that other code has set."
)


def explain(reference: Reference) -> str:
    """Say what ``kedro run`` does to the values between nodes, and a model does not; empty when there is nothing."""
    from kedro_autolog_pipeline.rehearsal.comparison import first_difference

    found = []
    for name, stored in reference.stored.items():
        difference = first_difference(stored.saved, stored.loaded, ("saved", "loaded"))
        if difference is not None:
            found.append(_of_stored(name, stored, difference))
    if reference.hooks:
        found.append(
            f"'kedro run' calls the project's hooks around nodes and datasets ({', '.join(reference.hooks)}), and a "
            "model does not. Name their classes under 'hooks' for a model that calls them, or have a node do what they "
            "do to the data."
        )
    return " ".join(found)


def _of_stored(name: str, stored: Stored, difference: str) -> str:
    readers = ", ".join(f"'{reader}'" for reader in stored.readers)
    return (
        f"'kedro run' stores '{name}' by {stored.kind} before {readers} reads it, which changes it: {difference}. A "
        "model keeps it in memory. Have its node give what the dataset loads, or accept what the model makes of it by "
        f"'in_memory: [{name}]'."
    )


def _first_node(reference: Reference, trace: Mapping[str, Any]) -> str:
    """Name the first node whose output differs; empty when that is not known."""
    from kedro_autolog_pipeline.rehearsal.comparison import first_difference

    for name, written in reference.written.items():
        difference = first_difference(written.value, trace[name]) if name in trace else None
        if difference is not None:
            return f"It begins with node '{written.node}', in '{name}': {difference}. "
    return ""
