"""Report what is known of a project before it trains, for a person or a program to read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import attrs
from kedro.io import DataCatalog
from rich.text import Text
from rich.tree import Tree

from kedro_autolog_pipeline.config.project import Project
from kedro_autolog_pipeline.config.schema import SignatureMode, SkewMode
from kedro_autolog_pipeline.dependencies.requirements import list_requirements
from kedro_autolog_pipeline.dependencies.search import ShippedCode
from kedro_autolog_pipeline.errors import ModelDefinitionError
from kedro_autolog_pipeline.pairing.counterparts import NO_COUNTERPART, find_counterparts
from kedro_autolog_pipeline.pairing.pair import Pair
from kedro_autolog_pipeline.pairing.parameters import callers_name, read_parameters
from kedro_autolog_pipeline.preflight.candidates import Candidate, shown_size
from kedro_autolog_pipeline.preflight.checks import Preflight
from kedro_autolog_pipeline.preflight.forecast import ExpectedInput, expect_environment, expect_inputs
from kedro_autolog_pipeline.rehearsal.parameter_specs import declare_parameters
from kedro_autolog_pipeline.run.writers import WriterNotes
from kedro_autolog_pipeline.serving.manifest import Origin, RequirementEntry
from kedro_autolog_pipeline.serving.parameters import Parameters

# Characters of a parameter's value that a person is shown.
_LONGEST_VALUE = 60


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
        project: The project.
        inputs: Its inputs that are no parameters.
        parameters: Its parameters that can be packaged.
        requirements: Its requirements, with those that the user names; empty when they cannot be told.
        code: The code that would be shipped, likewise.
    """

    candidate: Candidate
    project: Project
    inputs: tuple[ExpectedInput, ...] = ()
    parameters: tuple[ParameterReport, ...] = ()
    requirements: tuple[RequirementEntry, ...] = ()
    code: tuple[ShippedCode, ...] = ()


def describe(candidate: Candidate, project: Project, catalog: DataCatalog) -> ModelReport:
    """Find out all that is to be told of a model."""
    pair = candidate.pair
    if pair is None:
        return ModelReport(candidate, project)
    requests = [name for name in pair.inputs_from(Origin.REQUEST) if name in pair.origins]
    inputs = (*expect_inputs(requests, pair, catalog, ()), *candidate.artifacts)
    parameters = tuple(_parameters(pair, project, catalog))
    try:
        found = expect_environment(pair, candidate.artifacts, catalog)
        found = found.with_code_paths(pair.config.code_paths, project.path)
        requirements = tuple(list_requirements(pair.config, found, project.path))
    except (ModelDefinitionError, OSError):
        # Each is a fault of the model.
        return ModelReport(candidate, project, inputs, parameters)
    return ModelReport(candidate, project, inputs, parameters, requirements, found.code)


def as_tree(report: ModelReport) -> Tree:
    """Return what a person reads of a model."""
    candidate = report.candidate
    config = candidate.config
    tree = Tree(Text.assemble((config.name, "bold"), f": '{config.training}' trains, '{config.inference}' predicts"))
    branch(
        tree,
        "inputs",
        (
            (
                each.name,
                each.origin.value,
                each.presence.value,
                "" if each.size is None else shown_size(each.size),
                _dataset(each),
                _path(each, report.project) or "",
                _writer(each, report.project) or "",
            )
            for each in report.inputs
        ),
    )
    branch(
        tree,
        "parameters",
        (
            (
                f"{each.name} = {shortened(json.dumps(each.value))}",
                "may be changed at predict time" if each.why_fixed is None else f"fixed: {each.why_fixed}",
            )
            for each in report.parameters
        ),
    )
    branch(tree, "requirements", ((each.requirement, _in_short(each.reasons)) for each in report.requirements))
    branch(
        tree,
        "code",
        ((each.module, report.project.shown(each.source), _in_short(each.reasons)) for each in report.code),
    )
    if candidate.pair is not None:
        branch(tree, "skew", ((line,) for line in _skew(candidate.pair)))
        branch(tree, "outputs", ((name,) for name in sorted(candidate.pair.inference.outputs())))
    return tree


def as_json(preflight: Preflight, reports: Iterable[ModelReport]) -> dict[str, Any]:
    """Return what a program reads of a project."""
    destination = preflight.destination
    return {
        "faults": list(preflight.faults),
        "remarks": list(preflight.remarks),
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
        "models": [_model(report) for report in reports],
    }


def store_state(preflight: Preflight) -> str:
    """Say in a few words how it is about the tracking server."""
    if not preflight.answers:
        return "does not answer"
    return "will be created" if preflight.store.is_new else "exists"


def _model(report: ModelReport) -> dict[str, Any]:
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
                "path": _path(each, report.project),
                "presence": each.presence.value,
                "bytes": each.size,
                "written_by": _writer(each, report.project),
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
            {"module": each.module, "path": report.project.shown(each.source), "reasons": list(each.reasons)}
            for each in report.code
        ],
        "skew": [] if pair is None else list(_skew(pair)),
        "faults": list(report.candidate.faults),
        "remarks": list(report.candidate.remarks),
    }


def _skew(pair: Pair) -> Iterator[str]:
    """Say what will be compared with training."""
    if pair.config.skew is SkewMode.OFF:
        yield "nothing is compared with training: the configuration says so"
        return
    counterparts = find_counterparts(pair)
    if not counterparts:
        yield f"nothing is compared with training: {NO_COUNTERPART.rstrip('.')}"
    for each in counterparts:
        yield f"'{each.output}' is compared with training's '{each.training_output}'"


def _parameters(pair: Pair, project: Project, catalog: DataCatalog) -> Iterator[ParameterReport]:
    read = read_parameters(pair.inputs_from(Origin.PARAMETER), catalog, project.parameters)
    values = read.plain
    for name, value in read.objects.items():
        yield ParameterReport(callers_name(name), repr(value), "JSON cannot hold its value")
    if pair.config.signature.mode is SignatureMode.NONE:
        yield from (
            ParameterReport(callers_name(name), value, "the model has no signature") for name, value in values.items()
        )
        return
    fixed = declare_parameters(Parameters(values, pair.inference).named).fixed
    for name, value in values.items():
        is_fixed = callers_name(name) in fixed
        yield ParameterReport(callers_name(name), value, "MLflow has no type for its value" if is_fixed else None)


def branch(tree: Tree, title: str, rows: Iterable[Sequence[str]]) -> None:
    """Add to a tree a branch with a leaf for each row, in columns; none without rows."""
    rows = list(rows)
    if not rows:
        return
    branch = tree.add(Text(title, style="cyan"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        branch.add(Text("  ".join(cells).rstrip()))


def _in_short(reasons: Sequence[str]) -> str:
    """Return the first reason, and how many more there are: a program is told all of them."""
    return f"{reasons[0]} and {len(reasons) - 1} more" if len(reasons) > 1 else ", ".join(reasons)


def shortened(text: str) -> str:
    """Return a text with its middle left out where a terminal has no place for it: both ends tell most of it."""
    half = _LONGEST_VALUE // 2
    return text if len(text) <= _LONGEST_VALUE else f"{text[:half]} … {text[-half:]}"


def _dataset(each: ExpectedInput) -> str:
    """Return the class of a dataset as a catalog would name it, as far as that can be told."""
    if each.dataset is None:
        return "no dataset"
    package, *modules, name = each.dataset.split(".")
    short = {"kedro_datasets": [*modules[:1], name], "kedro": [name]}
    return ".".join(short.get(package, [each.dataset]))


def _writer(each: ExpectedInput, project: Project) -> str | None:
    """Return the run that has written a reference, where one has noted that."""
    if each.origin is not Origin.REFERENCE or each.location is None:
        return None
    writer = WriterNotes.of(project.path).find(each.location, None)
    return None if writer is None else writer.shown


def _path(each: ExpectedInput, project: Project) -> str | None:
    return each.path if each.local_file is None else project.shown(each.local_file)
