"""Gather all that goes into a package, from a pair and its finished run."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from kedro_autolog_pipeline.config.schema import SignatureMode, SkewMode
from kedro_autolog_pipeline.datasets.locations import unwrapped
from kedro_autolog_pipeline.datasets.sample import EXAMPLE_ROWS, SAMPLE_ROWS, take_sample
from kedro_autolog_pipeline.datasets.validators import declared_validators
from kedro_autolog_pipeline.dependencies.needed_modules import frame_seeds, function_seeds, loading_modules, other_seeds
from kedro_autolog_pipeline.dependencies.requirements import list_requirements, read_conda_env
from kedro_autolog_pipeline.dependencies.search import Environment, find_environment
from kedro_autolog_pipeline.dependencies.shipping import secret_files
from kedro_autolog_pipeline.errors import ArtifactChangedError, PackagingError, SkewError
from kedro_autolog_pipeline.loggers import get_logger, quiet
from kedro_autolog_pipeline.package.artifacts import Artifact, stage_artifact, stage_parameter
from kedro_autolog_pipeline.package.finished_run import FinishedRun
from kedro_autolog_pipeline.package.kept_artifacts import artifact_list
from kedro_autolog_pipeline.pairing.counterparts import find_counterparts
from kedro_autolog_pipeline.pairing.pair import Pair
from kedro_autolog_pipeline.pairing.parameters import callers_name
from kedro_autolog_pipeline.rehearsal.failed_node import why_needs_server
from kedro_autolog_pipeline.rehearsal.live_pipeline import LivePipeline, Reference
from kedro_autolog_pipeline.rehearsal.signature import InferredSignature, can_be_example, infer_signature
from kedro_autolog_pipeline.rehearsal.skew import SkewReport, find_skew
from kedro_autolog_pipeline.run.kedro_run import KedroRun
from kedro_autolog_pipeline.run.writers import WriterNotes
from kedro_autolog_pipeline.secret_values import find_secrets
from kedro_autolog_pipeline.serving.frames import Frame, as_pandas
from kedro_autolog_pipeline.serving.manifest import Origin, RequirementEntry
from kedro_autolog_pipeline.serving.parameters import Parameters

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

_LOGGER = get_logger(__name__)


@attrs.frozen
class Rehearsal:
    """One call of the live pipeline on data of the run: what a packaged model must reproduce.

    Attributes:
        sample: Request data by dataset name.
        reference: What it made of them.
    """

    sample: Mapping[str, Any]
    reference: Reference

    @property
    def output(self) -> Any:
        """What the live pipeline answered, as ``predict`` gives it."""
        return self.reference.output

    @property
    def model_input(self) -> Any:
        """The sample as MLflow carries it: bare when there is one input, by name when there are several."""
        carried = {name: as_pandas(data) for name, data in self.sample.items()}
        return next(iter(carried.values())) if len(carried) == 1 else carried


@attrs.frozen
class Contents:
    """What goes into a package.

    Attributes:
        pair: The resolved pair.
        artifacts: One for each trained or reference input, and for each parameter that JSON cannot hold.
        parameters: JSON value by dataset name, of the other parameters.
        environment: Code to ship and requirements to pin, as they were found.
        requirements: Requirements with those that the user names.
        conda_env: The Conda environment that the user names; None means made of the requirements.
        signature: The model's signature; None for a model without one.
        column_types: Pandas' type of each column of the one request table that MLflow gives another type.
        input_example: A few rows of request data to store with the model; None means none.
        notes: What a reader of the manifest should know, one sentence each.
        fixed_parameters: Parameters that a caller cannot change, as a caller would name them.
        rehearsal: A call to reproduce; None when the run held no data for the request inputs.
        skew: What a comparison with training has shown; None when the user wants none.
        validators: For each request input, and each dataset that a node writes, that has one its validator.
    """

    pair: Pair
    artifacts: tuple[Artifact, ...]
    parameters: Mapping[str, Any]
    environment: Environment
    requirements: tuple[RequirementEntry, ...]
    conda_env: Mapping[str, Any] | None
    signature: ModelSignature | None
    column_types: Mapping[str, str]
    input_example: Any
    notes: tuple[str, ...]
    fixed_parameters: tuple[str, ...]
    rehearsal: Rehearsal | None
    skew: SkewReport | None
    validators: Mapping[str, Any]

    @property
    def has_table(self) -> bool:
        """Whether the signature describes one table, by the names of its columns."""
        inputs = None if self.signature is None else self.signature.inputs
        return inputs is not None and inputs.has_input_names() and not inputs.is_tensor_spec()

    @property
    def frames(self) -> Mapping[str, Frame]:
        """Those of the request inputs that were tables in this run, by name."""
        sample = {} if self.rehearsal is None else self.rehearsal.sample
        described = {name: Frame.of(data, self.column_types) for name, data in sample.items()}
        return {name: frame for name, frame in described.items() if frame is not None}


def gather_contents(pair: Pair, finished: FinishedRun, staging: Path) -> Contents:
    """Gather what a package holds, as the run left it.

    Args:
        pair: A pair that the run completed.
        finished: The run.
        staging: Where the artifacts are copied to, until there is a package to move them into.

    Raises:
        PackagingError: With every artifact that is not there, or is not the run's; or when the live pipeline fails
            on the sample.
    """
    run = finished.run
    # Kedro tells of what it loads, which would read as a part of the user's run.
    with quiet("kedro", logging.WARNING):
        artifacts, missing = _stage_artifacts(pair, finished, staging)
    if missing:
        raise PackagingError(pair.config.name, missing)
    objects = [each for each in artifacts if each.entry.origin is Origin.PARAMETER]
    plain = {
        name: finished.record.parameters[name]
        for name in pair.inputs_from(Origin.PARAMETER)
        if name not in {each.entry.name for each in objects}
    }
    parameters = {**plain, **{each.entry.name: each.load() for each in objects}}
    loads = {each.entry.name: each.load for each in artifacts if each not in objects}
    pipeline = LivePipeline(pair, loads, parameters, run.catalog, staging)
    rehearsal = _rehearse(pipeline, run)
    skew = _find_skew(pipeline, finished, rehearsal)
    inferred = _infer_signature(pair, rehearsal, parameters)
    example, example_notes = _input_example(pair, run, rehearsal, inferred.signature)
    validators = declared_validators(run.catalog, pair.inputs_from(Origin.REQUEST), pair.inference.all_outputs())
    seeds = [
        *function_seeds(pair.inference.nodes),
        *frame_seeds({} if rehearsal is None else rehearsal.sample),
        *other_seeds(_modules(artifacts), validators, pair.config.runner, pair.config.hooks),
    ]
    environment = find_environment(seeds).with_code_paths(pair.config.code_paths, run.project_path)
    return Contents(
        pair=pair,
        artifacts=tuple(artifacts),
        parameters=plain,
        environment=environment,
        requirements=tuple(list_requirements(pair.config, environment, run.project_path)),
        conda_env=read_conda_env(pair.config, run.project_path),
        signature=inferred.signature,
        column_types=inferred.column_types,
        input_example=example,
        notes=(
            *_not_produced(artifacts),
            *_left_out(environment),
            *_doubtful(parameters),
            *_not_tried(pair, run, rehearsal),
            *inferred.notes,
            *inferred.output_notes,
            *example_notes,
        ),
        fixed_parameters=inferred.fixed_parameters,
        rehearsal=rehearsal,
        skew=skew,
        validators=validators,
    )


def _modules(artifacts: Iterable[Artifact]) -> dict[str, list[str]]:
    return {artifact.entry.name: loading_modules(artifact.entry, artifact.file) for artifact in artifacts}


def _stage_artifacts(pair: Pair, finished: FinishedRun, staging: Path) -> tuple[list[Artifact], list[str]]:
    artifacts, missing = [], []
    with artifact_list(staging) as note:
        objects = [name for name in pair.inputs_from(Origin.PARAMETER) if name not in finished.record.parameters]
        for name in [*pair.inputs_from(Origin.TRAINED, Origin.REFERENCE), *objects]:
            try:
                artifact = _stage_artifact(name, pair, finished, staging)
                fault = _why_another(artifact, finished)
                if fault is not None:
                    missing.append(fault)
                    continue
                note(artifact)
                artifacts.append(artifact)
            except (ArtifactChangedError, FileNotFoundError) as error:
                missing.append(f"{error}")
            except Exception as error:  # noqa: BLE001 - whatever a dataset or its file system raises
                missing.append(f"'{name}' cannot be copied ({error!r}).")
    return artifacts, missing


def _stage_artifact(name: str, pair: Pair, finished: FinishedRun, staging: Path) -> Artifact:
    run = finished.run
    known = finished.record.known(name)
    if name in finished.kept:
        return finished.kept[name].stage(staging)
    if name in finished.objects:
        return stage_parameter(name, finished.objects[name], staging, from_this_run=not finished.is_retry)
    if not known.is_saved and run.written_as([name]) and not finished.takes_unsaved:
        msg = (
            f"this run was not seen to save '{name}': its node gave no data, or ran on another machine. "
            "Have the node give data, or run it here."
        )
        raise FileNotFoundError(msg)
    return stage_artifact(
        name,
        pair.origins[name],
        run.catalog,
        staging,
        known,
        early=finished.early,
        writers=WriterNotes.of(run.project_path),
    )


def _not_produced(artifacts: Iterable[Artifact]) -> list[str]:
    """Tell of the trained artifacts that are older than the run, and of parameters that are newer."""
    earlier = (artifact.entry for artifact in artifacts if not artifact.entry.from_this_run)
    names = [
        f"'{entry.name}'" if entry.written_by is None else f"'{entry.name}' ({entry.source})"
        for entry in earlier
        if entry.origin is Origin.TRAINED
    ]
    notes = [f"This run did not produce {', '.join(names)}: what was there before is packaged."] if names else []
    reread = [
        f"'{artifact.entry.name}'"
        for artifact in artifacts
        if artifact.entry.origin is Origin.PARAMETER and not artifact.entry.from_this_run
    ]
    if reread:
        notes.append(
            f"The record of the run does not hold {', '.join(reread)}: the project's present value is packaged."
        )
    return notes


def _left_out(environment: Environment) -> list[str]:
    """Tell of the files that stay behind since they may give away a secret."""
    names = [f"'{name}'" for name in secret_files(environment.code)]
    return [f"Left out of its code for what they may give away: {', '.join(names)}."] if names else []


def _doubtful(parameters: Mapping[str, Any]) -> list[str]:
    """Tell of the parameters that may be secrets."""
    named = {callers_name(name): value for name, value in parameters.items()}
    names = sorted({f"'{secret.place}'" for secret in find_secrets(named, "") if secret.is_searchable})
    seen = "Everybody who can read the run or the model can read the value of"
    return [f"{seen} {', '.join(names)}: if it is secret, have a node take it from the environment."] if names else []


def _not_tried(pair: Pair, run: KedroRun, rehearsal: Rehearsal | None) -> list[str]:
    """Tell of the datasets between two nodes that ``kedro run`` stores where the proof must not."""
    kept = set() if rehearsal is None else {*rehearsal.reference.kept_in_memory} - {*pair.config.in_memory}
    return [
        f"'kedro run' stores '{name}' ({type(unwrapped(run.catalog[name])).__name__}), and the model keeps it in "
        f"memory. Whether this changes its values was not tested. To accept this, set 'in_memory: [{name}]'."
        for name in sorted(kept)
    ]


def _why_another(artifact: Artifact, finished: FinishedRun) -> str | None:
    """Say why an artifact is not what the run was packaged with before; None when it is, or was not packaged yet."""
    entry, record = artifact.entry, finished.record
    before = record.digests.get(entry.name, entry.sha256)
    if before == entry.sha256:
        return None
    remedy = "Another run has written it since. Version the dataset, and train again."
    if entry.origin is Origin.PARAMETER:
        remedy = "Its value is another one now. Give it that of the run, or train again."
    return (
        f"'{entry.name}' is not what run '{record.run_id}' was packaged with before: its SHA-256 was {before}, and is "
        f"{entry.sha256}. {remedy}"
    )


def _rehearse(pipeline: LivePipeline, run: KedroRun) -> Rehearsal | None:
    pair = pipeline.pair
    requests = pair.inputs_from(Origin.REQUEST)
    if not all(name in run.catalog and run.catalog.exists(name) for name in requests):
        fault = why_needs_server(pair.inference, pipeline.parameters)
        if fault is not None:
            raise PackagingError(pair.config.name, [fault])
        return None
    sample = {name: _first_rows(name, run) for name in requests}
    return Rehearsal(sample, pipeline.rehearse(sample))


def _find_skew(pipeline: LivePipeline, finished: FinishedRun, rehearsal: Rehearsal | None) -> SkewReport | None:
    """Compare the pipeline with training, on rows that training has seen.

    Raises:
        SkewError: When they differ, or did so when the run ended, and the user wants no model then.
    """
    pair = pipeline.pair
    is_refused = pair.config.skew is SkewMode.ERROR
    if pair.config.skew is SkewMode.OFF:
        return None
    known = finished.record.skew.get(pair.config.name)
    if finished.is_retry and known is not None:
        if is_refused:
            raise SkewError(pair.config.name, known, is_retry=True)
        return SkewReport(why_nothing=f"a retry has no rows of it. When the run ended, there was skew. {known}")
    if rehearsal is None:
        return SkewReport(why_nothing="the run held no data for its input.")
    try:
        report = find_skew(
            find_counterparts(pair),
            finished.values,
            next(iter(rehearsal.sample.values()), None),
            lambda rows: pipeline.rehearse(dict.fromkeys(rehearsal.sample, rows)).written,
        )
    except Exception as error:  # noqa: BLE001 - values of any class are compared, and none of them prevents the model
        return SkewReport(why_nothing=f"comparing them failed ({error!r}).")
    if report.divergence is not None and is_refused:
        raise SkewError(pair.config.name, str(report), is_retry=False)
    return report


def _first_rows(name: str, run: KedroRun, rows: int = SAMPLE_ROWS) -> Any:
    # Kedro tells of what it loads, which would read as a part of the user's run.
    with quiet("kedro", logging.WARNING):
        return take_sample(run.catalog.load(name), rows)


def _infer_signature(pair: Pair, rehearsal: Rehearsal | None, parameters: Mapping[str, Any]) -> InferredSignature:
    if pair.config.signature.mode is SignatureMode.NONE:
        return InferredSignature(None, (), ())
    named = Parameters(parameters, pair.inference).named
    if rehearsal is None:
        return infer_signature(None, None, named)
    if pair.config.signature.mode is SignatureMode.PARAMS:
        return attrs.evolve(infer_signature(None, rehearsal.output, named), notes=())
    is_asked = pair.config.verify and pair.config.signature.mode is SignatureMode.AUTO
    return infer_signature(rehearsal.model_input, rehearsal.output, named, is_asked_for_null=is_asked)


def _input_example(
    pair: Pair, run: KedroRun, rehearsal: Rehearsal | None, signature: ModelSignature | None
) -> tuple[Any, list[str]]:
    """Take the input example that the user asks for, and tell why there is none."""
    wanted = pair.config.input_example
    if wanted is False:
        return None, []
    if isinstance(wanted, str):
        rows = _first_rows(wanted, run, EXAMPLE_ROWS)
    elif rehearsal is None:
        return None, ["There is no input example: the run held no data for its input."]
    else:
        rows = take_sample(rehearsal.model_input, EXAMPLE_ROWS)
    if not can_be_example(rows, signature):
        return None, ["There is no input example: MLflow cannot store it, or the signature does not accept it."]
    return rows, []
