"""What went wrong, as data: every error of this package, each with its attributes and its message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


class AutologPipelineError(Exception):
    """Root of every error that this package raises.

    It can be pickled, for a worker of Kedro's ParallelRunner to raise it.
    """

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
        listed = "\n".join(f"  - {mistake}" for mistake in self.mistakes)
        super().__init__(
            f"Cannot use 'mlflow.yml': {_counted(len(self.mistakes), 'mistake')}.\n{listed}\n"
            "Correct them and run again; no node has run."
        )


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


class VerificationError(AutologPipelineError):
    """A fresh process did not reproduce what the live pipeline does.

    Attributes:
        model: Name of the logged model, as in ``mlflow.yml``.
        cause: What the process did instead, one sentence or more.
        log: What the process wrote to its error stream; empty when it wrote nothing.
    """

    def __init__(self, model: str, cause: str, log: str = "") -> None:
        self.model = model
        self.cause = cause
        self.log = log
        shown = f"\nThe process wrote:\n{log}" if log else ""
        super().__init__(f"Cannot verify '{model}': {cause}{shown}")


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


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _restored(
    kind: type[AutologPipelineError], arguments: tuple[Any, ...], attributes: Mapping[str, Any]
) -> AutologPipelineError:
    error = kind.__new__(kind, *arguments)
    vars(error).update(attributes)
    return error
