"""What is known of a project before it trains comes in, what a person or a program reads of it goes out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
from kedro.io import DataCatalog
from rich.text import Text
from rich.tree import Tree

from kedro_autolog_pipeline.config.project import Project
from kedro_autolog_pipeline.config.schema import SignatureMode
from kedro_autolog_pipeline.dependencies.requirements import list_requirements
from kedro_autolog_pipeline.dependencies.search import ShippedCode
from kedro_autolog_pipeline.errors import ModelDefinitionError
from kedro_autolog_pipeline.pairing.pair import Pair
from kedro_autolog_pipeline.pairing.parameters import callers_name, read_parameters
from kedro_autolog_pipeline.preflight.checks import Candidate, Preflight
from kedro_autolog_pipeline.preflight.forecast import ExpectedInput, expect_environment, expect_inputs
from kedro_autolog_pipeline.rehearsal.signature import infer_signature
from kedro_autolog_pipeline.serving.manifest import Origin, RequirementEntry


@attrs.frozen
class ParameterReport:
    """A parameter of a model.

    Attributes:
        name: Its name, as a caller of ``predict`` knows it.
        value: Its value, plain data.
        why_fixed: Why a caller cannot change it; None when it may be changed.
    """

    name: str
    value: Any
    why_fixed: str | None


@attrs.frozen
class ModelReport:
    """A model, as it would be packaged.

    Attributes:
        candidate: What the checks know of it.
        inputs: Its inputs that are no parameters.
        parameters: Its parameters that can be packaged.
        requirements: Its requirements, with those that the user names; empty when they cannot be told.
        code: The code that would be shipped, likewise.
    """

    candidate: Candidate
    inputs: tuple[ExpectedInput, ...] = ()
    parameters: tuple[ParameterReport, ...] = ()
    requirements: tuple[RequirementEntry, ...] = ()
    code: tuple[ShippedCode, ...] = ()


def describe(candidate: Candidate, project: Project, catalog: DataCatalog, project_path: Path) -> ModelReport:
    """Find out all that is to be told of a model."""
    pair = candidate.pair
    if pair is None:
        return ModelReport(candidate)
    requests = [name for name in pair.inputs_from(Origin.REQUEST) if name in pair.origins]
    inputs = (*expect_inputs(requests, pair, catalog, ()), *candidate.artifacts)
    parameters = tuple(_parameters(pair, project, catalog))
    try:
        found = expect_environment(pair, candidate.artifacts, catalog)
        found = found.with_code_paths(pair.config.code_paths, project_path)
        requirements = tuple(list_requirements(pair.config, found, project_path))
    except (ModelDefinitionError, OSError):
        # Each is a fault of the model.
        return ModelReport(candidate, inputs, parameters)
    return ModelReport(candidate, inputs, parameters, requirements, found.code)


def as_tree(report: ModelReport, project_path: Path) -> Tree:
    """Give what a person reads of a model."""
    candidate = report.candidate
    config = candidate.config
    tree = Tree(Text.assemble((config.name, "bold"), f": '{config.training}' trains, '{config.inference}' predicts"))
    _branch(
        tree,
        "inputs",
        (
            (each.name, each.origin.value, each.presence.value, _dataset(each), _path(each, project_path) or "")
            for each in report.inputs
        ),
    )
    _branch(
        tree,
        "parameters",
        (
            (
                f"{each.name} = {json.dumps(each.value)}",
                "may be changed at predict time" if each.why_fixed is None else f"fixed: {each.why_fixed}",
            )
            for each in report.parameters
        ),
    )
    _branch(tree, "requirements", ((each.requirement, ", ".join(each.reasons)) for each in report.requirements))
    _branch(
        tree,
        "code",
        ((each.module, _relative(each.source, project_path), ", ".join(each.reasons)) for each in report.code),
    )
    if candidate.pair is not None:
        _branch(tree, "outputs", ((name,) for name in sorted(candidate.pair.inference.outputs())))
    return tree


def as_json(preflight: Preflight, reports: Iterable[ModelReport], project_path: Path) -> dict[str, Any]:
    """Give what a program reads of a project."""
    destination = preflight.destination
    return {
        "faults": list(preflight.faults),
        "tracking_server": {
            "uri": preflight.store.public_uri,
            "state": store_state(preflight),
        },
        "experiment": None
        if destination is None
        else {
            "name": destination.experiment,
            "run_id": destination.run_id,
            "state": destination.state.value,
        },
        "models": [_model(report, project_path) for report in reports],
    }


def store_state(preflight: Preflight) -> str:
    """Tell in a few words how it is about the tracking server."""
    if not preflight.answers:
        return "does not answer"
    return "will be created" if preflight.store.is_new else "exists"


def _model(report: ModelReport, project_path: Path) -> dict[str, Any]:
    config, pair = report.candidate.config, report.candidate.pair
    return {
        "name": config.name,
        "training": config.training,
        "inference": config.inference,
        "inputs": [
            {
                "name": each.name,
                "origin": each.origin.value,
                "dataset": each.dataset,
                "path": _path(each, project_path),
                "presence": each.presence.value,
            }
            for each in report.inputs
        ],
        "outputs": [] if pair is None else sorted(pair.inference.outputs()),
        "parameters": [
            {
                "name": each.name,
                "value": each.value,
                "may_be_changed": each.why_fixed is None,
                "reason": each.why_fixed,
            }
            for each in report.parameters
        ],
        "requirements": [
            {"requirement": each.requirement, "reasons": list(each.reasons)} for each in report.requirements
        ],
        "code": [
            {"module": each.module, "path": _relative(each.source, project_path), "reasons": list(each.reasons)}
            for each in report.code
        ],
        "faults": list(report.candidate.faults),
    }


def _parameters(pair: Pair, project: Project, catalog: DataCatalog) -> Iterator[ParameterReport]:
    # It imports pandas, which a command that shows its help does not need.
    from kedro_autolog_pipeline.rehearsal.comparison import first_difference

    values, _ = read_parameters(pair.inputs_from(Origin.PARAMETER), catalog, project.parameters)
    named = {callers_name(name): value for name, value in values.items()}
    if pair.config.signature is SignatureMode.NONE:
        yield from (ParameterReport(name, value, "the model has no signature") for name, value in named.items())
        return
    fixed = infer_signature(None, None, named, differ=first_difference).fixed_parameters
    for name, value in named.items():
        yield ParameterReport(name, value, "MLflow has no type for its value" if name in fixed else None)


def _branch(tree: Tree, title: str, rows: Iterable[Sequence[str]]) -> None:
    """Add a branch with a leaf for each row, in columns; none without rows."""
    rows = list(rows)
    if not rows:
        return
    branch = tree.add(Text(title, style="cyan"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        branch.add(Text("  ".join(cells).rstrip()))


def _dataset(each: ExpectedInput) -> str:
    """Give the class of a dataset as a catalog would name it, as far as that can be told."""
    if each.dataset is None:
        return "no dataset"
    package, *modules, name = each.dataset.split(".")
    short = {"kedro_datasets": [*modules[:1], name], "kedro": [name]}
    return ".".join(short.get(package, [each.dataset]))


def _path(each: ExpectedInput, project_path: Path) -> str | None:
    return each.path if each.local_file is None else _relative(each.local_file, project_path)


def _relative(path: Path, project_path: Path) -> str:
    return path.relative_to(project_path).as_posix() if path.is_relative_to(project_path) else f"{path}"
