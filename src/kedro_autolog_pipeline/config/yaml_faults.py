"""Find the line of ``mlflow.yml`` that is not valid YAML, and say how to correct it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from kedro.config import AbstractConfigLoader

_INDENTATION = re.compile(r"[ \t]*")
_NO_SPACE_AFTER_COLON = re.compile(r"\s*\w+:[^\s/:]+\s*$")
_WITH_VALUE = re.compile(r"\s*[^\s#][^#]*:\s+[^\s#&|>]")


def find_yaml_fault(config_loader: AbstractConfigLoader) -> str | None:
    """Describe the first line that cannot be read, from the end of "cannot be read:".

    Kedro counts the lines of such a file from 0, and does not say what is wrong with one.

    Args:
        config_loader: The loader that cannot read it.

    Returns:
        None when each file is YAML, or lies where only the loader can look.
    """
    for file in _files(config_loader):
        text = file.read_text(encoding="utf-8", errors="replace")
        try:
            fault = _twice(yaml.compose(text, Loader=yaml.SafeLoader))
            if fault is not None:
                number, hint = fault
                return f"line {number} of '{_shown(file, config_loader)}' {hint}"
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            if mark is not None:
                number, hint = _explained(text.splitlines(), mark.line, f"{error.problem}")
                return f"line {number} of '{_shown(file, config_loader)}' {hint}"
    return None


def _shown(file: Path, config_loader: AbstractConfigLoader) -> str:
    return file.relative_to(Path(config_loader.conf_source).parent).as_posix()


def _twice(node: yaml.Node | None) -> tuple[int, str] | None:
    """Return the line of a key that stands in one section a second time, and what to do; None when there is none."""
    if isinstance(node, yaml.SequenceNode):
        return next((fault for item in node.value if (fault := _twice(item)) is not None), None)
    if not isinstance(node, yaml.MappingNode):
        return None
    lines: dict[str, int] = {}
    for key, value in node.value:
        name, line = str(key.value), key.start_mark.line + 1
        if name in lines:
            return line, f"has the key '{name}' again, which is in line {lines[name]} already. Keep one of them."
        lines[name] = line
        fault = _twice(value)
        if fault is not None:
            return fault
    return None


def _files(config_loader: AbstractConfigLoader) -> Iterator[Path]:
    root = Path(config_loader.conf_source)
    for environment in (getattr(config_loader, "base_env", None), config_loader.env):
        directory = root / (environment or getattr(config_loader, "default_run_env", None) or "")
        yield from sorted(file for file in directory.rglob("mlflow*") if file.suffix in {".yml", ".yaml"})


def _explained(lines: Sequence[str], position: int, problem: str) -> tuple[int, str]:
    """Return the line to mend, counted from 1, and what is wrong with it.

    Args:
        lines: The file.
        position: Where YAML stumbles, counted from 0; it may be behind the last line.
        problem: What YAML says.
    """
    for number, line in enumerate(lines[: position + 1], start=1):
        if "\t" in _indentation(line):
            return number, "is indented by a tab. YAML takes spaces alone."
    before = _last_line(lines, position)
    if before is not None and _NO_SPACE_AFTER_COLON.match(lines[before]):
        return before + 1, f"has no space after the colon: '{lines[before].strip()}'."
    if before is not None and position < len(lines):
        width, above = len(_indentation(lines[position])), len(_indentation(lines[before]))
        if width > above and _WITH_VALUE.match(lines[before]):
            return position + 1, (
                f"is indented by {width} spaces, and line {before + 1} above it, which has a value, by {above}. "
                "Indent keys of one section alike."
            )
        levels = sorted({len(_indentation(line)) for line in lines[:position] if line.strip()})
        if width not in levels and width < above:
            return position + 1, (
                f"is indented by {width} spaces, and the lines above it by {', '.join(map(str, levels))}. "
                "Indent keys of one section alike."
            )
    return min(position, len(lines) - 1) + 1, f"is no YAML: {problem}."


def _last_line(lines: Sequence[str], position: int) -> int | None:
    """Return the position of the last line with a key before a position; None where there is none."""
    found = (each for each in range(min(position, len(lines)) - 1, -1, -1) if lines[each].strip(" \t").strip())
    return next((each for each in found if not lines[each].lstrip().startswith("#")), None)


def _indentation(line: str) -> str:
    match = _INDENTATION.match(line)
    return "" if match is None else match[0]
