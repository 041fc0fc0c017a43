"""Tests of errors."""

from __future__ import annotations

import importlib
import pickle
import pkgutil

import pytest

import kedro_autolog_pipeline
from kedro_autolog_pipeline import errors
from kedro_autolog_pipeline.errors import (
    ArtifactChangedError,
    AutologPipelineError,
    ConfigurationError,
    CopyError,
    ExecutionError,
    ModelLoadError,
    PackagingError,
    PredictionError,
    PreflightError,
    TrackingError,
    VerificationError,
)


def test_each_error_says_what_cannot_be_done_why_and_what_to_do() -> None:
    """The messages are an interface: they begin with what cannot be done and end with the remedy."""
    messages = {
        ConfigurationError(["a: wrong.", "b: wrong."]): (
            "Cannot use 'mlflow.yml': 2 mistakes.\n  - a: wrong.\n  - b: wrong.\nFix these and run again; "
            "no node has run."
        ),
        ConfigurationError(["a: wrong."]): (
            "Cannot use 'mlflow.yml': 1 mistake.\n  - a: wrong.\nFix this and run again; no node has run."
        ),
        PreflightError(["a: wrong.", "it says:\nno."]): (
            "Cannot start 'kedro run': 2 faults.\n  - a: wrong.\n  - it says:\n    no.\nFix these and run again; "
            "no node has run, and no MLflow run was opened."
        ),
        PackagingError("m", ["no data. Train.", "no file. Add it."]): (
            "Cannot package 'm': no data. Train.\n  no file. Add it."
        ),
        ArtifactChangedError("d", "/p", "is gone", is_own=True): (
            "'d' is no longer what this run saved: '/p' is gone. Another run may have written it. "
            "Version the dataset, or give each run a path of its own, and run again."
        ),
        VerificationError("m", "it differs."): "Cannot verify 'm': it differs.",
        VerificationError("m", "it died.", "a\nb"): "Cannot verify 'm': it died.\nThe process wrote:\na\nb",
        TrackingError("open a run", "no answer.", "Start it."): "Cannot open a run: no answer. Start it.",
        ModelLoadError("/p", "no file.", "Log it again."): "Cannot load the model in '/p': no file. Log it again.",
        PredictionError("no input.", "Give one."): "Cannot predict: no input. Give one.",
        ExecutionError("n", "no output.", "Return it."): "Cannot run node 'n': no output. Return it.",
        CopyError("d", "copy", "lock"): (
            "Cannot copy 'd': its value, a 'lock', does not allow copy mode 'copy'. Set its copy_mode to 'assign' if "
            "no node changes it in place."
        ),
    }

    for error, message in messages.items():
        assert message == str(error)
        assert isinstance(error, AutologPipelineError)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("no answer from http://me:s3cret@host:80/api.", "no answer from http://host:80/api."),
        ("postgresql+psycopg2://me:a@b@host/d", "postgresql+psycopg2://host/d"),
        ("('https://token@host/x', 'you@host')", "('https://host/x', 'you@host')"),
        ("file:///home/me@host and sqlite:////tmp/a@b", "file:///home/me@host and sqlite:////tmp/a@b"),
        ("\x1b[2Jgone\x07\n\tline\r", "\\x1b[2Jgone\\x07\n\tline\\r"),
    ],
)
def test_a_message_names_nobodys_password_and_commands_no_terminal(said: str, shown: str) -> None:
    """What others say in an error is shown without the user of a URL, its control characters as they are written."""
    assert str(TrackingError("open a run", said, "Start it.")) == f"Cannot open a run: {shown} Start it."


def test_every_error_is_among_the_errors() -> None:
    """No other module defines an error for others to catch."""
    for module in pkgutil.walk_packages(kedro_autolog_pipeline.__path__, "kedro_autolog_pipeline."):
        importlib.import_module(module.name)

    assert {errors.__name__} == {kind.__module__ for kind in _kinds(AutologPipelineError)}


def _kinds(kind: type[AutologPipelineError]) -> set[type[AutologPipelineError]]:
    return {kind}.union(*map(_kinds, kind.__subclasses__()))


def test_an_error_comes_back_from_a_worker() -> None:
    """A process hands it over as a pickle, message, attributes and notes included."""
    error = VerificationError("m", "it died.", "a")
    error.__notes__ = ["seen by node 'predict'"]

    back = pickle.loads(pickle.dumps(error))

    assert (VerificationError, str(error), vars(error)) == (type(back), str(back), vars(back))
    assert ("m", "it died.", "a") == (back.model, back.cause, back.log)


def test_a_message_has_no_control_character() -> None:
    """What a dataset's name or another's error brings cannot steer a terminal; lines and tabs stay."""
    error = ModelLoadError("p", "it says:\r\n\x1b[2J\tno\x07\x9b.", "Read it.")

    assert str(error) == "Cannot load the model in 'p': it says:\n\\x1b[2J\tno\\x07\\x9b. Read it."
