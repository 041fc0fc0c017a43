"""Write the parts of the reference that the code knows, and keep the site to itself; MkDocs calls this.

A page asks for a part by a comment of its own line, such as ``<!-- generated: commands -->``.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import click
import yaml

ROOT = Path(__file__).parents[2]

_MARKER = re.compile(r"^<!-- generated: (\w+) -->$", re.MULTILINE)


def on_page_markdown(markdown: str, **_kwargs: Any) -> str:
    """Fill in what a page asks for; MkDocs calls this by its name."""
    return _MARKER.sub(lambda marker: PARTS[marker[1]](), markdown)


def on_post_page(output: str, page: Any, **_kwargs: Any) -> str:
    """Keep a page to itself; MkDocs calls this by its name."""
    return keep_to_itself(output, page.url)


def on_post_template(output_content: str, template_name: str, **_kwargs: Any) -> str:
    """Keep a page of the theme to itself; MkDocs calls this by its name."""
    return keep_to_itself(output_content, template_name)


def keep_to_itself(content: str, place: str) -> str:
    """Return a page that asks no other server for anything.

    Args:
        content: The page.
        place: Its path on the site.

    Raises:
        ValueError: When it would.
    """
    # The theme's plugin for sites that are opened as files takes its script from a public server.
    own = f"{'../' * place.count('/')}assets/search-in-files.js"
    content = content.replace("https://unpkg.com/iframe-worker/shim", own)
    asks = re.search(
        r"<(?:script|img|iframe|source|link(?! rel=\"?canonical))[^>]* (?:src|href)=\"?(?:https?:)?//", content
    )
    if asks is not None:
        raise ValueError(f"The page '{place}' asks another server: {asks[0]}")
    return content


def commands() -> str:
    """Describe each command with its arguments and options, as ``--help`` does."""
    from kedro_autolog_pipeline.cli import autolog

    context = click.Context(autolog, info_name="kedro autolog")
    found = ((name, autolog.get_command(context, name)) for name in autolog.list_commands(context))
    return "\n\n".join(_command(name, command) for name, command in found if command is not None)


def _command(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=f"kedro autolog {name}")
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    lines = [f"## kedro autolog {name}", f"```text\n{usage}\n```", inspect.cleandoc(command.help or "")]
    options = [record for each in command.get_params(context) if (record := each.get_help_record(context))]
    lines.append(_table(("option", "meaning"), [(f"`{option}`", meaning) for option, meaning in options]))
    return "\n\n".join(lines)


def manifest() -> str:
    """Describe ``manifest.json``, a section for each kind of entry."""
    from kedro_autolog_pipeline.serving import manifest as module

    entries = (
        module.Manifest,
        module.NodeEntry,
        module.InputEntry,
        module.ArtifactEntry,
        module.RequirementEntry,
        module.CodeEntry,
        module.FileEntry,
        module.Provenance,
    )
    return "\n\n".join(_entry(each) for each in entries)


def _entry(kind: type[attrs.AttrsInstance]) -> str:
    described = descriptions(kind)
    summary = inspect.cleandoc(kind.__doc__ or "").splitlines()[0]
    rows = [(f"`{field.name}`", f"`{_type(field)}`", described[field.name]) for field in attrs.fields(kind)]
    return f"## {kind.__name__}\n\n{summary}\n\n{_table(('key', 'type', 'meaning'), rows)}"


def _type(field: attrs.Attribute[Any]) -> str:
    return str(field.type).replace("|", "\\|")


def descriptions(kind: type[attrs.AttrsInstance]) -> dict[str, str]:
    """Return what the docstring of a class says of each attribute.

    Args:
        kind: A class with an ``Attributes:`` section in its docstring.
    """
    _, _, section = inspect.cleandoc(kind.__doc__ or "").partition("Attributes:\n")
    found = re.findall(r"^ {4}(\w+): (.*?)(?=^ {4}\w|\Z)", section, re.MULTILINE | re.DOTALL)
    return {name: " ".join(text.split()).replace("``", "`") for name, text in found}


def configuration_keys() -> str:
    """List each key of ``mlflow.yml`` that is ours, a table for each section, as the JSON Schema has them."""
    from kedro_autolog_pipeline.config.json_schema import json_schema

    return "\n\n".join(_sections("", json_schema()))


def _sections(path: str, section: dict[str, Any]) -> Iterator[str]:
    ours = {key: each for key, each in section["properties"].items() if "anyOf" in each}
    below = {key: held for key, each in ours.items() for held in each["anyOf"] if _holds_keys(held)}
    single = [(key, each) for key, each in ours.items() if not path or key not in below or each.get("examples")]
    if path and single:
        rows = [(f"`{key}`", _default(key, each, section), _meaning(each)) for key, each in single]
        yield f"### {path}\n\n{_table(('key', 'default', 'meaning'), rows)}"
    for key, held in below.items():
        each_key = held.get("additionalProperties")
        inner = each_key if isinstance(each_key, dict) else held
        name = f"{path}.{key}".lstrip(".") + (".<name>" if inner is each_key else "")
        yield from _sections(name, inner)


def _holds_keys(schema: dict[str, Any]) -> bool:
    return "properties" in schema or "properties" in (schema.get("additionalProperties") or {})


def _default(key: str, schema: dict[str, Any], section: dict[str, Any]) -> str:
    if key in section["required"]:
        return "required"
    return f"`{shown_default(schema['default'])}`" if "default" in schema else "null"


def _meaning(schema: dict[str, Any]) -> str:
    examples = "".join(f" Example: `{shown_example(each)}`" for each in schema.get("examples", ()))
    return f"{schema['description']}{examples}".replace("|", "\\|")


def shown_default(default: Any) -> str:
    """Return a default as a reader writes it."""
    written: str = yaml.safe_dump(default)
    return f"{default:g}" if isinstance(default, float) else written.split(maxsplit=1)[0]


def shown_example(example: Any) -> str:
    """Return an example as a reader writes it, in one line."""
    written: str = yaml.safe_dump(example, default_flow_style=True, sort_keys=False, width=1000)
    return written.splitlines()[0]


def configuration_example() -> str:
    """Show the example of ``mlflow.yml`` with its comments."""
    text = (ROOT / "conf_example" / "base" / "mlflow.yml").read_text(encoding="utf-8")
    return f"```yaml\n{text}```"


def changes() -> str:
    """Show the changelog, with links that lead from the site's own pages."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    return text.replace("](docs/", "](").partition("\n")[2]


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    return "\n".join(_lines(head, rows))


def _lines(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    for line in (head, ("---",) * len(head), *rows):
        yield f"| {' | '.join(line)} |"


PARTS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "manifest": manifest,
    "configuration_keys": configuration_keys,
    "configuration_example": configuration_example,
    "changes": changes,
}
"""What a page may ask for."""
