"""Tests of card.elements."""

from __future__ import annotations

import pytest

from html_page import read_page
from kedro_autolog_pipeline.card.elements import element, shortened, to_html


def test_text_is_text_wherever_it_stands() -> None:
    """Between elements, in an attribute, and when it looks like markup."""
    text = "<script>&\"'</div>"

    page = read_page(to_html(element("div", text, element("b", text), text, title=text, aria_label=text)))

    assert ["div", "b"] == page.tags
    assert [text] * 3 == page.texts
    assert {"title", "aria-label"} == page.attributes


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x00b\x1b[31m", r"a\x00b\x1b[31m"),
        ("gpj\u202eexe", r"gpj\u202eexe"),
        ("half \ud83d", r"half \ud83d"),
        ("two\nlines", "two\nlines"),
        ("née 価格 🐧", "née 価格 🐧"),
        ("git+https://me:secret@host/x", "git+https://host/x"),
    ],
)
def test_what_is_not_shown_is_spelt_out(text: str, shown: str) -> None:
    """A control character, one that turns the text around it, and half a character are seen; a password is not."""
    made = to_html(element("p", text))

    assert [shown] == read_page(made).texts
    assert made.encode().decode() == made


def test_a_long_text_keeps_both_ends() -> None:
    """It is no longer than was asked."""
    assert "abcdef" == shortened("abcdef", 6)
    assert "abc…gh" == shortened("abcdefgh", 6)
