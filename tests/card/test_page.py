"""Tests of card.page."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import attrs
import pytest
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

from html_page import read_page
from kedro_autolog_pipeline.card.page import CARD_FILE, LARGEST, ModelCard
from kedro_autolog_pipeline.serving.manifest import (
    ArtifactEntry,
    CodeEntry,
    InputEntry,
    Manifest,
    NodeEntry,
    Origin,
    RequirementEntry,
)
from kedro_autolog_pipeline.serving.snapshots import SnapshotFormat
from kedro_autolog_pipeline.verification.proof import Answers, Outcome, Proof
from model_package import PROVENANCE

HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e\"'&"


@pytest.fixture
def card() -> ModelCard:
    """Make the card of a model with one of everything."""
    manifest = Manifest(
        format_version=2,
        name="prices",
        nodes=[
            NodeEntry("predict", "shop.nodes:predict", is_pickled=False, inputs=["rows", "model"], outputs="prices_out")
        ],
        inputs=[InputEntry("rows", Origin.REQUEST), InputEntry("model", Origin.TRAINED)],
        outputs=["prices_out"],
        parameters={"params:threshold": 0.5, "params:shape": {"a": [1]}},
        artifacts=[
            ArtifactEntry(
                "model", Origin.TRAINED, "p", {"type": "shop.data.ModelDataset"}, 1500, "ab" * 32, from_this_run=True
            ),
            ArtifactEntry(
                "words", Origin.REFERENCE, "q", {}, 7, "cd" * 32, from_this_run=False, snapshot=SnapshotFormat.JSON
            ),
        ],
        requirements=[RequirementEntry("scikit-learn==1.5", ["imported by shop.nodes", "loads 'model'"])],
        code=[CodeEntry("shop", "code/shop", ["the function of 'predict'"])],
        notes=["The label is open."],
        provenance=attrs.evolve(PROVENANCE, git_commit="0123abc", versions={"python": "3.11.7"}),
    )
    columns: list[Any] = [ColSpec(DataType.double, "x"), ColSpec(DataType.string, "y", required=False)]
    signature = ModelSignature(
        Schema(columns),
        Schema([ColSpec(DataType.double, "price")]),
        ParamSchema([ParamSpec("threshold", DataType.double, 0.5)]),
    )
    proof = Proof(
        Outcome.REPRODUCED,
        "A fresh process has reproduced it.",
        0.25,
        Answers(http="same", single_row="differs: 1 is 2", copied=("model",), example='{"x": [1.0]}'),
    )
    return ModelCard(manifest, signature, proof, ("shape",), {"rmse": 0.123456789}, "models:/m-1")


def test_the_card_tells_what_the_package_holds_and_what_was_proven(card: ModelCard, tmp_path: Path) -> None:
    """Each section says what it is for; links lead to a section."""
    card.write(tmp_path)

    page = read_page((tmp_path / CARD_FILE).read_text(encoding="utf-8"))

    texts = " ".join(page.texts)
    for expected in (
        "Proven. A clean process with just this package returned the same predictions as the live pipeline.",
        "The same over HTTP yes",
        "One row alone, as among others differs: 1 is 2",
        "Each call gets its own copy of model",
        "Remarks The label is open.",
        "x double yes y string no",
        "price double",
        'shape {"a": [1]} fixed threshold double 0.5',
        "model ModelDataset 1.5 kB this run abababababab",
        "words kept as json 7 B the catalog cdcdcdcdcdcd",
        "rmse 0.123457",
        "scikit- learn==1.5 imported by shop. nodes; loads 'model'",
        "shop the function of 'predict'",
        "mlflow.pyfunc.load_model('models:/m-1')",
        "curl http://127.0.0.1:5000/invocations",
        "git commit 0123abc",
        "python 3.11.7",
    ):
        assert expected in texts
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert all(link.startswith("#") for link in page.links)


def test_a_browser_may_run_and_load_nothing(card: ModelCard) -> None:
    """The page has no script, no style but its own, and a policy that would stop any other."""
    html = card.html()

    page = read_page(html)
    assert not {"script", "link", "img", "iframe", "form", "object"} & set(page.tags)
    assert not [name for name in page.attributes if name == "style" or name.startswith("on")]
    (style,) = re.findall("<style>(.*?)</style>", html, re.DOTALL)
    assert not re.findall(r"url\(|@import", style)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}';" in html


def test_names_of_others_are_only_text(card: ModelCard) -> None:
    """A dataset, a node, a column, a metric and a note may be named as they like."""
    manifest = attrs.evolve(
        card.manifest,
        nodes=[NodeEntry(HOSTILE, HOSTILE, is_pickled=True, inputs=[HOSTILE], outputs=HOSTILE + "2")],
        inputs=[InputEntry(HOSTILE, Origin.REQUEST)],
        parameters={f"params:{HOSTILE}": HOSTILE},
        artifacts=[ArtifactEntry(HOSTILE, Origin.TRAINED, "p", {"type": HOSTILE}, 1, "0", from_this_run=True)],
        requirements=[RequirementEntry(HOSTILE, [HOSTILE])],
        notes=[HOSTILE],
    )
    signature = ModelSignature(Schema([ColSpec(DataType.double, HOSTILE)]))
    hostile = attrs.evolve(card, manifest=manifest, signature=signature, metrics={HOSTILE: 1.0}, uri=HOSTILE)

    html = hostile.html()

    assert read_page(card.html()).attributes == read_page(html).attributes
    assert "<script" not in html
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_what_is_not_known_is_not_shown(card: ModelCard) -> None:
    """A model without signature, proof, parameters and metrics has no section of them."""
    bare = attrs.evolve(
        card,
        manifest=attrs.evolve(card.manifest, parameters={}, artifacts=[], notes=[]),
        signature=None,
        proof=Proof(Outcome.SKIPPED, "Not tried: the configuration says 'verify: false'.", 0.0),
        metrics={},
    )

    page = read_page(bare.html())

    texts = " ".join(page.texts)
    assert "Not proven. The configuration says 'verify: false'." in texts
    assert "rows not described" in texts
    assert "prices_out not described" in texts
    assert not {"parameters", "artifacts", "metrics"} & set(page.ids)
    assert "curl" not in texts


@pytest.mark.parametrize("length", [1, 1000])
def test_a_card_is_small_however_large_the_model_is(card: ModelCard, length: int) -> None:
    """Tables are cut, and say what they leave out."""
    long = "<" * length
    many = range(300)
    manifest = attrs.evolve(
        card.manifest,
        name="<" * length,
        nodes=[
            NodeEntry(f"{long}{i}", long, is_pickled=True, inputs=[f"{long}{i} {j}" for j in range(9)], outputs=f"{i}")
            for i in many
        ],
        inputs=[InputEntry(f"{long}{i} {j}", Origin.TRAINED) for i in many for j in range(9)],
        parameters={f"params:{long}{i}": long for i in many},
        requirements=[RequirementEntry(f"{long}{i}", [long]) for i in many],
        notes=[long] * 300,
    )
    signature = ModelSignature(Schema([ColSpec(DataType.double, f"{long}{i}") for i in many]))

    html = attrs.evolve(card, manifest=manifest, signature=signature, metrics={f"{long}{i}": 1.0 for i in many}).html()

    assert len(html.encode()) <= LARGEST
    assert "of 300 nodes" in html
    assert re.search(r"… and \d+ more\.", html)
