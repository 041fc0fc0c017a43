"""Each example of README and documentation is of a form that its reader's tools accept."""

from __future__ import annotations

import ast
import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from kedro.io import AbstractDataset

from kedro_autolog_pipeline.__main__ import main
from kedro_autolog_pipeline.cli import autolog
from kedro_autolog_pipeline.config.reading import parse_config
from pages import ROOT, Block, blocks

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLES = [
    pytest.param(block, id=f"{page.name}:{block.line}")
    for page in PAGES
    for block in blocks(page)
    if block.language in {"bash", "json", "python", "yaml"}
]
OURS = "kedro_autolog_pipeline"


@pytest.mark.parametrize("block", EXAMPLES)
def test_an_example_is_accepted(block: Block) -> None:
    """Bash parses, and the options of our commands exist; Python compiles, and its imports of us work; YAML is read."""
    if block.language == "bash":
        # What is in brackets is for the reader to fill in.
        text = re.sub(r"<[^>\n]*>", "filled-in", block.text)
        subprocess.run(["/usr/bin/env", "bash", "-n", "-c", text], check=True)
        for group, arguments in commands(text):
            parse(group, arguments)
    elif block.language == "python":
        check_imports(block.text)
    elif block.language == "json":
        json.loads(block.text)
    else:
        check_yaml(yaml.safe_load(block.text))


def commands(text: str) -> Iterator[tuple[click.Group, list[str]]]:
    """Give the arguments of each of our commands, with what takes them."""
    for line in text.replace("\\\n", " ").splitlines():
        found = re.match(r"\s*(kedro autolog|python -m kedro_autolog_pipeline) (.*)", line)
        if found is not None:
            yield autolog if found[1] == "kedro autolog" else main, shlex.split(found[2], comments=True)


def parse(group: click.Group, arguments: list[str]) -> None:
    """Refuse an option or a command that there is not."""
    command = group.get_command(click.Context(group), arguments[0])
    assert command is not None, arguments
    command.make_context(arguments[0], arguments[1:])


def check_imports(text: str) -> None:
    """Refuse a name that our package does not have."""
    for statement in ast.walk(ast.parse(text)):
        if isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith(OURS):
            module = import_module(statement.module or "")
            assert [] == [each.name for each in statement.names if not hasattr(module, each.name)]


def check_yaml(content: dict[str, Any]) -> None:
    """Refuse what our loader refuses, and a type of dataset that there is not."""
    if "autolog_pipeline" in content:
        parse_config(content)
    for name, entry in content.items():
        if isinstance(entry, dict) and str(entry.get("type", "")).startswith((OURS, "pandas.")):
            AbstractDataset.from_config(name, entry | ({"credentials": {}} if "credentials" in entry else {}))


def test_the_links_of_the_readme_lead_somewhere() -> None:
    """Each page that README names is one of the site, and each heading that it names is on that page."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]

    assert links
    for link in links:
        path, _, anchor = link.partition("#")
        assert (ROOT / path).exists(), link
        assert not anchor or anchor in headings(ROOT / path), link


def headings(page: Path) -> set[str]:
    """Give the anchors of a page."""
    found = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}
