"""Package the models of an MLflow run from what the run has left, without training it again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path, PureWindowsPath
from typing import Any

import attrs
from kedro.framework.session import KedroSession
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline

from kedro_autolog_pipeline.config.project import Project, read_project
from kedro_autolog_pipeline.config.schema import ModelConfig
from kedro_autolog_pipeline.datasets.locations import is_in_memory
from kedro_autolog_pipeline.errors import ConfigurationError, PromotionRefusedError, RunRecordError
from kedro_autolog_pipeline.lifecycle.known_secrets import collect_secrets
from kedro_autolog_pipeline.lifecycle.model_logging import Packaging, log_models
from kedro_autolog_pipeline.lifecycle.verifiers import Verifiers
from kedro_autolog_pipeline.package.finished_run import FinishedRun
from kedro_autolog_pipeline.package.kept_artifacts import KeptArtifact, find_kept
from kedro_autolog_pipeline.pairing.pair import Pair, dataset_of
from kedro_autolog_pipeline.pairing.parameters import ParameterValues, read_parameters
from kedro_autolog_pipeline.preflight.selection import resolve_pairs
from kedro_autolog_pipeline.run.journal import Journal
from kedro_autolog_pipeline.run.kedro_run import KedroRun
from kedro_autolog_pipeline.run.record import RunRecord, merged
from kedro_autolog_pipeline.run.runtime_params import combined, lacking
from kedro_autolog_pipeline.run.staging import StagingDirectory
from kedro_autolog_pipeline.serving.manifest import MANIFEST_FILE, Origin, read_manifest
from kedro_autolog_pipeline.serving.suggestions import suggest
from kedro_autolog_pipeline.tracking.abandoned import is_gone, settle_abandoned
from kedro_autolog_pipeline.tracking.credentials import EXPORTED_CREDENTIALS
from kedro_autolog_pipeline.tracking.logged_model import ready_models, ready_names
from kedro_autolog_pipeline.tracking.records import read_records
from kedro_autolog_pipeline.tracking.run import RunStatus, TrackedRun, end_abandoned, find_run
from kedro_autolog_pipeline.tracking.run_inputs import log_inputs
from kedro_autolog_pipeline.tracking.store import PROCESS_DEFAULT, find_store


@attrs.frozen
class Request:
    """What the user asks for.

    Attributes:
        run_id: The MLflow run.
        project_path: The Kedro project.
        env: Kedro's environment; None means the run's own.
        models: Names of the logged models; empty means those that the run has not given, or all when it has given
            all.
        unrecorded: Whether to package artifacts even if no record shows that the run saved them.
        runtime_params: Parameters of the command line, besides those of the run that are recorded.
        conf_source: Where the configuration is; None means the project's own directory.
        ends_run: Whether the run is ended, as FINISHED, when all is packaged and it is still open.
    """

    run_id: str
    project_path: Path
    env: str | None = None
    models: tuple[str, ...] = ()
    unrecorded: bool = False
    runtime_params: Mapping[str, Any] = attrs.field(factory=dict)
    conf_source: str | None = None
    ends_run: bool = False


def repackage(request: Request) -> Packaging:
    """Package a run's models again.

    What a packaging that failed has staged is taken first, then what the catalog holds, which must be what the run
    saved.

    Raises:
        ConfigurationError: With every mistake in ``mlflow.yml`` and in the pairs.
        RunRecordError: When the run has not trained the models, or what it saved is gone.
        TrackingError: When the tracking server does not answer, or does not know the run.
    """
    staging = StagingDirectory.of(request.project_path, request.run_id)
    local = RunRecord.read(staging.record)
    with ExitStack() as stack:
        opened = _open(stack, request, local)
        stack.enter_context(EXPORTED_CREDENTIALS.exported(opened.project.credentials))
        store = find_store(opened.project.config.server, request.project_path)
        # Some of MLflow's functions know no other store than the process's own.
        PROCESS_DEFAULT.enter(store)
        stack.callback(PROCESS_DEFAULT.leave)
        tracked = find_run(store, request.run_id)
        stored = [RunRecord.from_json(text) for text in read_records(tracked)]
        records = [*stored, *([] if local is None else [_with_journal(local, staging)])]
        record = merged(records) if records else _unknown(request.run_id)
        if local is None and records:
            # Its environment and command line may lead to other files.
            opened = _open(stack, request, record)
        settle_abandoned(store, tracked.experiment_id, run_id=request.run_id)
        # Of a process that was killed, nothing has said so yet.
        log_inputs(tracked, record.inputs.values())
        models = _chosen(request, opened.project, record, tracked)
        pairs = resolve_pairs(models, opened.project, opened.catalog)
        kept = _kept(pairs, record, opened.catalog, staging, tracked)
        _check_saved(request, record, pairs, kept, opened.catalog)
        staging.make()
        present = _present_parameters(pairs, opened, {*record.parameters, *kept})
        record = attrs.evolve(record, parameters={**present.plain, **record.parameters})
        run = _kedro_run(request, opened, record, pairs)
        finished = FinishedRun(
            run,
            record,
            staging,
            takes_unsaved=request.unrecorded,
            secrets=collect_secrets(opened.project, pairs, opened.catalog, record.withheld),
            kept=kept,
            objects=present.objects,
            is_retry=True,
        )
        verifiers = Verifiers({pair.config.name: () for pair in pairs if pair.config.verify})
        stack.callback(verifiers.close)
        verifiers.start()
        packaging = log_models(pairs, finished, tracked, verifiers)
    has_ended = record.ends_as is RunStatus.FINISHED or is_gone(record.process)
    is_packaged = packaging.failure is None or isinstance(packaging.failure, PromotionRefusedError)
    if is_packaged and record.closes_run and has_ended:
        end_abandoned(tracked, record.ends_as)
    if packaging.failure is None and request.ends_run:
        end_abandoned(tracked, RunStatus.FINISHED)
    return packaging


@attrs.frozen
class _Opened:
    """A project whose configuration is read.

    Attributes:
        project: The project.
        catalog: Its catalog.
    """

    project: Project
    catalog: DataCatalog


def _open(stack: ExitStack, request: Request, record: RunRecord | None) -> _Opened:
    """Open a project as its run had it.

    Raises:
        RunRecordError: When the record does not say how, or says what no run of Kedro's can have had.
    """
    env, runtime_params = request.env, dict(request.runtime_params)
    if record is not None:
        env = env or _checked_env(record)
        _refuse_lacking(request, record)
        runtime_params = combined(record.runtime_params, request.runtime_params)
    session = stack.enter_context(
        KedroSession.create(
            request.project_path, env=env, runtime_params=runtime_params, conf_source=request.conf_source
        )
    )
    context = session.load_context()  # type: ignore[attr-defined]  # every session of Kedro's has it
    project = read_project(context)
    if project is None:
        raise ConfigurationError(["autolog_pipeline: there is none, or it is not enabled, so there are no models."])
    return _Opened(project, context.catalog)


def _checked_env(record: RunRecord) -> str | None:
    """Return the environment of a record, which whoever can write to the artifact store can write.

    Raises:
        RunRecordError: When it leads out of the project's configuration.
    """
    env = record.env
    if env is not None and (PureWindowsPath(env).anchor or ".." in PureWindowsPath(env).parts):
        raise RunRecordError(
            record.run_id,
            [f"its record names the environment {env!r}, which is none. Name the one that it had by '--env'."],
        )
    return env


def _refuse_lacking(request: Request, record: RunRecord) -> None:
    """Refuse to read a configuration without the parameters of the command line that it had.

    Raises:
        RunRecordError: With those that are not recorded, for no pipeline reads them, and not given.
    """
    missing = ", ".join(f"'{path}'" for path in lacking(record.withheld, request.runtime_params))
    if missing:
        cause = f"'--params' gave it {missing}, whose values are not recorded, for no pipeline reads them."
        raise RunRecordError(record.run_id, [cause, f"Give them again:\n  {record.retry_command}"])


def _with_journal(record: RunRecord, staging: StagingDirectory) -> RunRecord:
    """Add what a process has saved and read that was ended before it could say so."""
    noted = Journal(staging.journal).read()
    return attrs.evolve(
        record,
        saves={**noted.saves, **record.saves},
        reads={**noted.reads, **record.reads},
        inputs={**noted.inputs, **record.inputs},
        metrics={**noted.metrics, **record.metrics},
    )


def _unknown(run_id: str) -> RunRecord:
    """Make the record of a run of which there is none."""
    return RunRecord(run_id, "", [], None, {}, [], {})


def _chosen(request: Request, project: Project, record: RunRecord, tracked: TrackedRun) -> list[ModelConfig]:
    configured = {model.name: model for model in project.config.autolog_pipeline.models}
    wanted = request.models or tuple(record.models) or tuple(configured)
    unknown = [name for name in wanted if name not in configured]
    hints = {name: f"there is no '{name}'. {suggest(name, configured)}" for name in unknown}
    if request.models and unknown:
        raise RunRecordError(request.run_id, [f"--model: {hint}" for hint in hints.values()])
    if unknown:
        raise ConfigurationError([f"autolog_pipeline.models: {hint}" for hint in hints.values()])
    given = frozenset() if request.models else ready_names(tracked)
    return [configured[name] for name in wanted if name not in given] or [configured[name] for name in wanted]


def _kedro_run(request: Request, opened: _Opened, record: RunRecord, pairs: Iterable[Pair]) -> KedroRun:
    """Describe the run as if it were to train the pairs again."""
    return KedroRun(
        run_id=record.kedro_run_id,
        pipeline_names=tuple(record.pipelines),
        project_path=request.project_path,
        pipeline=sum((pair.training for pair in pairs), Pipeline([])),
        catalog=opened.catalog,
        env=record.env,
        runtime_params=record.runtime_params,
        only_missing_outputs=False,
    )


def _kept(
    pairs: Iterable[Pair], record: RunRecord, catalog: DataCatalog, staging: StagingDirectory, tracked: TrackedRun
) -> dict[str, KeptArtifact]:
    """Find what was kept of the artifacts, on this machine or, of what was in memory, in the run's READY models.

    A parameter that the record does not hold was in memory too.
    """
    kept = find_kept(staging.models)
    artifacts = {
        name
        for pair in pairs
        for name in pair.inputs_from(Origin.TRAINED, Origin.REFERENCE, Origin.PARAMETER)
        if name not in record.parameters
    }
    gone = {name for name in artifacts - kept.keys() if _was_in_memory(name, catalog)}
    for model in ready_models(tracked) if gone else ():
        staging.make()
        package = staging.model(model.model_id) / "package"
        package.mkdir(parents=True, exist_ok=True)
        model.download(MANIFEST_FILE, package)
        for entry in read_manifest(package).artifacts:
            if entry.name in gone - kept.keys():
                kept[entry.name] = KeptArtifact(entry, model.download(entry.path, package))
    return kept


def _was_in_memory(name: str, catalog: DataCatalog) -> bool:
    dataset = catalog.get(name)
    return dataset is None or is_in_memory(dataset)


def _present_parameters(pairs: Iterable[Pair], opened: _Opened, known: Collection[str]) -> ParameterValues:
    """Read the parameters that are not known: objects, and what the inference pipeline was given since."""
    names = {name for pair in pairs for name in pair.inputs_from(Origin.PARAMETER)}.difference(known)
    return read_parameters(sorted(names), opened.catalog, opened.project.parameters)


def _check_saved(
    request: Request, record: RunRecord, pairs: Iterable[Pair], kept: Collection[str], catalog: DataCatalog
) -> None:
    """Refuse what is gone, or what no record shows to be the run's.

    Raises:
        RunRecordError: With each such artifact.
    """
    artifacts = sorted({name for pair in pairs for name in pair.inputs_from(Origin.TRAINED, Origin.REFERENCE)})
    gone = [name for name in artifacts if name not in kept and _was_in_memory(name, catalog)]
    if gone:
        raise RunRecordError(
            record.run_id,
            [
                *(f"'{name}' was in memory alone, and no READY model of the run holds it." for name in gone),
                "Train again.",
            ],
        )
    if request.unrecorded:
        return
    trained = sorted({name for pair in pairs for name in pair.inputs_from(Origin.TRAINED)})
    unknown = [name for name in trained if name not in kept and dataset_of(name) not in record.saves]
    if unknown:
        raise RunRecordError(
            record.run_id,
            [
                *(f"no record shows that it saved '{name}'." for name in unknown),
                "Add '--unrecorded' to package what the catalog holds anyway, or train again.",
            ],
        )
