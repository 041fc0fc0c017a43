"""Package the pairs of a finished run, and say what went wrong with which at which stage."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs

from kedro_autolog_pipeline.card.elements import shortened
from kedro_autolog_pipeline.card.page import ModelCard
from kedro_autolog_pipeline.config.schema import OnRefusal, SignatureMode
from kedro_autolog_pipeline.errors import (
    AutologPipelineError,
    NotPackagedError,
    PackagingError,
    PromotionRefusedError,
    SkewError,
    VerificationError,
    showable,
)
from kedro_autolog_pipeline.evaluation.metrics import Evaluation
from kedro_autolog_pipeline.evaluation.package_evaluation import evaluate_package
from kedro_autolog_pipeline.evaluation.promotion import Contender, promote
from kedro_autolog_pipeline.evaluation.rows import Rows, load_rows
from kedro_autolog_pipeline.lifecycle.announcements import announce_model, announce_refusal
from kedro_autolog_pipeline.lifecycle.description import Description, describe_failure
from kedro_autolog_pipeline.lifecycle.git_checkout import find_commit
from kedro_autolog_pipeline.lifecycle.termination import INTERRUPTIONS
from kedro_autolog_pipeline.lifecycle.verifiers import Verifiers
from kedro_autolog_pipeline.loggers import get_logger
from kedro_autolog_pipeline.package.contents import Contents, gather_contents
from kedro_autolog_pipeline.package.finished_run import FinishedRun
from kedro_autolog_pipeline.package.functions import import_path
from kedro_autolog_pipeline.package.leaks import refuse_leaks
from kedro_autolog_pipeline.package.sealing import seal_package
from kedro_autolog_pipeline.package.writing import ModelIdentity, amend_package, write_package
from kedro_autolog_pipeline.pairing.pair import Pair, dataset_of
from kedro_autolog_pipeline.progress import progress
from kedro_autolog_pipeline.rehearsal.signature import nullable_columns, opened_columns, requiring_all_but
from kedro_autolog_pipeline.run.metrics import measured_on
from kedro_autolog_pipeline.serving.manifest import read_manifest
from kedro_autolog_pipeline.tracking.abandoned import settle_abandoned
from kedro_autolog_pipeline.tracking.alias_turn import announcement
from kedro_autolog_pipeline.tracking.logged_model import LoggedModel, logged_model
from kedro_autolog_pipeline.tracking.metrics import log_metrics
from kedro_autolog_pipeline.tracking.records import keep_record
from kedro_autolog_pipeline.tracking.registered_model import describe, register
from kedro_autolog_pipeline.tracking.run import TrackedRun
from kedro_autolog_pipeline.tracking.run_inputs import TRAINING
from kedro_autolog_pipeline.tracking.tags import MANIFEST_TAG, TAG_LENGTH, failure_tag
from kedro_autolog_pipeline.verification.proof import HEADLINES, Answers, Outcome, Proof, Trial
from kedro_autolog_pipeline.verification.verifier import Verifier

_LOGGER = get_logger(__name__)


class Stage(Enum):
    """What is done for a model, in this order, each as the end of "Cannot ..."."""

    CREATE = "create the logged model"
    GATHER = "gather what goes into"
    WRITE = "write the package of"
    PROVE = "prove"
    EVALUATE = "evaluate"
    UPLOAD = "upload"
    REGISTER = "register"
    PROMOTE = "promote"


@attrs.frozen
class ReadyModel:
    """A model that is packaged.

    Attributes:
        name: Its name.
        uri: What ``mlflow.pyfunc.load_model`` takes.
        digests: SHA-256 of its artifacts by dataset name.
        refusal: Why its version has not got its alias, a sentence or more, where that is to fail the command; None
            otherwise.
    """

    name: str
    uri: str
    digests: Mapping[str, str]
    refusal: str | None = None


@attrs.frozen
class Failure:
    """A model that is not packaged, or not registered.

    Attributes:
        name: Its name.
        stage: What could not be done.
        error: Why.
    """

    name: str
    stage: Stage
    error: BaseException

    @property
    def reason(self) -> str:
        """What could not be done and why, as a user reads it."""
        if isinstance(self.error, AutologPipelineError):
            return str(self.error)
        if isinstance(self.error, INTERRUPTIONS):
            return f"Cannot {self.stage.value} '{self.name}': the process was told to end."
        described = showable(f"{type(self.error).__name__}: {self.error}").rstrip(".: ")
        return f"Cannot {self.stage.value} '{self.name}': {described}."


@attrs.frozen
class Packaging:
    """What became of the pairs of a run.

    Attributes:
        ready: What is packaged.
        failure: What to raise when all is cleaned up: one error with every failure, or what interrupted it, or the
            promotions that were refused; None when all is as the user wants it.
    """

    ready: tuple[ReadyModel, ...]
    failure: BaseException | None


def log_models(pairs: Iterable[Pair], finished: FinishedRun, tracked: TrackedRun, verifiers: Verifiers) -> Packaging:
    """Package pairs one after the other, prove the packages, and give them to the tracking server.

    A failure of one does not stop the others; an interruption does. The run's tags say what failed, and its record
    is kept for a retry, in the run and on this machine.

    Args:
        pairs: What the run completed.
        finished: The Kedro run.
        tracked: The MLflow run.
        verifiers: The processes that prove them, each of which ends when its model has had its turn.
    """
    ready: list[ReadyModel] = []
    failures: list[Failure] = []
    own = {each.key for noted in finished.record.metrics.values() for each in noted.values}
    for pair in pairs:
        progress = _Progress(pair, finished, tracked, verifiers, own)
        try:
            # The process of the next model gets ready beside this one.
            with suppress(VerificationError):
                verifiers.start()
            ready.append(progress.run())
            # What two models have in common is the same, though loading it for the first has written to its file.
            finished = finished.packaged_with(ready[-1].digests)
        except INTERRUPTIONS as error:
            failures.append(Failure(pair.config.name, progress.stage, error))
            break
        except BaseException as error:  # noqa: BLE001 - whatever the project's code raises, the other pairs have their turn
            failures.append(Failure(pair.config.name, progress.stage, error))
            if isinstance(error, SkewError):
                finished = finished.refused_for_skew(pair.config.name, error.skew)
        finally:
            verifiers.end(pair.config.name)
    if _keep(finished, tracked, ready, failures):
        _settle(tracked)
    if not failures:
        finished.staging.remove()
        refusals = [model.refusal for model in ready if model.refusal is not None]
        return Packaging(tuple(ready), PromotionRefusedError(refusals) if refusals else None)
    failure = NotPackagedError(
        tracked.run_id,
        {failed.name: failed.reason for failed in failures},
        {model.name: model.uri for model in ready},
        kept=str(finished.staging.path),
        retry=finished.record.retry_command,
    )
    last = failures[-1].error
    if isinstance(last, INTERRUPTIONS):
        _LOGGER.warning("%s", failure)
        return Packaging(tuple(ready), last)
    failure.__cause__ = failures[0].error
    return Packaging(tuple(ready), failure)


def _keep(finished: FinishedRun, tracked: TrackedRun, ready: Iterable[ReadyModel], failures: Iterable[Failure]) -> bool:
    """Say in the MLflow run what became of its models, and what a retry has to know; True when the server took it."""
    tags: dict[str, str | None] = {failure_tag(model.name): None for model in ready}
    tags |= {failure_tag(failed.name): f"{failed.stage.name}: {failed.reason}" for failed in failures}
    return keep_record(tracked, finished.record.kedro_run_id, finished.record.to_json(), tags)


def _settle(tracked: TrackedRun) -> None:
    """Mark what killed processes have left PENDING in the run's experiment."""
    from mlflow.exceptions import MlflowException

    try:
        settle_abandoned(tracked.store, tracked.experiment_id)
    except MlflowException as error:
        _LOGGER.warning(
            "What killed processes have left PENDING stays so until the next packaging: %s", showable(error.message)
        )


class _Progress:
    """One model on its way, with the stage that it has reached.

    Args:
        pair: Its pair.
        finished: The Kedro run.
        tracked: The MLflow run.
        verifiers: The processes that prove its models.
        own: Metrics of the run that are some model's own, to which those of this one's evaluation are added.
    """

    def __init__(
        self, pair: Pair, finished: FinishedRun, tracked: TrackedRun, verifiers: Verifiers, own: set[str]
    ) -> None:
        self.stage = Stage.CREATE
        self._pair = pair
        self._finished = finished
        self._tracked = tracked
        self._verifiers = verifiers
        self._own = own
        self._evaluation_seconds = 0.0
        self._rows: Rows | None = None
        self._evaluation: Evaluation | None = None

    @property
    def _verifier(self) -> Verifier | None:
        return self._verifiers.get(self._pair.config.name)

    def run(self) -> ReadyModel:
        started = time.perf_counter()
        config = self._pair.config
        with logged_model(self._tracked, config.name, config.tags, self._describe_failure, unlinked=self._own) as model:
            contents, digest, description = self._package(model)
        shutil.rmtree(self._finished.staging.model(model.model_id), ignore_errors=True)
        seconds = time.perf_counter() - started - self._evaluation_seconds
        _warn_of(contents)
        version = None if config.registered_model_name is None else self._register(model, digest, description)
        _LOGGER.info(
            "Packaged '%s' as %s%s in %.1f s%s.",
            config.name,
            model.uri,
            f", version {version} of '{config.registered_model_name}'," if version is not None else "",
            seconds,
            f", and evaluated it in {self._evaluation_seconds:.1f} s" if config.evaluate is not None else "",
        )
        announce_model(config.name, model.uri, HEADLINES[description.proof.outcome], self._tracked)
        refusal = None if version is None or not config.promote_when else self._promote(model, version, description)
        return ReadyModel(
            config.name,
            model.uri,
            {artifact.entry.name: artifact.entry.sha256 for artifact in contents.artifacts},
            refusal,
        )

    def _register(self, model: LoggedModel, digest: str, description: Description) -> str:
        """Register the model; it gets its alias at once where nothing is asked of it before."""
        config = self._pair.config
        self.stage = Stage.REGISTER
        waits = announcement(f"{config.alias}") if config.promote_when else {}
        return register(
            model,
            f"{config.registered_model_name}",
            None if config.promote_when else config.alias,
            {**config.tags, MANIFEST_TAG: digest, **waits},
            description.markdown(model.uri),
        )

    def _promote(self, model: LoggedModel, version: str, description: Description) -> str | None:
        """Move the alias to the version if it deserves it, and say why not.

        Returns:
            Why not, where that is to fail the command; None otherwise.
        """
        config, store = self._pair.config, self._tracked.store
        self.stage = Stage.PROMOTE
        run_metrics = store.client().get_run(self._tracked.run_id).data.metrics
        decision = promote(Contender.of(config, version, run_metrics, self._rows, self._evaluation), store)
        if decision.is_promoted:
            model.set_tags({"promotion": decision.text})
            return None
        markdown = attrs.evolve(description, refusal=decision.text).markdown(model.uri)
        model.set_tags({"promotion": decision.text}, markdown)
        describe(self._tracked, f"{config.registered_model_name}", version, markdown)
        if config.on_refusal is OnRefusal.RAISE:
            return f"'{config.name}' is registered as version {version}, and is {decision.text}"
        announce_refusal(config.name, version, decision.text)
        return None

    def _describe_failure(self, error: BaseException) -> str:
        retry = self._finished.record.retry_command
        if isinstance(error, VerificationError):
            return describe_failure(error.summary, retry, showable(error.log))
        return describe_failure(Failure(self._pair.config.name, self.stage, error).reason, retry)

    def _package(self, model: LoggedModel) -> tuple[Contents, str, Description]:
        """Do all that happens while the model is PENDING, and return its contents, its manifest's digest and more."""
        started = time.perf_counter()
        run, staging = self._finished.run, self._finished.staging.model(model.model_id)
        remarks = self._log_metrics(model)
        self.stage = Stage.GATHER
        contents = gather_contents(self._pair, self._finished, staging)
        contents = attrs.evolve(contents, notes=(*contents.notes, *remarks))
        self.stage = Stage.WRITE
        package = staging / "package"
        identity = ModelIdentity(model.model_id, self._tracked.run_id, run.run_id, find_commit(run.project_path))
        write_package(package, identity, contents)
        self._refuse_leaks(staging)
        self.stage = Stage.PROVE
        with progress(f"Proving '{self._pair.config.name}' in a fresh process"):
            proof = self._prove(package, contents)
        contents = _amend(package, contents, proof.answers)
        manifest = read_manifest(package)
        card = ModelCard(manifest, contents.signature, proof, contents.fixed_parameters, model.metrics, model.uri)
        card.write(package)
        # The proof may have changed what the package says of itself, and the card tells of the proof.
        digest = seal_package(package)
        description = Description(
            manifest,
            contents.signature,
            proof,
            self._tracked.store,
            skew=contents.skew,
            trained_on=tuple(each for each in self._finished.record.inputs.values() if each.context == TRAINING),
        )
        tags = self._evaluate(model, package, contents)
        self.stage = Stage.UPLOAD
        model.upload(package)
        model.set_tags(
            {
                "manifest_sha256": digest,
                "verification": proof.outcome.value,
                "verification_detail": proof.detail,
                **_tags(contents, proof.answers),
                **tags,
                "packaging_seconds": f"{time.perf_counter() - started - self._evaluation_seconds:.2f}",
            },
            description.markdown(model.uri),
        )
        return contents, digest, description

    def _log_metrics(self, model: LoggedModel) -> list[str]:
        """Log what the run has measured for this model, and return what a user should know of it."""
        record, remarks = self._finished.record, []
        for name in self._pair.config.metrics:
            noted = record.metrics.get(dataset_of(name))
            if noted is None:
                remarks.append(f"The run has not written the metrics '{name}', so the model has none of them.")
                continue
            log_metrics(model, noted.values, measured_on(noted, record.inputs))
            remarks += noted.faults
        return remarks

    def _refuse_leaks(self, staging: Path) -> None:
        """Refuse a model that holds a secret, and remove what holds it.

        Raises:
            PackagingError: With each file and the place of each secret in it.
        """
        files = [*staging.rglob("*"), self._finished.staging.record, self._finished.staging.journal]
        try:
            refuse_leaks(self._pair.config.name, files, self._finished.secrets, self._finished.staging.path)
        except PackagingError:
            shutil.rmtree(staging, ignore_errors=True)
            raise

    def _prove(self, package: Path, contents: Contents) -> Proof:
        """Have a fresh process do what the live pipeline did."""
        rehearsal = contents.rehearsal
        if self._verifier is None:
            answers = Answers(copied=() if rehearsal is None else rehearsal.reference.changed)
            return Proof(Outcome.SKIPPED, "Not tried: the configuration says 'verify: false'.", 0.0, answers)
        asks_for_columns = contents.has_table and contents.pair.config.signature.mode is SignatureMode.AUTO
        return self._verifier.verify(
            package,
            None if rehearsal is None else Trial(rehearsal.model_input, rehearsal.reference, asks_for_columns),
            shipped=[code.module for code in contents.environment.code],
            requirements=_declared(contents),
            timeout=contents.pair.config.verify_timeout,
        )

    def _evaluate(self, model: LoggedModel, package: Path, contents: Contents) -> dict[str, str]:
        """Evaluate the package as the user asks for, log it, and return the tags that tell of it."""
        config = self._pair.config
        if config.evaluate is None:
            return {}
        self.stage = Stage.EVALUATE
        started = time.perf_counter()
        with TemporaryDirectory(dir=package.parent) as directory:
            self._rows = load_rows(config.name, config.evaluate, self._finished.run.catalog)
            self._evaluation = evaluation = evaluate_package(
                config.name,
                package,
                self._rows,
                config.evaluate,
                Path(directory),
                timeout=config.verify_timeout,
                shipped=[code.module for code in contents.environment.code],
                requirements=_declared(contents),
            )
            self._own.update(evaluation.metrics)
            model.log_evaluation(evaluation.metrics, evaluation.dataset, evaluation.files)
        self._evaluation_seconds = time.perf_counter() - started
        return {
            "evaluation.dataset": f"{evaluation.dataset.name} ({evaluation.dataset.digest})",
            "evaluation.seconds": f"{self._evaluation_seconds:.2f}",
        }


def _declared(contents: Contents) -> list[str] | None:
    """Return the requirements that a fresh process may import from; None where Conda's are in their place."""
    return [entry.requirement for entry in contents.requirements] if contents.conda_env is None else None


def _amend(package: Path, contents: Contents, answers: Answers) -> Contents:
    """Write into a package what its proof has shown, and return its contents with that."""
    notes, signature = list(answers.remarks), contents.signature
    config = contents.pair.config.signature
    optional = {*answers.optional, *config.optional} - set(config.required)
    sample = None if contents.rehearsal is None else contents.rehearsal.model_input
    # Where nothing was asked, a column's type tells whether a null belongs to it.
    found = nullable_columns(sample) if answers.nullable is None else answers.nullable
    nullable = {*found} - set(config.required) | set(config.nullable)
    column_types: Mapping[str, str] = {}
    if signature is not None and contents.has_table and (optional or nullable):
        column_types = {} if sample is None else opened_columns(signature, sample, nullable)
        signature = requiring_all_but(optional, signature, nullable)
    if answers.copied:
        _LOGGER.info(
            "Each call of '%s' gets its own copy of %s, changed in place by its nodes.",
            contents.pair.config.name,
            ", ".join(answers.copied),
        )
    if answers.copied or notes or signature is not contents.signature:
        amend_package(package, signature=signature, copied=answers.copied, notes=notes, column_types=column_types)
    return attrs.evolve(
        contents,
        signature=signature,
        column_types={**contents.column_types, **column_types},
        notes=(*contents.notes, *notes),
    )


def _tags(contents: Contents, answers: Answers) -> dict[str, str]:
    """Return the tags that say what was asked of a package, and what it answered."""
    reference = None if contents.rehearsal is None else contents.rehearsal.reference
    intermediates = None
    if reference is not None:
        stored = f"stored as by 'kedro run': {', '.join(sorted(reference.stored)) or 'none'}"
        intermediates = f"{stored}; kept in memory: {', '.join(reference.kept_in_memory) or 'none'}"
    skew = None if contents.skew is None else str(contents.skew)
    answered = {
        "http": answers.http,
        "single_row": answers.single_row,
        "nullable": None if answers.nullable is None else shortened(", ".join(answers.nullable) or "none", TAG_LENGTH),
        "intermediates": intermediates,
    }
    tags = {f"verification.{name}": answer for name, answer in answered.items()} | {"skew": skew}
    return {name: text for name, text in tags.items() if text is not None}


def _warn_of(contents: Contents) -> None:
    """Say in one WARNING what the user may want to change in this model; nothing when there is nothing."""
    name = contents.pair.config.name
    pickled = [node.name for node in contents.pair.inference.nodes if import_path(node.func) is None]
    remarks = list(contents.notes)
    if contents.skew is not None and contents.skew.divergence is not None:
        remarks.append(f"It has skew. {contents.skew}")
    if contents.rehearsal is None and contents.pair.config.verify:
        remarks.append("It is only proven to load: the run held no rows for its input.")
    if contents.fixed_parameters:
        fixed = ", ".join(contents.fixed_parameters)
        remarks.append(
            f"MLflow has no type for the parameters {fixed}: they keep the value of this run, unless you make each a "
            "number, a string, a boolean, a list of one of these, or plain data under a key of a dictionary."
        )
    if pickled:
        remarks.append(
            f"The functions of {', '.join(pickled)} have no import path and are pickled: a site that forbids pickles "
            "cannot load them. Define them in a module."
        )
    if remarks:
        _LOGGER.warning("'%s' is packaged, with remarks: %s", name, " ".join(remarks))
