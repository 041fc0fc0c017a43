"""Tests of run.runtime_params."""

from __future__ import annotations

from typing import Any

import pytest

from kedro_autolog_pipeline.run.runtime_params import combined, lacking, split_by_reader, values_of

GIVEN = {"db": {"word": "w", "host": "h"}, "training": {"factor": 2, "deep": {"a": 1}}, "empty": {}}


@pytest.mark.parametrize(
    ("names", "kept", "others"),
    [
        ([], {}, ["db.word", "db.host", "training.factor", "training.deep.a", "empty"]),
        (["params:training"], {"training": GIVEN["training"]}, ["db.word", "db.host", "empty"]),
        (
            ["params:training.deep.a.b", "params:db.host", "table", "params:train"],
            {"db": {"host": "h"}, "training": {"deep": {"a": 1}}},
            ["db.word", "training.factor", "empty"],
        ),
        (["parameters"], GIVEN, []),
    ],
    ids=["nothing is read", "a branch", "a leaf, and within one", "all"],
)
def test_only_what_a_pipeline_reads_is_kept(names: list[str], kept: dict[str, Any], others: list[str]) -> None:
    """A name stands for all below it, and needs what is above it."""
    assert (kept, others) == split_by_reader(GIVEN, names)


def test_a_value_is_found_by_its_path() -> None:
    """What is not given has none."""
    assert {"db.word": "w", "training.deep.a": 1} == values_of(["db.word", "training.deep.a", "gone"], GIVEN)


def test_what_is_given_again_completes_what_was_kept() -> None:
    """Both are nested; what is given last counts."""
    kept, others = split_by_reader(GIVEN, ["params:training"])

    assert ["db.host", "empty"] == lacking(others, {"db": {"word": "w"}})
    assert {"training": {"factor": 3, "deep": {"a": 1}}, "db": {"word": "w"}} == combined(
        kept, {"training": {"factor": 3}, "db": {"word": "w"}}
    )
