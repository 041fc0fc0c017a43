"""Check that what users read is plain: sentences that are not too long, and no phrase that reads like a translation.

`make lint` runs it. A fault is printed with its file and line, and the exit code is 1.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

LONGEST_SENTENCE = 36
"""Words that a sentence of a page may have."""

BETTER_WORDS = {
    r"\ball the same": "anyway",
    r"anybody could tell": "copy only what a node modifies",
    r"has told nobody": "left no record",
    r"no input is free": "every input already has a source",
    r"nothing tells\b": "no record shows",
    r"nothing too much": "nothing extra",
    r"\bthereof\b|\btherein\b|\bwherein\b|\bhereby\b|\bwhatsoever\b": "plain words",
    r"\butili[sz]e": "use",
    r"\bin order to\b": "to",
    r"\bleverag": "use",
    r"\bseamless": "say what happens",
    r"\bsimply\b|\bjust works\b|\beffortless": "leave it out",
}
"""What a user should not read, as a pattern, and what to write instead."""

_PAGES = ("README.md", "docs/**/*.md")
_TEXTS = ("CHANGELOG.md", "conf_example/**/*.yml")
_MESSAGES = "src/**/*.py"


def faults() -> Iterator[str]:
    """Find what is not plain in the repository, one line for each fault."""
    for pattern in _PAGES:
        for file in sorted(ROOT.glob(pattern)):
            text = file.read_text(encoding="utf-8")
            where = file.relative_to(ROOT)
            yield from (f"{where}:{line}: {fault}" for line, fault in (*long_sentences(text), *poor_words(text)))
    for pattern in _TEXTS:
        for file in sorted(ROOT.glob(pattern)):
            where = file.relative_to(ROOT)
            yield from (f"{where}:{line}: {fault}" for line, fault in poor_words(file.read_text(encoding="utf-8")))
    for file in sorted(ROOT.glob(_MESSAGES)):
        where = file.relative_to(ROOT)
        yield from (f"{where}:{line}: {fault}" for line, fault in poor_messages(file.read_text(encoding="utf-8")))


def long_sentences(page: str) -> Iterator[tuple[int, str]]:
    """Find the sentences of a Markdown page that are too long; code, tables and comments are none.

    Args:
        page: Its text.

    Yields:
        The line where the sentence's paragraph begins, and what is wrong.
    """
    for line, paragraph in _paragraphs(page):
        # The address of a link is not read, nor is the end of a sentence in code.
        text = re.sub(r"\]\([^)]*\)", "]", re.sub(r"`[^`]*`", "code", paragraph))
        for sentence in re.split(r"(?<=[.!?:;])[\"')*]*\s+", text):
            words = len(re.findall(r"\w[\w'-]*", sentence))
            if words > LONGEST_SENTENCE:
                yield line, f"a sentence of {words} words; {LONGEST_SENTENCE} are enough: {sentence[:60]}…"


def poor_words(text: str) -> Iterator[tuple[int, str]]:
    """Find phrases that have a plainer form.

    Args:
        text: Of any file; a phrase is found where a line is broken too.

    Yields:
        The line of the phrase, and what is better.
    """
    for pattern, better in BETTER_WORDS.items():
        for found in re.finditer(pattern.replace(" ", r"\s+(?:#\s+)?"), text, re.IGNORECASE):
            line = text.count("\n", 0, found.start()) + 1
            yield line, f"'{' '.join(found[0].split())}': write '{better}'"


def poor_messages(source: str) -> Iterator[tuple[int, str]]:
    """Find the same in the texts of a module, such as messages and the help of commands; not in what explains its code.

    Args:
        source: The module.

    Yields:
        The line where the text begins, and what is better.
    """
    tree = ast.parse(source)
    explained = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, explained) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield from ((node.lineno, fault) for _, fault in poor_words(node.value))


def _paragraphs(page: str) -> Iterator[tuple[int, str]]:
    without_code = re.sub(
        r"```.*?```|<!-- \w+: begin -->.*?<!-- \w+: end -->|<!--.*?-->",
        lambda found: "\n" * found[0].count("\n"),
        page,
        flags=re.DOTALL,
    )
    lines: list[str] = []
    for number, line in enumerate([*without_code.splitlines(), ""], start=1):
        is_item = re.match(r"\s*(?:[-*]|\d+\.)\s", line) is not None
        if not line.strip() or is_item or line.startswith(("|", "#")):
            if lines:
                yield number - len(lines), " ".join(lines)
            lines = []
        if line.strip() and not line.startswith(("|", "#")):
            lines.append(line.strip())


if __name__ == "__main__":
    found = list(faults())
    sys.stderr.writelines(f"{fault}\n" for fault in found)
    sys.exit(1 if found else 0)
