"""Plan what ``kedro autolog init`` writes into a project; nothing is written here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import attrs
from kedro.pipeline import Pipeline

from kedro_autolog_pipeline.config.json_schema import EDITOR_COMMENT, FILE_NAME, written_schema
from kedro_autolog_pipeline.errors import ProposalError
from kedro_autolog_pipeline.pairing.pair import dataset_of
from kedro_autolog_pipeline.proposal.calls import read_source
from kedro_autolog_pipeline.proposal.derivation import derive
from kedro_autolog_pipeline.proposal.mlflow_yml import NewPair, add_pairs
from kedro_autolog_pipeline.proposal.pairs import ProposedPair, find_metrics, find_training, propose_pairs
from kedro_autolog_pipeline.proposal.source_files import write_sources

DERIVED = "inference"
"""Name of the pipeline that is written where a project has none."""


@attrs.frozen(kw_only=True)
class ProjectAsFound:
    """A project, as far as a proposal needs it.

    Attributes:
        package: Name of its Python package.
        package_directory: The directory of that package.
        pipelines: Its registered pipelines by name.
        in_catalog: Whether the catalog can provide a dataset of this name.
        register: The function that registers the pipelines; None when there is none.
        paired: Names of the inference pipelines that ``mlflow.yml`` pairs already.
        models: Names of the models that it has already.
        mlflow_yml: Its ``mlflow.yml``, which may be missing.
    """

    package: str
    package_directory: Path
    pipelines: Mapping[str, Pipeline]
    in_catalog: Callable[[str], bool]
    register: Callable[[], object] | None
    paired: Collection[str]
    models: Collection[str]
    mlflow_yml: Path


@attrs.frozen(kw_only=True)
class Row:
    """A line of the table that is shown.

    Attributes:
        pair: The pair, as it is written.
        trained: Datasets that the training produces for the inference.
    """

    pair: NewPair
    trained: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Plan:
    """What is to be written.

    Attributes:
        rows: The pairs that are new; empty when every pair that was found is in ``mlflow.yml`` already.
        files: Content by path; of these only ``mlflow.yml`` may exist.
        cuts: What was cut out of the training's functions, one sentence each.
        questions: What the user has to decide, one sentence each.
        registration: What to add to the registry, one sentence; None when Kedro finds the new pipeline by itself.
    """

    rows: tuple[Row, ...] = ()
    files: Mapping[Path, str] = attrs.field(factory=dict)
    cuts: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    registration: str | None = None


def make_plan(project: ProjectAsFound, training: str | None = None, request: tuple[str, ...] = ()) -> Plan:
    """Plan the pairs of a project, and an inference pipeline where there is none.

    Args:
        project: The project.
        training: Name of the training pipeline that the user has chosen; None leaves it to what is found.
        request: The datasets that the user says are given at predict time; empty leaves it to what is found.

    Raises:
        ProposalError: When nothing can be proposed, or something has to be decided first.
    """
    if training is not None and training not in project.pipelines:
        known = ", ".join(f"'{name}'" for name in sorted(project.pipelines))
        raise ProposalError([f"No pipeline is registered as '{training}'. There are: {known}."])
    found = propose_pairs(project.pipelines, project.in_catalog)
    if training is not None:
        found = [pair for pair in found if pair.training == training]
    new = [pair for pair in found if pair.inference not in project.paired]
    if new:
        rows = tuple(_row(pair, project, request, is_only=len(new) == 1) for pair in new)
        return Plan(rows=rows, files=_with_pairs(project, rows))
    if project.paired:
        return Plan()
    return _derived_plan(project, training, request)


def _row(pair: ProposedPair, project: ProjectAsFound, request: tuple[str, ...], *, is_only: bool) -> Row:
    free = project.pipelines[pair.inference].inputs()
    given = tuple(name for name in request if name in free) or pair.request
    if len(given) != 1 and not request:
        choices = ", ".join(f"'{name}'" for name in given or sorted(free))
        raise ProposalError(
            [f"'{pair.inference}' reads {choices}. Name the one that a request supplies: --input NAME, once for each."]
        )
    remarks = tuple(
        f"'{name}' is written by the pipeline '{other}', which is no part of '{pair.training}': the model takes what "
        "the catalog has. To have it from the same run, register both as one training pipeline."
        for name, other in pair.elsewhere
    )
    name = project.package if is_only else f"{project.package}_{pair.inference}"
    trained = tuple(name for name in pair.trained if name not in given)
    metrics = _beside(trained, pair.metrics)
    new = NewPair(_unused(name, project.models), pair.training, pair.inference, given, metrics, remarks)
    return Row(pair=new, trained=trained)


def _beside(trained: tuple[str, ...], metrics: tuple[str, ...]) -> tuple[str, ...]:
    """Leave out metrics of other namespaces than what is trained: they are another model's."""
    namespaces = {"", *(name.rpartition(".")[0] for name in trained)}
    return tuple(name for name in metrics if name.rpartition(".")[0] in namespaces)


def _derived_plan(project: ProjectAsFound, training: str | None, request: tuple[str, ...]) -> Plan:
    directory = project.package_directory / "pipelines" / DERIVED
    if DERIVED in project.pipelines or directory.exists():
        cause = (
            f"There is a pipeline '{DERIVED}' already, and nothing in its code predicts with what another pipeline "
            "produces. Have a node read the model as an input and return its predictions."
        )
        raise ProposalError([cause])
    trainings = [training] if training is not None else find_training(project.pipelines)
    if not trainings:
        raise ProposalError(
            ["No registered pipeline fits a model, as far as its code shows. Name the one that does: --training NAME."]
        )
    if len(trainings) > 1:
        choices = ", ".join(f"'{name}'" for name in trainings)
        raise ProposalError([f"Several pipelines fit a model: {choices}. Choose one: --training NAME."])
    (chosen,) = trainings
    pipeline = project.pipelines[chosen]
    written = {dataset_of(name) for each in project.pipelines.values() for name in each.all_outputs()}
    derivation = derive(pipeline, written)
    if not derivation.nodes:
        raise ProposalError(derivation.cuts or [f"No node of '{chosen}' predicts, so there is nothing to derive."])
    given = request or derivation.request
    metrics = _beside(derivation.fitted, find_metrics(pipeline))
    row = Row(
        pair=NewPair(_unused(project.package, project.models), chosen, DERIVED, given, metrics),
        trained=derivation.fitted,
    )
    sources = {directory / name: text for name, text in write_sources(derivation, chosen).items()}
    return Plan(
        rows=(row,),
        files={**sources, **_with_pairs(project, (row,))},
        cuts=derivation.cuts,
        questions=derivation.questions,
        registration=None if _finds_pipelines(project.register) else _how_to_register(project.package),
    )


def _with_pairs(project: ProjectAsFound, rows: tuple[Row, ...]) -> dict[Path, str]:
    text = project.mlflow_yml.read_text(encoding="utf-8") if project.mlflow_yml.exists() else EDITOR_COMMENT
    pairs = [row.pair for row in rows]
    added = add_pairs(text, pairs)
    if added is None:
        block = add_pairs("", pairs)
        raise ProposalError(
            [f"'{project.mlflow_yml}' is written in a form that takes no new lines. Add this:\n{block}"]
        )
    schema = project.mlflow_yml.parents[1] / FILE_NAME
    return {project.mlflow_yml: added} | ({} if schema.exists() else {schema: written_schema()})


def _unused(name: str, taken: Collection[str]) -> str:
    number = 2
    unused = name
    while unused in taken:
        unused, number = f"{name}_{number}", number + 1
    return unused


def _finds_pipelines(register: Callable[[], object] | None) -> bool:
    """Tell whether the registry calls ``find_pipelines``, which takes up a new directory by itself."""
    source = None if register is None else read_source(register)
    return source is not None and "find_pipelines" in source.mentioned


def _how_to_register(package: str) -> str:
    return (
        f"Register it in src/{package}/pipeline_registry.py: import 'create_pipeline' of "
        f"'{package}.pipelines.{DERIVED}', and add \"{DERIVED}\": create_pipeline() to what register_pipelines returns."
    )
