"""Tell whoever types ``kedro run`` where the run is tracked, and what to do with its models."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from kedro_autolog_pipeline.errors import showable
from kedro_autolog_pipeline.garbage import is_command
from kedro_autolog_pipeline.lifecycle.git_checkout import find_unignored
from kedro_autolog_pipeline.tracking.run import TrackedRun
from kedro_autolog_pipeline.tracking.store import ARTIFACTS_DIRECTORY, DATABASE_FILE, Store


def announce_run(tracked: TrackedRun) -> None:
    """Say where to look at a run that begins."""
    _say(f"This training is MLflow run {tracked.run_id}. To look at it: {_look(tracked)}")


def announce_new_store(project_path: Path) -> None:
    """Say which of the files that the first run makes in the project git would take for files to commit."""
    names = find_unignored(project_path, (DATABASE_FILE, f"{ARTIFACTS_DIRECTORY}/"))
    if names:
        lines = "\n".join(f"  /{name}" for name in names)
        _say(f"MLflow's store is new in this git checkout. To keep it out of commits, add to .gitignore:\n{lines}")


def announce_model(name: str, uri: str, proof: str, tracked: TrackedRun) -> None:
    """Say what is proven of a READY model, and give the commands to look at it and to serve it.

    Args:
        name: The model's name.
        uri: What ``mlflow.pyfunc.load_model`` takes.
        proof: What is proven, one sentence.
        tracked: Its run.
    """
    _say(f"'{name}' is READY. {proof}\n  look:  {_look(tracked)}\n  serve: {serve_command(uri, tracked.store)}")


def announce_refusal(name: str, version: str, decision: str) -> None:
    """Say that a version is registered, and what keeps it from its alias.

    Args:
        name: The model's name.
        version: The version.
        decision: What has become of the alias, going on from "it is".
    """
    _say(f"'{name}' is registered as version {version}, and is {decision}")


def serve_command(uri: str, store: Store) -> str:
    """Return the command that serves a model where its requirements are installed.

    Args:
        uri: What ``mlflow.pyfunc.load_model`` takes.
        store: Where the model is.
    """
    serve = shlex.join(["mlflow", "models", "serve", "--model-uri", uri, "--env-manager", "local"])
    return f"MLFLOW_TRACKING_URI={shlex.quote(store.public_uri)} {serve}"


def _look(tracked: TrackedRun) -> str:
    """Return the address of a run's page, or the command that starts a server for it where none is running."""
    uri = tracked.store.public_uri
    if uri.startswith(("http://", "https://")):
        return f"{uri.rstrip('/')}/#/experiments/{tracked.experiment_id}/runs/{tracked.run_id}"
    return shlex.join(["mlflow", "ui", "--backend-store-uri", uri])


def _say(text: str) -> None:
    # A log would break the commands where its column ends, and a notebook shows what it shows.
    if is_command():
        click.echo(showable(text))
