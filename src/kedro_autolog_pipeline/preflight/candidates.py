"""Find what is known of one model before the training: where its artifacts come from, and what prevents it."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import attrs
from kedro.io import DataCatalog

from kedro_autolog_pipeline.config.project import Project
from kedro_autolog_pipeline.config.schema import ModelConfig
from kedro_autolog_pipeline.datasets.packageable import why_not_packageable
from kedro_autolog_pipeline.datasets.writability import why_not_writable
from kedro_autolog_pipeline.dependencies.requirements import list_undeclared
from kedro_autolog_pipeline.errors import ModelDefinitionError
from kedro_autolog_pipeline.pairing.pair import Pair, dataset_of
from kedro_autolog_pipeline.preflight.evaluation import find_evaluation_faults
from kedro_autolog_pipeline.preflight.forecast import (
    ExpectedInput,
    Presence,
    expect_inputs,
    expect_necessities,
    needing_nodes,
)
from kedro_autolog_pipeline.preflight.selection import Selection
from kedro_autolog_pipeline.serving.manifest import Origin
from kedro_autolog_pipeline.tracking.names import illegal_names


@attrs.frozen
class Candidate:
    """A model that is to be packaged, with all that is known of it before the training.

    Attributes:
        config: What the user asked for.
        pair: Its pair; None when one of its pipelines is not to be had. One of a model that has faults may lack inputs.
        artifacts: Its trained and reference inputs.
        faults: What prevents it, one sentence each, beginning with the path of a key.
        remarks: What the user may want to change, likewise.
    """

    config: ModelConfig
    pair: Pair | None
    artifacts: tuple[ExpectedInput, ...]
    faults: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def examine(selection: Selection, project: Project, catalog: DataCatalog, produced: Collection[str]) -> Candidate:
    """Examine a model, and find what is wrong with it and with nothing else.

    Args:
        selection: The model.
        project: The project.
        catalog: The catalog of the project, or of the run.
        produced: The datasets that will be written before the model is packaged.
    """
    config, pair = selection.config, selection.pair
    mistakes = (*selection.mistakes, *illegal_names(config))
    if pair is None:
        return Candidate(config, None, (), mistakes)
    names = pair.inputs_from(Origin.TRAINED, Origin.REFERENCE)
    artifacts = expect_inputs(names, pair, catalog, produced)
    found = [
        *_absent(artifacts, catalog, produced),
        *_unwritable(artifacts),
        *_incomplete(pair, artifacts, catalog, project),
        *find_evaluation_faults(pair, catalog, produced),
    ]
    # A dataset in memory is a mistake of the pair in a run, and only of the look at its data otherwise.
    faults = dict.fromkeys([*mistakes, *(f"{config.path}.{fault}" for fault in found)])
    remarks = (f"{config.path}.{remark}" for remark in _training_data(pair, artifacts))
    return Candidate(config, pair, tuple(artifacts), tuple(faults), tuple(remarks))


def shown_size(size: int) -> str:
    """Return a number of bytes as a person reads it: ``1.5 kB``."""
    units = ("B", "kB", "MB", "GB", "TB")
    power = min(int(math.log10(max(size, 1))) // 3, len(units) - 1)
    return f"{size / 1000**power:.3g} {units[power]}"


def _training_data(pair: Pair, artifacts: Collection[ExpectedInput]) -> Iterator[str]:
    """Find data that the training starts from and the model takes along."""
    read = {dataset_of(name) for name in pair.training.inputs()}
    for each in artifacts:
        if each.origin is Origin.REFERENCE and dataset_of(each.name) in read:
            size = "" if each.size is None else f", {shown_size(each.size)},"
            nodes = ", ".join(f"'{node.name}'" for node in pair.inference.nodes if each.name in node.inputs)
            yield (
                f"inference: '{each.name}'{size} is what '{pair.config.training}' is trained on, and goes into the "
                f"model as a whole, for {nodes} reads it: whoever has the model has these data. If that is not meant, "
                "have the node read what the training makes of them."
            )


def _absent(artifacts: Collection[ExpectedInput], catalog: DataCatalog, produced: Collection[str]) -> Iterator[str]:
    for each in artifacts:
        place = "" if each.path is None else f" at '{each.path}'"
        if each.cause is not None:
            yield f"inference: '{each.name}' cannot be looked for{place} ({each.cause}). Make it accessible."
        elif each.presence is Presence.MISSING:
            in_memory = why_not_packageable(each.name, catalog, produced)
            absent = f"'{each.name}' has no data{place}, and no node will write it. Put it there."
            yield f"inference: {absent if in_memory is None else in_memory}"


def _unwritable(artifacts: Collection[ExpectedInput]) -> Iterator[str]:
    for each in artifacts:
        if each.origin is Origin.TRAINED and each.local_file is not None:
            cause = why_not_writable(each.local_file)
            if cause is not None:
                yield f"training: '{each.name}' cannot be saved at '{each.local_file}': {cause}. Correct its path."


def _incomplete(
    pair: Pair, artifacts: Collection[ExpectedInput], catalog: DataCatalog, project: Project
) -> Iterator[str]:
    """Find what the model cannot be loaded without and the user's own lists do not name."""
    config = pair.config
    if config.pip_requirements is None and config.code_paths is None:
        return
    try:
        needed = expect_necessities(pair, artifacts, catalog)
        undeclared = list_undeclared(config, needed, project.path)
    except (ModelDefinitionError, OSError):
        # Each is a mistake of its own.
        return
    for requirement in undeclared:
        why = _why_needed(requirement.distribution, requirement.reasons, pair)
        yield (
            f"pip_requirements: brings no '{requirement.distribution}', without which the model cannot be loaded "
            f"({why}). Add '{requirement}', or leave pip_requirements out to have all of them found."
        )
    if config.code_paths is None or not all((project.path / path).exists() for path in config.code_paths):
        return
    shipped = {Path(path).stem for path in config.code_paths} | {__name__.partition(".")[0]}
    for code in needed.code:
        if not any(f"{code.module}.".startswith(f"{name}.") for name in shipped):
            why = _why_needed(code.module, code.reasons, pair)
            yield (
                f"code_paths: ships no '{code.module}', without which the model cannot be loaded ({why}). "
                f"Add '{project.shown(code.source)}', or leave code_paths out to have all code found."
            )


def _why_needed(name: str, reasons: Sequence[str], pair: Pair) -> str:
    by_node = needing_nodes(name, pair)
    nodes = ", ".join(f"'{node}'" for node in by_node)
    return f"{next(iter(by_node.values()))}; needed by {nodes}" if by_node else reasons[0]
