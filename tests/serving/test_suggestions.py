"""Tests of suggestions."""

from __future__ import annotations

import pytest

from kedro_autolog_pipeline.serving.suggestions import find_nearest, suggest


def test_the_nearest_name_is_suggested() -> None:
    """A slip of the finger is corrected, and a name that is like none is answered with all of them."""
    assert suggest("instnces", ["instances", "model"]) == "Did you mean 'instances'?"
    assert suggest("x", ["instances", "model"]) == "There are: 'instances', 'model'."
    assert suggest("x", ["instances"], "It reads") == "It reads: 'instances'."
    assert suggest("x", []) == "There are: none."
    assert suggest("x", ["instances"], listing=None) == ""


@pytest.mark.parametrize(
    ("written", "opposite"),
    [
        ("enable_tracking", "disable_tracking"),
        ("disabled", "enabled"),
        ("exclude_parameters", "include_parameters"),
        ("no_verify", "verify"),
        ("verify", "skip_verify"),
    ],
)
def test_the_opposite_is_never_suggested(written: str, opposite: str) -> None:
    """Who writes one does not mean the other, though nothing is spelt more like it; a slip in it is corrected."""
    assert find_nearest(written, [opposite]) is None
    assert find_nearest(f"{opposite}z", [opposite]) == opposite


def test_how_alike_two_names_must_be_can_be_told() -> None:
    """A name that would be suggested is not near enough where more is asked."""
    assert find_nearest("auto_pipes", ["autolog_pipeline"]) == "autolog_pipeline"
    assert find_nearest("auto_pipes", ["autolog_pipeline"], likeness=0.9) is None
