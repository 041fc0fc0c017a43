"""The check of what users read finds what is not plain, and takes code for none of it."""

from __future__ import annotations

import pytest

from docs.hooks.prose import LONGEST_SENTENCE, long_sentences, poor_messages, poor_words

LONG = "word " * LONGEST_SENTENCE + "word."


@pytest.mark.parametrize(
    ("line", "page"),
    [(3, f"Short.\n\n{LONG}\n"), (3, f"# Title\n\n- {LONG}\n"), (7, f"One.\n\n```text\n.\n```\n\n{LONG}")],
)
def test_a_long_sentence_is_found_with_its_line(line: int, page: str) -> None:
    """In a paragraph, in a list, and after an example."""
    ((found, fault),) = long_sentences(page)

    assert line == found
    assert fault.startswith(f"a sentence of {LONGEST_SENTENCE + 1} words")


@pytest.mark.parametrize(
    "page", [f"```text\n{LONG}\n```\n", f"| {LONG} |\n", f"<!-- {LONG} -->\n", "- word word\n" * LONGEST_SENTENCE]
)
def test_code_tables_and_lists_are_no_sentences(page: str) -> None:
    """What is not read as a sentence may be long."""
    assert [] == list(long_sentences(page))


@pytest.mark.parametrize(
    ("line", "text"),
    [(2, "First.\nIt works all the same."), (1, "# It works all\n# the same"), (1, "It works all\n  the same")],
)
def test_a_phrase_is_found_where_a_line_is_broken(line: int, text: str) -> None:
    """In a sentence, a comment and a list."""
    ((found, fault),) = poor_words(text)

    assert line == found
    assert fault.endswith("write 'anyway'")


def test_a_message_is_read_and_what_explains_code_is_not() -> None:
    """A message is found where it is put together, and a docstring or a comment is for those who write code."""
    source = '''def f(x):
    """It works all the same."""
    # It works all the same.
    return f"{x} works all " "the same."
'''

    assert [(4, "'all the same': write 'anyway'")] == list(poor_messages(source))
