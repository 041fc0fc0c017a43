"""Tests of errors."""

from __future__ import annotations

import pickle

from kedro_autolog_pipeline.errors import (
    ArtifactChangedError,
    AutologPipelineError,
    ConfigurationError,
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
            "Cannot use 'mlflow.yml': 2 mistakes.\n  - a: wrong.\n  - b: wrong.\nCorrect them and run again; "
            "no node has run."
        ),
        ConfigurationError(["a: wrong."]): (
            "Cannot use 'mlflow.yml': 1 mistake.\n  - a: wrong.\nCorrect them and run again; no node has run."
        ),
        PreflightError(["a: wrong.", "it says:\nno."]): (
            "Cannot start the training: 2 faults.\n  - a: wrong.\n  - it says:\n    no.\nCorrect them and run again; "
            "no node has run, and no MLflow run was opened."
        ),
        PackagingError("m", ["no data. Train.", "no file. Add it."]): (
            "Cannot package 'm': no data. Train.\n  no file. Add it."
        ),
        ArtifactChangedError("d", "/p", "is gone"): (
            "'d' is no longer what this run saved: '/p' is gone. Another run may have written it. "
            "Version the dataset, or give each run a path of its own, and run again."
        ),
        VerificationError("m", "it differs."): "Cannot verify 'm': it differs.",
        VerificationError("m", "it died.", "a\nb"): "Cannot verify 'm': it died.\nThe process wrote:\na\nb",
        TrackingError("open a run", "no answer.", "Start it."): "Cannot open a run: no answer. Start it.",
        ModelLoadError("/p", "no file.", "Log it again."): "Cannot load the model in '/p': no file. Log it again.",
        PredictionError("no input.", "Give one."): "Cannot predict: no input. Give one.",
    }

    for error, message in messages.items():
        assert message == str(error)
        assert isinstance(error, AutologPipelineError)


def test_an_error_comes_back_from_a_worker() -> None:
    """A process hands it over as a pickle, message, attributes and notes included."""
    error = VerificationError("m", "it died.", "a")
    error.__notes__ = ["seen by node 'predict'"]

    back = pickle.loads(pickle.dumps(error))

    assert (VerificationError, str(error), vars(error)) == (type(back), str(back), vars(back))
    assert ("m", "it died.", "a") == (back.model, back.cause, back.log)
