"""A Kedro run that completes pairs comes in, its MLflow run with a proven model for each pair goes out."""

from __future__ import annotations

import atexit
import logging
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import git
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline

from kedro_autolog_pipeline.config import OnFailure
from kedro_autolog_pipeline.errors import ConfigurationError, PackagingError, VerificationError
from kedro_autolog_pipeline.packaging.contents import Contents, gather_contents
from kedro_autolog_pipeline.packaging.functions import import_path, referenced_modules
from kedro_autolog_pipeline.packaging.kedro_run import KedroRun
from kedro_autolog_pipeline.packaging.package import ModelIdentity, write_package
from kedro_autolog_pipeline.packaging.pairing import Pair
from kedro_autolog_pipeline.packaging.pinning import Pin, pin_datasets
from kedro_autolog_pipeline.packaging.selection import completed_pairs
from kedro_autolog_pipeline.project import Project
from kedro_autolog_pipeline.tracking.logged_model import logged_model
from kedro_autolog_pipeline.tracking.registered_model import register
from kedro_autolog_pipeline.tracking.run import (
    RunStatus,
    close_run,
    join_active_run,
    log_parameters,
    open_run,
)
from kedro_autolog_pipeline.tracking.store import export_credentials, find_store
from kedro_autolog_pipeline.verification.import_check import plan_import_check
from kedro_autolog_pipeline.verification.proof import Outcome, Proof, Trial
from kedro_autolog_pipeline.verification.verifier import Verifier

_LOGGER = logging.getLogger(__name__)

STAGING_DIRECTORY = ".autolog_pipeline"


class TrainingRun:
    """One training, from before its first node until its models are READY.

    Opening it opens the MLflow run, logs the parameters, and starts the processes that will prove the models.

    Args:
        run: The run, before its first node.
        project: Its project.
        pairs: The pairs that it completes; not empty.

    Raises:
        TrackingError: When the tracking server does not answer, or will not have the run.
    """

    def __init__(self, run: KedroRun, project: Project, pairs: list[Pair]) -> None:
        server, tracking = project.config.server, project.config.tracking
        export_credentials(project.credentials)
        names = ",".join(run.pipeline_names)
        self._run = run
        self._project = project
        self._pairs = pairs
        self._verifiers: dict[str, Verifier] = {}
        self._ended = False
        self._pins: list[Pin] = []
        self._tracked = join_active_run(server.mlflow_registry_uri) or open_run(
            find_store(server, run.project_path),
            tracking,
            default_experiment=project.package_name,
            default_name=names,
            tags={"kedro.run_id": run.run_id, "kedro.pipelines": names},
        )
        # A run that nothing ends (Ctrl-C calls no hook of Kedro's) would be shown as finished by MLflow.
        atexit.register(self.end, RunStatus.KILLED)
        try:
            self._pins = pin_datasets(pairs, run)
            log_parameters(self._tracked, run.parameters())
            # A fresh process needs seconds to import mlflow: it does so beside the training.
            self._verifiers = {
                pair.config.name: Verifier(pair.config.name, preload=_preload(pair))
                for pair in pairs
                if pair.config.verify
            }
            # While they do, what they can try meanwhile is found.
            for pair in pairs:
                if pair.config.verify:
                    self._verifiers[pair.config.name].try_imports(plan_import_check(pair, run))
        except BaseException:
            self.end(RunStatus.FAILED)
            raise

    @property
    def run_id(self) -> str:
        """Kedro's id of the run."""
        return self._run.run_id

    def stop_if_imports_fail(self) -> None:
        """Raise what is known by now of functions that cannot be imported where a model is deployed.

        Raises:
            VerificationError: With the faults of the first model that has any.
        """
        for name, verifier in self._verifiers.items():
            fault = verifier.fault()
            if fault is not None:
                raise VerificationError(name, fault)

    def finish(self) -> Exception | None:
        """Package each pair into the MLflow run, and close it.

        Returns:
            What failed, for the caller to raise when it has cleaned up; None when all was packaged, or when the
            failure is to be a WARNING. A failure of one pair does not stop the others.
        """
        failures: dict[str, Exception] = {}
        try:
            for pair in self._pairs:
                try:
                    self._package(pair)
                except Exception as error:  # noqa: BLE001 - whatever it is, the other pairs have their turn
                    failures[pair.config.name] = error
        finally:
            self.end(RunStatus.FINISHED)
        if not failures:
            return None
        if self._project.config.autolog_pipeline.on_failure is OnFailure.WARN:
            for name, failure in failures.items():
                _LOGGER.warning("'%s' was not packaged; what it trained is saved.", name, exc_info=failure)
            return None
        if len(failures) == 1:
            return next(iter(failures.values()))
        summary = PackagingError(", ".join(failures), [f"{error}" for error in failures.values()])
        summary.__cause__ = next(iter(failures.values()))
        return summary

    def fail(self) -> None:
        """Close the MLflow run of a training that failed."""
        self.end(RunStatus.FAILED)

    def end(self, status: RunStatus) -> None:
        """Close the MLflow run if it is ours, and the processes in any case; a second time does nothing."""
        if self._ended:
            return
        self._ended = True
        atexit.unregister(self.end)
        try:
            for verifier in self._verifiers.values():
                verifier.close()
            for pin in self._pins:
                pin.detach()
        finally:
            close_run(self._tracked, status)

    def _package(self, pair: Pair) -> None:
        started = time.perf_counter()
        config = pair.config
        with logged_model(self._tracked, config.name, config.tags) as model:
            # It imports pandas, which a run that packages nothing does not need.
            from kedro_autolog_pipeline.verification.comparison import first_difference

            staging = _staging_directory(self._run.project_path) / model.model_id
            contents = gather_contents(pair, self._run, self._project.parameters, first_difference, staging)
            package = staging / "package"
            write_package(
                package,
                ModelIdentity(
                    model.model_id,
                    self._tracked.run_id,
                    self._run.run_id,
                    _git_commit(self._run.project_path),
                ),
                contents,
            )
            proof = self._prove(package, contents)
            model.set_tags({"verification": proof.outcome.value, "verification_detail": proof.detail})
            model.upload(package)
        shutil.rmtree(staging, ignore_errors=True)
        seconds = time.perf_counter() - started
        model.set_tags({"packaging_seconds": f"{seconds:.2f}"})
        _warn_of(contents)
        version = None
        if config.registered_model_name is not None:
            version = register(model, config.registered_model_name, config.alias, config.tags)
        _LOGGER.info(
            "Packaged '%s' as %s%s in %.1f s.",
            config.name,
            model.uri,
            f", version {version} of '{config.registered_model_name}'," if version is not None else "",
            seconds,
        )

    def _prove(self, package: Path, contents: Contents) -> Proof:
        """Have a fresh process do what the live pipeline did."""
        config = contents.pair.config
        if not config.verify:
            return Proof(Outcome.SKIPPED, "Not tried: the configuration says 'verify: false'.", seconds=0.0)
        rehearsal = contents.rehearsal
        return self._verifiers[config.name].verify(
            package,
            None if rehearsal is None else Trial(rehearsal.model_input, rehearsal.output, rehearsal.again),
            shipped=[code.module for code in contents.environment.code],
            requirements=(
                [entry.requirement for entry in contents.requirements] if contents.conda_env is None else None
            ),
            timeout=config.verify_timeout,
        )


def begin(
    project: Project | ConfigurationError,
    run_params: Mapping[str, Any],
    pipeline: Pipeline,
    catalog: DataCatalog,
    *,
    interrupted: TrainingRun | None,
) -> TrainingRun | None:
    """Start tracking a run, if it completes a pair.

    Args:
        project: The project, or the mistakes in its configuration.
        run_params: What Kedro says of the run.
        pipeline: The nodes that Kedro is about to run.
        catalog: The project's catalog.
        interrupted: What this thread tracked before and nothing ended; None when there is nothing of the kind.

    Raises:
        ConfigurationError: With every mistake in the configuration.
        TrackingError: When the tracking server will not have the run.
    """
    if isinstance(project, ConfigurationError):
        raise project
    if interrupted is not None:
        interrupted.end(RunStatus.KILLED)
    run = KedroRun.from_hook(run_params, pipeline, catalog)
    pairs = completed_pairs(project.config.autolog_pipeline.models, run, project.parameters)
    return TrainingRun(run, project, pairs) if pairs else None


def _preload(pair: Pair) -> list[str]:
    return sorted(set().union(*(referenced_modules(node.func) for node in pair.inference.nodes)))


def _staging_directory(project_path: Path) -> Path:
    directory = project_path / STAGING_DIRECTORY
    directory.mkdir(exist_ok=True)
    (directory / ".gitignore").write_text("*\n", encoding="utf-8")
    return directory


def _git_commit(project_path: Path) -> str | None:
    try:
        return git.Repo(project_path, search_parent_directories=True).head.commit.hexsha
    except (git.GitError, ValueError, OSError):
        # Not a checkout, or one without a commit.
        return None


def _warn_of(contents: Contents) -> None:
    """Say in one WARNING what the user may want to change in this model; nothing when there is nothing."""
    name = contents.pair.config.name
    pickled = [node.name for node in contents.pair.inference.nodes if import_path(node.func) is None]
    remarks = list(contents.notes)
    if contents.rehearsal is None and contents.pair.config.verify:
        remarks.append("It was proven to load, on no data: the run held none for its input.")
    if contents.fixed_parameters:
        fixed = ", ".join(contents.fixed_parameters)
        remarks.append(f"MLflow has no type for the parameters {fixed}: they keep the value of this run.")
    if pickled:
        remarks.append(
            f"The functions of {', '.join(pickled)} have no import path and are pickled: a site that forbids pickles "
            "cannot load them. Define them in a module."
        )
    if remarks:
        _LOGGER.warning("'%s' is packaged, with remarks: %s", name, " ".join(remarks))
