"""Define every error of this package, each with its attributes and its message."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterable, Mapping
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    _Exception = Exception
else:
    # Kedro's command line is click's, which shows an error of its own without a traceback. Where nobody has imported
    # click there is no command line, and a model that is served needs none.
    _Exception = getattr(sys.modules.get("click"), "ClickException", Exception)

# The part of a URL that says who asks; a password may have an "@" of its own.
_USER_OF_URL = re.compile(r"(?<=://)[^/\s'\"<>]+@")
# All control characters but the line break and the tab.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class AutologPipelineError(_Exception):
    """Root of every error that this package raises.

    It can be pickled, for a worker of Kedro's ParallelRunner to raise it. A command of Kedro's that ends with it shows
    its message alone; the traceback is shown with Kedro's ``--verbose``, and where DEBUG is logged for this package.
    """

    def __init__(self, message: str) -> None:
        super().__init__(showable(message))

    def show(self, file: IO[str] | None = None) -> None:
        """Show it as the end of a command, as click asks for."""
        import logging

        # Only click calls this; imported by name, it would become a requirement of every model.
        click = sys.modules["click"]
        # The flag that ``--verbose`` sets.
        cli = sys.modules.get("kedro.framework.cli.utils")
        is_verbose = cli is not None and cli.KedroCliError.VERBOSE_ERROR
        if is_verbose or logging.getLogger(__name__).isEnabledFor(logging.DEBUG):
            import traceback

            click.echo(showable("".join(traceback.format_exception(self))), file=file, err=True)
        else:
            click.secho(str(self), file=file, fg="red", err=True)

    def __reduce__(self) -> tuple[Any, ...]:
        # By itself, an exception would be made again from its message, in the place of its first attribute.
        return _restored, (type(self), self.args, vars(self))


class ConfigurationError(AutologPipelineError):
    """``mlflow.yml`` cannot be used as it is.

    Attributes:
        mistakes: One sentence a mistake, each starting with the path of the key
            it is about; never empty.
    """

    def __init__(self, mistakes: Iterable[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__(
            list_faults("Cannot use 'mlflow.yml'", self.mistakes, "and run again; no node has run.", noun="mistake")
        )


class PreflightError(AutologPipelineError):
    """A training would end without its models, which is known before its first node.

    Attributes:
        faults: One sentence a fault, and what to do; never empty.
    """

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        then = "and run again; no node has run, and no MLflow run was opened."
        super().__init__(list_faults("Cannot start 'kedro run'", self.faults, then))


class ProposalError(AutologPipelineError):
    """Nothing can be proposed for a project until its user has decided or changed something.

    Attributes:
        causes: One sentence a cause, and what to do; never empty.
    """

    def __init__(self, causes: Iterable[str]) -> None:
        self.causes = tuple(causes)
        super().__init__(list_faults("Cannot propose a pair", self.causes, "and run 'kedro autolog init' again."))


class ModelDefinitionError(AutologPipelineError):
    """A ``KedroPipelineModel`` cannot be made of what it was given.

    Attributes:
        cause: What does not fit, one sentence.
        remedy: What to do, one sentence.
    """

    def __init__(self, cause: str, remedy: str) -> None:
        self.cause = cause
        self.remedy = remedy
        super().__init__(f"Cannot make a KedroPipelineModel: {cause} {remedy}")


class PackagingError(AutologPipelineError):
    """A pair cannot be turned into a package.

    Attributes:
        model: Name of the logged model, as in ``mlflow.yml``.
        causes: One sentence a cause; never empty.
    """

    def __init__(self, model: str, causes: Iterable[str]) -> None:
        self.model = model
        self.causes = tuple(causes)
        super().__init__(f"Cannot package '{model}': " + "\n  ".join(self.causes))


class SkewError(PackagingError):
    """An inference pipeline gives other values for rows of the training than training did, and the user wants no model.

    Attributes:
        skew: In what they differ, a sentence.
    """

    def __init__(self, model: str, skew: str, *, is_retry: bool) -> None:
        self.skew = skew
        remedy = "accept the skew by 'skew: warn'."
        if is_retry:
            found = f"it had skew when the run ended, and a retry has no rows of the training to compare. {skew}"
            super().__init__(model, [found, f"Have both pipelines compute it alike and train again, or {remedy}"])
        else:
            super().__init__(model, [f"it has skew. {skew}", f"Have both pipelines compute it alike, or {remedy}"])


class ArtifactChangedError(AutologPipelineError):
    """A dataset's data are no longer those that the run saved or read.

    Attributes:
        dataset: The dataset's name in the catalog.
        path: Where its data are, as its file system names it.
        change: What has happened to them, going on from the path ("is gone").
        is_own: Whether the run saved them.
    """

    def __init__(self, dataset: str, path: str, change: str, *, is_own: bool) -> None:
        self.dataset = dataset
        self.path = path
        self.change = change
        self.is_own = is_own
        had = "saved" if is_own else "read"
        super().__init__(
            f"'{dataset}' is no longer what this run {had}: '{path}' {change}. Another run may have written it. "
            "Version the dataset, or give each run a path of its own, and run again."
        )


class VerificationError(AutologPipelineError):
    """A fresh process did not reproduce what the live pipeline does.

    Attributes:
        model: Name of the logged model, as in ``mlflow.yml``.
        cause: What the process did instead, one sentence or more.
        log: What the process wrote to its error stream; empty when it wrote nothing.
        summary: The message without that.
    """

    def __init__(self, model: str, cause: str, log: str = "") -> None:
        self.model = model
        self.cause = cause
        self.log = log
        self.summary = showable(f"Cannot verify '{model}': {cause}")
        super().__init__(f"{self.summary}\nThe process wrote:\n{log}" if log else self.summary)


class EvaluationError(AutologPipelineError):
    """The packaged pipeline cannot be evaluated on the rows that the user names.

    Attributes:
        model: Name of the logged model, as in ``mlflow.yml``.
        cause: What prevents it and what to do, one sentence or more.
        log: What the process that should have answered wrote to its error stream; empty when it wrote nothing.
    """

    def __init__(self, model: str, cause: str, log: str = "") -> None:
        self.model = model
        self.cause = cause
        self.log = log
        shown = f"\nThe process wrote:\n{log}" if log else ""
        super().__init__(f"Cannot evaluate '{model}': {cause}{shown}")


class PromotionRefusedError(AutologPipelineError):
    """Versions are registered and have not got their alias, and the user wants the command to fail then.

    Attributes:
        refusals: What keeps each from it, a sentence or more; never empty.
    """

    def __init__(self, refusals: Iterable[str]) -> None:
        self.refusals = tuple(refusals)
        super().__init__("\n".join(self.refusals))


class NotPackagedError(AutologPipelineError):
    """A training has ended, and not all of its models are READY.

    Attributes:
        run_id: The MLflow run.
        failures: What went wrong, a sentence or more, by the logged model's name; never empty.
        packaged: URI by the name of each model that is READY.
        retry: The command that packages again what failed, without training.
    """

    def __init__(
        self, run_id: str, failures: Mapping[str, str], packaged: Mapping[str, str], *, kept: str, retry: str
    ) -> None:
        self.run_id = run_id
        self.failures = dict(failures)
        self.packaged = dict(packaged)
        self.retry = retry
        if len(self.failures) + len(self.packaged) == 1:
            what = next(iter(self.failures.values()))
        else:
            lines = [f"  - '{name}': {text}" for name, text in self.failures.items()]
            lines += [f"  - '{name}': packaged as {uri}" for name, uri in self.packaged.items()]
            total = _counted(len(lines), "model")
            what = "\n".join([f"Cannot package {len(self.failures)} of {total}:", *lines])
        super().__init__(
            f"{what}\nWhat was trained is saved, and what was staged is kept in '{kept}'. "
            f"To package it into run '{run_id}' without training:\n  {retry}"
        )


class RunRecordError(AutologPipelineError):
    """A run cannot be packaged again from what is known of it.

    Attributes:
        run_id: The MLflow run.
        causes: One sentence a cause; never empty.
    """

    def __init__(self, run_id: str, causes: Iterable[str]) -> None:
        self.run_id = run_id
        self.causes = tuple(causes)
        super().__init__(f"Cannot package run '{run_id}' again: " + "\n  ".join(self.causes))


class TrackingError(AutologPipelineError):
    """The tracking server did not take what we gave it.

    Attributes:
        action: What we asked for, as a verb phrase ("open a run in 'penguins'").
        cause: What the server or the client answered.
    """

    def __init__(self, action: str, cause: str, remedy: str) -> None:
        self.action = action
        self.cause = cause
        super().__init__(f"Cannot {action}: {cause} {remedy}")


class ModelLoadError(AutologPipelineError):
    """A package on disk cannot be turned into a model.

    Attributes:
        package: The package's directory.
        cause: What in it cannot be read, one sentence.
    """

    def __init__(self, package: str, cause: str, remedy: str) -> None:
        self.package = package
        self.cause = cause
        super().__init__(f"Cannot load the model in '{package}': {cause} {remedy}")


class PredictionError(AutologPipelineError):
    """A request does not fit the model.

    Attributes:
        cause: What does not fit, one sentence.
    """

    def __init__(self, cause: str, remedy: str) -> None:
        self.cause = cause
        super().__init__(f"Cannot predict: {cause} {remedy}")


class ExecutionError(AutologPipelineError):
    """A node does not read or produce what its declaration says.

    Attributes:
        node: The node's full name.
        cause: What does not fit, one sentence.
    """

    def __init__(self, node: str, cause: str, remedy: str) -> None:
        self.node = node
        self.cause = cause
        super().__init__(f"Cannot run node '{node}': {cause} {remedy}")


class CopyError(AutologPipelineError):
    """A dataset's value cannot be copied.

    Attributes:
        dataset: The dataset's name.
        mode: How it should have been copied, as ``copy_mode`` has it.
    """

    def __init__(self, dataset: str, mode: str, kind: str) -> None:
        self.dataset = dataset
        self.mode = mode
        super().__init__(
            f"Cannot copy '{dataset}': its value, a '{kind}', does not allow copy mode '{mode}'. "
            "Set its copy_mode to 'assign' if no node changes it in place."
        )


def showable(text: str) -> str:
    """Return a text as it may be shown to anybody, in a terminal, a log or a tag.

    What others say of an error may name a server with its user and password, and may hold anything that a terminal
    takes for a command.
    """
    return _CONTROL.sub(lambda match: repr(match[0])[1:-1], _USER_OF_URL.sub("", text.replace("\r\n", "\n")))


def list_faults(what: str, faults: Collection[str], then: str, noun: str = "fault") -> str:
    """Return a text that lists faults.

    Args:
        what: What cannot be done.
        faults: One sentence a fault; not empty. What others say in one may go over several lines.
        then: What to do when they are fixed, going on from "Fix these".
        noun: What a fault is called.
    """
    items = "\n".join(f"  - {fault}".replace("\n", "\n    ") for fault in faults)
    return f"{what}: {_counted(len(faults), noun)}.\n{items}\nFix {'this' if len(faults) == 1 else 'these'} {then}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _restored(
    kind: type[AutologPipelineError], arguments: tuple[Any, ...], attributes: Mapping[str, Any]
) -> AutologPipelineError:
    error = kind.__new__(kind, *arguments)
    vars(error).update(attributes)
    return error
