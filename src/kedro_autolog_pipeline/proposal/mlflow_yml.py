"""Add a pair to the text of ``mlflow.yml``; every byte that is there stays."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import attrs
import yaml

from kedro_autolog_pipeline.config.schema import OUR_KEY


@attrs.frozen
class NewPair:
    """A pair as it is written.

    Attributes:
        model: The logged model's name.
        training: Name of the training pipeline.
        inference: Name of the inference pipeline.
        request: The datasets that are given at predict time; at least one.
        metrics: Datasets of the training that look like metrics.
        remarks: What a reader should know of it, one sentence each.
    """

    model: str
    training: str
    inference: str
    request: tuple[str, ...]
    metrics: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def add_pairs(text: str, pairs: Sequence[NewPair]) -> str | None:
    """Add pairs to the file.

    Args:
        text: The file as it is; empty for a new one.
        pairs: The pairs.

    Returns:
        The file with the pairs; None when it is written in a form that takes no lines, such as ``models: {}``.
    """
    place = _find_place(text)
    if place is None:
        return None
    line, missing, indent = place
    block = "".join(_pair(pair) for pair in pairs)
    for key in reversed(missing):
        comment = _COMMENTS.get(key, "")
        block = f"{comment}{key}:\n{textwrap.indent(block, '  ')}"
    lines = text.splitlines(keepends=True)
    if lines[:line] and not lines[line - 1].endswith("\n"):
        lines[line - 1] += "\n"
    gap = "\n" if line and missing == _PATH else ""
    return "".join([*lines[:line], gap, textwrap.indent(block, " " * indent), *lines[line:]])


_PATH = (OUR_KEY, "models")
_COMMENTS = {
    OUR_KEY: (
        "# After a run of a training pipeline, its inference pipeline is an MLflow model in the same MLflow run.\n"
    ),
    "models": "# One entry for each model: the pipeline that trains it, and the pipeline that predicts with it.\n",
}


def _pair(pair: NewPair) -> str:
    remarks = "".join(
        textwrap.fill(remark, 100, initial_indent="  # ", subsequent_indent="  # ") + "\n" for remark in pair.remarks
    )
    request = _scalar(pair.request[0]) if len(pair.request) == 1 else _list(pair.request)
    metrics = (
        "  # Datasets that look like metrics: their numbers are logged to the run and linked to the model.\n"
        f"  metrics: {_list(pair.metrics)}\n"
    )
    return (
        "# The logged model's name.\n"
        f"{_scalar(pair.model)}:\n"
        f"{remarks}"
        "  # The registered pipeline whose run trains the model.\n"
        f"  training: {_scalar(pair.training)}\n"
        "  # The registered pipeline that becomes the model.\n"
        f"  inference: {_scalar(pair.inference)}\n"
        "  # What a request supplies at predict time.\n"
        f"  input_name: {request}\n"
        f"{metrics if pair.metrics else ''}"
    )


def _list(names: Iterable[str]) -> str:
    return f"[{', '.join(map(_scalar, names))}]"


def _scalar(name: str) -> str:
    """Return a name as YAML writes it, in quotes where it would read something else."""
    text: str = yaml.safe_dump(name, width=len(name) + 10, allow_unicode=True)
    return text.splitlines()[0]


def _find_place(text: str) -> tuple[int, tuple[str, ...], int] | None:
    """Find where to write: before which line, from 0; below which keys that are missing; and how far to the right."""
    section: Any = yaml.compose(text, yaml.SafeLoader)
    if section is None:
        return len(text.splitlines()), _PATH, 0
    for depth in range(len(_PATH) + 1):
        if not isinstance(section, yaml.MappingNode) or section.flow_style or not section.value:
            return None
        below = {key.value: value for key, value in section.value}
        if depth == len(_PATH) or _PATH[depth] not in below:
            first_key, _ = section.value[0]
            return _line_after(section), _PATH[depth:], first_key.start_mark.column
        section = below[_PATH[depth]]
    return None


def _line_after(node: Any) -> int:
    """Return the number of the line after a block; the mark of its own end is after the comments that follow it."""
    while isinstance(node, (yaml.MappingNode, yaml.SequenceNode)) and node.value and not node.flow_style:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    mark = node.end_mark
    return int(mark.line if mark.column == 0 else mark.line + 1)
