"""Tests of lifecycle.description."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

from kedro_autolog_pipeline.lifecycle.description import Description, describe_failure
from kedro_autolog_pipeline.serving.manifest import (
    FORMAT_VERSION,
    ArtifactEntry,
    InputEntry,
    Manifest,
    Origin,
    Provenance,
)
from kedro_autolog_pipeline.tracking.run_inputs import TRAINING, RunInput
from kedro_autolog_pipeline.tracking.store import Store
from kedro_autolog_pipeline.tracking.tags import TAG_LENGTH
from kedro_autolog_pipeline.verification.proof import Answers, Outcome, Proof

URI = "models:/m-1"
EXAMPLE = '{"dataframe_split": {"columns": ["it\'s", "when"], "data": [[1.0, "2024-01-01T00:00:00"]]}}'


def artifact(name: str, origin: Origin, *, from_this_run: bool) -> ArtifactEntry:
    """Make the entry of an artifact."""
    return ArtifactEntry(name, origin, f"artifacts/{name}", {}, 1500, "0" * 64, from_this_run)


@pytest.fixture
def description() -> Description:
    """Describe a model with one of everything."""
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        name="prices",
        nodes=[],
        inputs=[InputEntry("instances", Origin.REQUEST)],
        outputs=["predictions"],
        parameters={},
        artifacts=[
            artifact("model", Origin.TRAINED, from_this_run=True),
            artifact("encoder", Origin.TRAINED, from_this_run=False),
            artifact("<script>|`words`", Origin.REFERENCE, from_this_run=False),
        ],
        requirements=[],
        code=[],
        notes=["Column <b>x_y</b> is\nopen."],
        provenance=Provenance("run", "training", "inference", "kedro", None, "2026-11-26T14:03:00Z", {}),
    )
    columns: list[Any] = [
        ColSpec(DataType.double, "it's"),
        ColSpec(DataType.datetime, "when", required=False),
    ]
    params = ParamSchema([ParamSpec("threshold", DataType.string, "x" * 100)])
    answers = Answers(http="same", single_row="differs: row 0: 1 is 2", example=EXAMPLE)
    proof = Proof(Outcome.REPRODUCED, "It is.", 0.1, answers)
    return Description(
        manifest,
        ModelSignature(Schema(columns), params=params),
        proof,
        Store("sqlite:////shop/my db.sqlite", None, None),
    )


def test_a_ready_model_is_described_from_its_proof_to_the_commands_that_use_it(description: Description) -> None:
    """Names of others are no markup, long values are cut, and what is pasted is quoted."""
    lines = description.markdown(URI).splitlines()

    assert lines[0] == (
        "**Proven.** A clean process with just this package returned the same predictions as the live pipeline."
    )
    assert {
        "- The same over HTTP: yes",
        "- One row alone, as among others: differs: row 0: 1 is 2",
        "- Column &lt;b&gt;x\\_y&lt;/b&gt; is open.",
        "| `it's` | `double` |  |",
        "| `when` | `datetime` | optional |",
        f'| `threshold` | `string` | `"{"x" * 59}…` |',
        "| `model` | 1.5 kB | this run |",
        "| `encoder` | 1.5 kB | an earlier run |",
        "| `<script>\\|'words'` | 1.5 kB | the catalog |",
        "MLFLOW_TRACKING_URI='sqlite:////shop/my db.sqlite' "
        "mlflow models serve --model-uri models:/m-1 --env-manager local",
        """model.predict(pd.DataFrame([{"it's": 1.0, 'when': '2024-01-01T00:00:00'}])"""
        ".astype({'when': 'datetime64[ns]'}))",
        "In Spark, give `mlflow.pyfunc.spark_udf` one struct: `predict(F.struct(*columns))`.",
        "With `ENABLE_MLFLOW_TRACING=true` in the environment that loads it, each prediction is a trace in MLflow, "
        "with a span for each node.",
    } <= set(lines)


def test_what_is_not_known_is_not_described(description: Description) -> None:
    """A model without a signature takes what its pipeline reads; without an example, no request is shown."""
    proof = attrs.evolve(description.proof, outcome=Outcome.SKIPPED, answers=Answers())

    text = attrs.evolve(description, signature=None, proof=proof).markdown(URI)

    assert text.startswith("**READY.** Not proven: the configuration says 'verify: false'.\n\n**Remarks**")
    assert "| `instances` | anything that the pipeline reads |  |" in text
    assert "curl" not in text
    assert "spark_udf" not in text
    assert "Parameters" not in text


@pytest.mark.parametrize("number", [13, 400])
def test_a_large_model_is_described_on_one_screen(description: Description, number: int) -> None:
    """What is left out is counted, and the whole fits into a tag whatever the names are."""
    schema = Schema([ColSpec(DataType.double, f"column {place}" * 10) for place in range(number)])
    small = attrs.evolve(description, signature=ModelSignature(schema)).markdown(URI)
    request = attrs.evolve(description.proof, answers=Answers(example=EXAMPLE.replace("it's", "x" * TAG_LENGTH)))
    large = attrs.evolve(description, proof=request).markdown(URI)

    assert f"… and {number - 12} more." in small
    assert len(small) <= TAG_LENGTH
    assert "**Proven.** A clean process" in large
    assert len(large) <= TAG_LENGTH


def test_a_failed_model_says_why_and_how_it_is_tried_again() -> None:
    """However long the reason is, the command is whole."""
    text = describe_failure("Cannot prove 'prices': a <b> " + "x" * TAG_LENGTH, "kedro autolog package --run-id 1")

    assert text.startswith("**FAILED.** Cannot prove 'prices': a &lt;b&gt; xxx")
    assert text.endswith("```bash\nkedro autolog package --run-id 1\n```")
    assert TAG_LENGTH == len(text)


def test_a_failed_model_shows_the_end_of_what_its_process_wrote() -> None:
    """After the command, as lines, which nothing in them can end; what is too long for a tag is left out."""
    log = "\n".join([*(f"line {number}" for number in range(99)), "```", "ValueError"])

    text = describe_failure("Cannot prove it.", "kedro autolog package", log)

    start, written = text.split("\n\nThe process wrote:\n\n")
    assert start == describe_failure("Cannot prove it.", "kedro autolog package")
    assert written.startswith("```text\nline 81\n")
    assert written.endswith("\nline 98\n'''\nValueError\n```")
    assert start == describe_failure("Cannot prove it.", "kedro autolog package", "x" * TAG_LENGTH)


def test_what_it_was_trained_on_is_named_as_far_as_there_is_room(description: Description) -> None:
    """Each dataset by its name and its digest; of very many, the first."""
    read = tuple(RunInput(f"part_{n}", f"d{n}", "code", "{}", None, None, TRAINING) for n in range(14))

    few, many = (attrs.evolve(description, trained_on=read[:count]).markdown(URI) for count in (1, 14))

    assert "**Trained on** `part_0` (digest `d0`)." in few
    assert "`part_11` (digest `d11`) and 2 more." in many
