"""Write the comments of the example of ``mlflow.yml`` from the classes that hold its values; `make schema` runs it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docs.hooks.reference import shown_default, shown_example
from kedro_autolog_pipeline.config.json_schema import json_schema

EXAMPLE = Path(__file__).parents[2] / "conf_example" / "base" / "mlflow.yml"

_WIDTH = 120
_KEY = re.compile(r"^( *)(\w+):")


def commented(text: str) -> str:
    """Return an ``mlflow.yml`` in which each key of ours has the comment that its class gives it.

    Args:
        text: The file. A comment that does not stand directly above such a key stays.
    """
    lines: list[str] = []
    sections: list[tuple[int, dict[str, Any]]] = [(-1, json_schema())]
    for line in text.splitlines():
        key = _KEY.match(line)
        if key is not None:
            indent = len(key[1])
            while sections[-1][0] >= indent:
                sections.pop()
            section = sections[-1][1]
            schema = _schema_of(section, key[2])
            sections.append((indent, schema))
            if schema.get("examples"):
                while lines and lines[-1].lstrip().startswith("#"):
                    lines.pop()
                facts = ["Required."] if key[2] in section["required"] else []
                if "default" in schema:
                    facts.append(f"Default: {shown_default(schema['default'])}.")
                # The keys of a section that is written out have comments of their own.
                lines.extend(_comment(schema, key[1], facts, lists_keys=not line.endswith(":")))
        lines.append(line)
    return "\n".join(lines) + "\n"


def _schema_of(section: dict[str, Any], key: str) -> dict[str, Any]:
    """Return the schema of a key, with the keys of the section that it may hold beside its description."""
    named = section.get("properties", {}).get(key)
    schema = named if named is not None else section["additionalProperties"]
    held: dict[str, Any] = next((each for each in schema.get("anyOf", ()) if "properties" in each or _each(each)), {})
    return {**held, **schema}


def _each(schema: dict[str, Any]) -> bool:
    return "properties" in (schema.get("additionalProperties") or {})


def _comment(schema: dict[str, Any], indent: str, facts: list[str], *, lists_keys: bool) -> Iterator[str]:
    yield from _wrapped(" ".join([schema["description"], *facts]), f"{indent}# ", "")
    yield f"{indent}# Example: {shown_example(schema['examples'][0])}"
    if lists_keys:
        each_name = schema.get("additionalProperties")
        inner = each_name if isinstance(each_name, dict) else schema
        for key, below in inner.get("properties", {}).items():
            yield from _wrapped(f"{key}: {below['description']}", f"{indent}#   ", "  ")


def _wrapped(text: str, begin: str, deeper: str) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=begin,
        subsequent_indent=begin + deeper,
        break_long_words=False,
        break_on_hyphens=False,
    )


if __name__ == "__main__":
    EXAMPLE.write_text(commented(EXAMPLE.read_text(encoding="utf-8")), encoding="utf-8")
