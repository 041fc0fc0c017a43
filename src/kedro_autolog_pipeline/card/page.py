"""Write ``model_card.html``: all that a package says of itself, for a person who opens it in any browser."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar
from xml.etree.ElementTree import Element

import attrs

from kedro_autolog_pipeline.card.elements import element, shortened, to_html
from kedro_autolog_pipeline.card.picture import Kind, Picture, datasets_of, draw_pipeline
from kedro_autolog_pipeline.pairing.parameters import callers_name
from kedro_autolog_pipeline.preflight.candidates import shown_size
from kedro_autolog_pipeline.rehearsal.signature import type_name
from kedro_autolog_pipeline.serving.manifest import (
    ArtifactEntry,
    CodeEntry,
    Manifest,
    Names,
    NodeEntry,
    RequirementEntry,
)
from kedro_autolog_pipeline.verification.proof import HEADLINES, Outcome, Proof

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

CARD_FILE = "model_card.html"
"""Where the card is in a package."""

LARGEST = 100_000
"""Bytes that a card has at most."""

_STYLE_FILE = Path(__file__).with_name("style.css")

# Rows of a table, and fewer until the card is small enough.
_ROWS = (30, 10, 3, 1)

_LONGEST_NAME = 160

# A name of this length fits in one line of a phone.
_SHORT_NAME = 16

_LONGEST_TEXT = 600

_LEGEND = {
    Kind.REQUEST: "request",
    Kind.ARTIFACT: "artifact",
    Kind.PARAMETER: "parameter",
    Kind.NODE: "node",
    Kind.DATASET: "between two nodes",
    Kind.OUTPUT: "output",
}

# Where a long name may go on in the next line: after a separator before a letter.
_PARTS = re.compile(r"(?<=[._:/;,=\[\]-])(?=[^\W\d])")

_Cell: TypeAlias = Element | str

_Thing = TypeVar("_Thing")


@attrs.frozen
class ModelCard:
    """What is known of a model before its package is sealed.

    Attributes:
        manifest: What its package says of itself.
        signature: Its signature; None for a model without one.
        proof: What was proven of it.
        fixed_parameters: Parameters that a caller cannot change, as a caller would name them.
        metrics: The run's metrics.
        uri: What ``mlflow.pyfunc.load_model`` takes.
    """

    manifest: Manifest
    signature: ModelSignature | None
    proof: Proof
    fixed_parameters: tuple[str, ...]
    metrics: Mapping[str, float]
    uri: str

    def write(self, package: Path) -> None:
        """Write it into a package, which is not sealed yet.

        Raises:
            OSError: When it cannot be written.
        """
        (package / CARD_FILE).write_text(self.html(), encoding="utf-8", newline="\n")

    def html(self) -> str:
        """Return it as one page that needs nothing else and runs nothing."""
        picture, page = draw_pipeline(self.manifest), ""
        for rows in _ROWS:
            page = to_html(self._page(picture, rows))
            if len(page.encode()) <= LARGEST:
                break
        return page

    def _page(self, picture: Picture, rows: int) -> Element:
        sections = {
            title: content
            for title, content in (
                ("Pipeline", self._pipeline(picture, rows)),
                ("Proof", self._proof(rows)),
                ("Schema", self._schema(rows)),
                ("Parameters", self._parameters(rows)),
                ("Artifacts", self._artifacts(rows)),
                ("Metrics", self._metrics(rows)),
                ("Requirements", self._requirements(rows)),
                ("Use", self._use()),
                ("Provenance", self._provenance()),
            )
            if content
        }
        is_proven = self.proof.outcome is not Outcome.SKIPPED
        style = _STYLE_FILE.read_text(encoding="utf-8")
        return element(
            "html",
            element(
                "head",
                element("meta", charset="utf-8"),
                element("meta", http_equiv="Content-Security-Policy", content=_policy(style)),
                element("meta", name="viewport", content="width=device-width, initial-scale=1"),
                element("title", shortened(self.manifest.name, _LONGEST_NAME)),
                element("style", style),
            ),
            element(
                "body",
                element(
                    "header",
                    element("h1", shortened(self.manifest.name, _LONGEST_NAME)),
                    element("div", element("code", self.uri), class_="quiet"),
                    element(
                        "p",
                        element("strong", "Proven." if is_proven else "Not proven."),
                        f" {_VERDICTS[self.proof.outcome]}",
                        class_="verdict proven" if is_proven else "verdict",
                    ),
                    element(
                        "nav",
                        *(element("a", title, href=f"#{title.lower()}") for title in sections),
                        aria_label="Sections",
                    ),
                ),
                element(
                    "main",
                    *(
                        element(
                            "section", element("h2", title, id=title.lower()), *content, aria_labelledby=title.lower()
                        )
                        for title, content in sections.items()
                    ),
                ),
            ),
            lang="en",
        )

    def _pipeline(self, picture: Picture, rows: int) -> list[Element]:
        legend = element(
            "ul",
            *(element("li", text, class_=kind.value) for kind, text in _LEGEND.items() if kind in picture.kinds),
            class_="legend",
        )
        frame = element(
            "div",
            picture.svg,
            class_="wide picture",
            tabindex="0",
            role="region",
            aria_label="Picture of the pipeline",
        )
        left_out = [] if picture.left_out is None else [element("p", picture.left_out, class_="quiet")]

        def cells(node: NodeEntry) -> tuple[_Cell, ...]:
            return _noted(node.name, _name(node.function)), _names(node.inputs), _names(node.outputs)

        nodes = _table(("node", "reads", "gives"), self.manifest.nodes, cells, rows, class_="even")
        return [frame, legend, *left_out, *nodes]

    def _proof(self, rows: int) -> list[Element]:
        proof = self.proof
        lines = [(question, shortened(answer, _LONGEST_TEXT)) for question, answer in proof.answers.by_question.items()]
        if proof.answers.copied:
            lines.append(("Each call gets its own copy of", ", ".join(proof.answers.copied)))
        if proof.outcome is not Outcome.SKIPPED:
            lines.append(("Seconds that packaging waited for it", f"{proof.seconds:.2f}"))
        found = [
            element("p", shortened(proof.detail, _LONGEST_TEXT)),
            *_table(("what was asked", "answer"), lines, tuple, rows),
        ]
        notes = self.manifest.notes
        if notes:
            shown = [element("li", shortened(note, _LONGEST_TEXT)) for note in notes[:rows]]
            found += [element("h3", "Remarks"), element("ul", *shown), *_more(len(notes) - rows)]
        return found

    def _schema(self, rows: int) -> list[Element]:
        signature = self.signature
        inputs = [] if signature is None or signature.inputs is None else signature.inputs.inputs
        outputs = [] if signature is None or signature.outputs is None else signature.outputs.inputs

        def cells(column: Any) -> tuple[_Cell, ...]:
            return _column(column), type_name(column), "yes" if getattr(column, "required", True) else "no"

        def undescribed(name: str) -> tuple[_Cell, ...]:
            return _name(name), "not described"

        given, answered = ("input", "type", "required"), ("output", "type")
        return [
            *(_table(given, inputs, cells, rows) or _table(given[:2], self.manifest.request_inputs, undescribed, rows)),
            *(
                _table(answered, outputs, lambda column: cells(column)[:2], rows)
                or _table(answered, self.manifest.outputs, undescribed, rows)
            ),
        ]

    def _parameters(self, rows: int) -> list[Element]:
        params = None if self.signature is None else self.signature.params
        specs = {spec.name: spec for spec in (params or [])}
        values = {callers_name(name): value for name, value in self.manifest.parameters.items()}
        values |= {name: spec.default for name, spec in specs.items()}

        def cells(name: str) -> tuple[_Cell, ...]:
            kind = type_name(specs[name]) if name in specs else ""
            return _name(name), kind, _value(values[name]), "fixed" if name in self.fixed_parameters else ""

        return _table(("parameter", "type", "value", ""), sorted(values), cells, rows)

    def _artifacts(self, rows: int) -> list[Element]:
        def cells(entry: ArtifactEntry) -> tuple[_Cell, ...]:
            digest = element("code", entry.sha256[:12], title=entry.sha256)
            return _noted(entry.name, _format(entry)), shown_size(entry.size), entry.source, digest

        return _table(("artifact", "size", "from", "SHA-256"), self.manifest.artifacts, cells, rows)

    def _metrics(self, rows: int) -> list[Element]:
        def cells(name: str) -> tuple[_Cell, ...]:
            return _name(name), f"{self.metrics[name]:.6g}"

        return _table(("metric of the run", "value"), sorted(self.metrics), cells, rows)

    def _requirements(self, rows: int) -> list[Element]:
        def required(entry: RequirementEntry) -> tuple[_Cell, ...]:
            return _name(entry.requirement), _reasons(entry.reasons)

        def shipped(entry: CodeEntry) -> tuple[_Cell, ...]:
            return _name(entry.module), _reasons(entry.reasons)

        return [
            *_table(("requirement", "why"), self.manifest.requirements, required, rows),
            *_table(("code in the package", "why"), self.manifest.code, shipped, rows),
        ]

    def _use(self) -> list[Element]:
        found = [element("pre", f"import mlflow\n\nmodel = mlflow.pyfunc.load_model({self.uri!r})")]
        request = self.proof.answers.example
        if request is not None and len(request) <= 10 * _LONGEST_TEXT:
            serve = shlex.join(["mlflow", "models", "serve", "--model-uri", self.uri, "--env-manager", "local"])
            post = "curl http://127.0.0.1:5000/invocations -H 'Content-Type: application/json' -d "
            found += [
                element("pre", serve),
                element("p", "A request that it has answered; the values are made up:"),
                element("pre", post + shlex.quote(request)),
            ]
        return found

    def _provenance(self) -> list[Element]:
        found = self.manifest.provenance
        lines = {
            "MLflow run": found.run_id,
            "Kedro run": found.kedro_run_id,
            "training pipeline": found.training_pipeline,
            "inference pipeline": found.inference_pipeline,
            "git commit": found.git_commit or "none: no git checkout",
            "packaged at": found.created_at,
            **found.versions,
            "format of the package": f"{self.manifest.format_version}",
        }
        return _table((), list(lines.items()), lambda line: (line[0], _name(line[1])), len(lines))


_VERDICTS = HEADLINES | {Outcome.SKIPPED: "The configuration says 'verify: false'."}


def _policy(style: str) -> str:
    """Return the rule by which a browser shows the page's own style, and loads and runs nothing at all."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _table(
    head: Sequence[str],
    things: Sequence[_Thing],
    cells: Callable[[_Thing], Sequence[_Cell]],
    rows: int,
    **attributes: str,
) -> list[Element]:
    """Return a table of the first things, and how many more there are; empty without any.

    Args:
        head: Titles of the columns; empty for none.
        things: What has a row each.
        cells: Makes the cells of one.
        rows: How many are shown.
        attributes: The table's attributes.
    """
    if not things:
        return []
    body = element("tbody", *(element("tr", *(element("td", cell) for cell in cells(each))) for each in things[:rows]))
    top = [element("thead", element("tr", *(element("th", title, scope="col") for title in head)))] if head else []
    return [element("table", *top, body, **attributes), *_more(len(things) - rows)]


def _more(number: int) -> list[Element]:
    return [element("p", f"… and {number} more.", class_="quiet")] if number > 0 else []


def _name(text: str) -> Element:
    return element("code", *_breakable(shortened(text, _LONGEST_NAME)))


def _noted(name: str, note: Element | str) -> Element:
    """Return a name with a note below it."""
    return element("div", _name(name), element("div", note, class_="quiet"))


def _names(names: Names) -> Element:
    return element("code", *_breakable(shortened(", ".join(datasets_of(names)), _LONGEST_TEXT)))


def _breakable(text: str) -> Iterator[Element | str]:
    """Give a name in parts, between which a line may end: a browser would break it anywhere."""
    first, *others = [text] if len(text) <= _SHORT_NAME else _PARTS.split(text)
    yield first
    for part in others:
        yield element("wbr")
        yield part


def _column(spec: Any) -> Element:
    return _name("(no name)" if spec.name is None else str(spec.name))


def _value(value: Any) -> Element:
    return element("code", shortened(json.dumps(value, default=str), _LONGEST_NAME))


def _format(entry: ArtifactEntry) -> str:
    """Return in which form an artifact is kept, as a person reads it."""
    if entry.snapshot is not None:
        return f"kept as {entry.snapshot.value}"
    return f"{entry.dataset.get('type', '')}".rpartition(".")[-1]


def _reasons(reasons: Iterable[str]) -> Element:
    """Return reasons as one text, in which what several begin with is said once: ``imported by shop, shop.nodes``."""
    by_phrase: dict[str, list[str]] = {}
    for reason in reasons:
        phrase, _, last = reason.rpartition(" ")
        by_phrase.setdefault(phrase, []).append(last)
    text = "; ".join(f"{phrase} {', '.join(lasts)}".strip() for phrase, lasts in by_phrase.items())
    return element("span", *_breakable(shortened(text, _LONGEST_TEXT)))
