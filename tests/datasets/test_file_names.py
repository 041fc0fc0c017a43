"""Tests of datasets.file_names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedro_autolog_pipeline.datasets.file_names import directory_name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ns.model@pickle", "ns.model@pickle"),
        ("../model", "~2e.~2fmodel"),
        ("..", "~2e~2e"),
        ("/etc", "~2fetc"),
        ("C:model", "~43~3amodel"),
        ("a\0b", "a~00b"),
        ("a\\b", "a~5cb"),
        ("Model", "~4dodel"),
        ("con", "~63on"),
        ("nul.txt", "~6eul.txt"),
        ("é", "~c3~a9"),
        ("~4dodel", "~7e4dodel"),
    ],
)
def test_a_name_stays_in_its_place(name: str, expected: str) -> None:
    """What means something to a file system is written in another way."""
    assert expected == directory_name(name)


@given(st.lists(st.text(min_size=1), min_size=2, max_size=2, unique=True))
def test_two_names_never_share_a_directory(names: list[str]) -> None:
    """Not even where upper case is the same as lower case."""
    first, second = (directory_name(name).casefold() for name in names)
    assert first != second
