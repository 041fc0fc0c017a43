"""Describe a model in Markdown, for its page in MLflow's UI."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import attrs

from kedro_autolog_pipeline.lifecycle.announcements import serve_command
from kedro_autolog_pipeline.preflight.candidates import shown_size
from kedro_autolog_pipeline.rehearsal.signature import type_name
from kedro_autolog_pipeline.rehearsal.skew import SkewReport
from kedro_autolog_pipeline.serving.manifest import ArtifactEntry, Manifest
from kedro_autolog_pipeline.serving.tracing import TRACE_VARIABLE
from kedro_autolog_pipeline.tracking.run_inputs import RunInput
from kedro_autolog_pipeline.tracking.store import Store
from kedro_autolog_pipeline.tracking.tags import TAG_LENGTH
from kedro_autolog_pipeline.verification.proof import HEADLINES, Outcome, Proof

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

# Rows of a table, the most that still fit onto one screen first; and fewer until the whole fits into a tag.
_ROWS = (12, 6, 3, 0)

# Lines of what a process wrote.
_LOG_LINES = 20

# Characters of a parameter's value.
_LONGEST_VALUE = 60

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|#!~$])")


@attrs.frozen
class Description:
    """What is known of a READY model.

    Attributes:
        manifest: What its package says of itself.
        signature: Its signature; None for a model without one.
        proof: What was proven of it.
        store: Where it is.
        refusal: Why its version has not got its alias, going on from "it is"; None where nothing refused it.
        skew: What a comparison with training has shown; None when there was none.
        trained_on: What its run has read to train it.
    """

    manifest: Manifest
    signature: ModelSignature | None
    proof: Proof
    store: Store
    refusal: str | None = None
    skew: SkewReport | None = None
    trained_on: tuple[RunInput, ...] = ()

    def markdown(self, uri: str) -> str:
        """Return it as Markdown that fits into a tag.

        Args:
            uri: What ``mlflow.pyfunc.load_model`` takes.
        """
        texts = ("\n\n".join(self._sections(uri, rows)) for rows in _ROWS)
        return next((text for text in texts if len(text) <= TAG_LENGTH), "\n\n".join(self._proof()))[:TAG_LENGTH]

    def _sections(self, uri: str, rows: int) -> Iterator[str]:
        yield from self._proof()
        if self.trained_on and rows:
            read = [f"{_code(each.name)} (digest {_code(each.digest)})" for each in self.trained_on]
            more = f" and {len(read) - rows} more" if len(read) > rows else ""
            yield f"**Trained on** {', '.join(read[:rows])}{more}."
        if self.refusal is not None:
            yield f"**{_text(self.refusal[:1].upper())}{_text(self.refusal[1:])}**"
        notes = self.manifest.notes[: rows or 1]
        if notes:
            yield "**Remarks**\n\n" + "\n".join(f"- {_text(note)}" for note in notes)
        yield from self._table("Inputs", ("column", "type", ""), self._inputs(), rows)
        yield from self._table("Parameters", ("name", "type", "default"), self._parameters(), rows)
        artifacts = map(self._artifact, self.manifest.artifacts)
        yield from self._table("Artifacts", ("dataset", "size", "from"), artifacts, rows)
        yield from self._use(uri)

    def _proof(self) -> Iterator[str]:
        yield f"**{'READY' if self.proof.outcome is Outcome.SKIPPED else 'Proven'}.** {HEADLINES[self.proof.outcome]}"
        answered = self.proof.answers.by_question
        if self.skew is not None and self.skew.why_nothing is None:
            answered["Skew"] = str(self.skew)
        if answered:
            yield "\n".join(f"- {question}: {_text(answer)}" for question, answer in answered.items())

    def _inputs(self) -> Iterator[tuple[str, ...]]:
        if not self._columns:
            yield from ((_code(name), "anything that the pipeline reads", "") for name in self.manifest.request_inputs)
        for column in self._columns:
            name = "(no name)" if column.name is None else column.name
            yield _code(name), _code(type_name(column)), "" if getattr(column, "required", True) else "optional"

    def _parameters(self) -> Iterator[tuple[str, ...]]:
        params = None if self.signature is None else self.signature.params
        for each in [] if params is None else params:
            yield _code(each.name), _code(type_name(each)), _code(_shortened(each.default))

    def _artifact(self, entry: ArtifactEntry) -> tuple[str, ...]:
        return _code(entry.name), shown_size(entry.size), entry.source

    @staticmethod
    def _table(title: str, head: tuple[str, ...], lines: Iterable[tuple[str, ...]], rows: int) -> Iterator[str]:
        found = list(lines)
        if not found or not rows:
            return
        shown = [f"| {' | '.join(line)} |" for line in (head, ("---",) * len(head), *found[:rows])]
        more = [] if len(found) <= rows else [f"\n… and {len(found) - rows} more."]
        yield f"**{title}**\n\n" + "\n".join([*shown, *more])

    def _use(self, uri: str) -> Iterator[str]:
        """Tell how to load, serve and ask it, as text to be pasted."""
        request = self.proof.answers.example
        yield "**Load it**\n\n" + _block("python", self.python(uri))
        command = _block("bash", serve_command(uri, self.store))
        yield f"**Serve it** where its requirements are installed\n\n{command}"
        if request is not None:
            address = "http://127.0.0.1:5000/invocations"
            post = f"curl {address} -H 'Content-Type: application/json' -d {shlex.quote(request)}"
            yield "**Ask it**; the values are made up\n\n" + _block("bash", post)
        if self._columns and self._columns[0].name is not None:
            yield "In Spark, give `mlflow.pyfunc.spark_udf` one struct: `predict(F.struct(*columns))`."
        yield (
            f"With `{TRACE_VARIABLE}=true` in the environment that loads it, each prediction is a trace in MLflow, "
            "with a span for each node."
        )

    def python(self, uri: str) -> str:
        """Return Python that loads it, and asks it where a request is known that it answers."""
        request = self.proof.answers.example
        lines = ["import mlflow", "", f"mlflow.set_tracking_uri({self.store.public_uri!r})"]
        lines += [f"model = mlflow.pyfunc.load_model({uri!r})"]
        if request is not None:
            split = json.loads(request)["dataframe_split"]
            (row,) = split["data"]
            lines.insert(1, "import pandas as pd")
            values = dict(zip(split["columns"], row, strict=True))
            rows = f"pd.DataFrame([{values!r}])"
            dates = [column.name for column in self._columns if type_name(column) == "datetime"]
            if dates:
                rows += f".astype({dict.fromkeys(dates, 'datetime64[ns]')!r})"
            lines += [f"model.predict({rows})"]
        return "\n".join(lines)

    @property
    def _columns(self) -> list[Any]:
        """The columns or tensors of the signature's inputs; empty without one."""
        inputs = None if self.signature is None else self.signature.inputs
        return [] if inputs is None else inputs.inputs


def describe_failure(reason: str, retry_command: str, log: str = "") -> str:
    """Describe a FAILED model.

    Args:
        reason: What could not be done, and why.
        retry_command: The command that packages its run again.
        log: What the process that was to prove it wrote, of which the end is kept.
    """
    end = f"\n\nTo package the run again without training:\n\n{_block('bash', retry_command)}"
    start = f"**FAILED.** {_text(reason)}"[: TAG_LENGTH - len(end)] + end
    # The last lines of a log say the most. No text in it may close the block.
    lines = log.replace("```", "'''").rstrip().splitlines()[-_LOG_LINES:]
    block = "\n\nThe process wrote:\n\n" + _block("text", "\n".join(lines))
    return start + block if lines and len(start) + len(block) <= TAG_LENGTH else start


def _shortened(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def _text(text: str) -> str:
    """Return a text as Markdown shows it: nothing in it is markup, and it is one paragraph."""
    return _MARKDOWN.sub(
        lambda found: {"<": "&lt;", ">": "&gt;"}.get(found[1], f"\\{found[1]}"), " ".join(text.split())
    )


def _code(text: str) -> str:
    """Return a name as code, in a table too."""
    return f"`{' '.join(text.split()).replace('`', chr(39)).replace('|', chr(92) + '|')}`"


def _block(language: str, text: str) -> str:
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
    return f"{fence}{language}\n{text}\n{fence}"
