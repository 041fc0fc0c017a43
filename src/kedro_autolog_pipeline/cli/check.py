"""Show what a training would package, and all that is known to prevent it; nothing runs."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import click
from kedro.framework.session import KedroSession
from rich.console import Console
from rich.text import Text

from kedro_autolog_pipeline.cli.report import ModelReport, as_json, as_tree, describe, store_state
from kedro_autolog_pipeline.config.project import read_project
from kedro_autolog_pipeline.errors import ConfigurationError, list_faults, showable
from kedro_autolog_pipeline.preflight.checks import Preflight, check_project

if TYPE_CHECKING:
    from kedro.framework.startup import ProjectMetadata


_WIDTH = 10_000


@click.command()
@click.option("--env", "-e", default=None, help="Kedro environment whose configuration is checked.")
@click.option("--conf-source", default=None, help="Where the configuration is; by default in the project.")
@click.option(
    "--json",
    "is_json",
    is_flag=True,
    help="Print one JSON document, as the last line. Everything else goes to the error stream, but for the line that "
    "Kedro logs when it starts, unless KEDRO_LOGGING_CONFIG says otherwise.",
)
@click.pass_obj
def check(metadata: ProjectMetadata, env: str | None, conf_source: str | None, *, is_json: bool) -> None:
    """Show what a training would package, and all that is known to prevent it.

    No node runs, and no run or experiment is made. Exits with 1 when there is a fault.
    """
    project_path = Path(metadata.project_path)
    # Kedro and the project's own modules write to the standard output what they like.
    with redirect_stdout(sys.stderr) if is_json else nullcontext():
        try:
            found = _examine(project_path, env, conf_source)
            faults = () if found is None else found[0].faults
        except ConfigurationError as error:
            found, faults = None, error.mistakes
            text = f"{error}"
        else:
            text = list_faults("'kedro autolog check'", faults, "before the next training.") if faults else ""
    if is_json:
        nothing = {"faults": list(faults), "tracking_server": None, "experiment": None, "models": []}
        click.echo(json.dumps(nothing if found is None else as_json(*found)))
    elif found is not None:
        _print(*found)
    elif not faults:
        click.echo("mlflow.yml has no 'autolog_pipeline', or switches it off: nothing is packaged.")
    if faults:
        click.secho(showable(text), fg="red", err=True)
        sys.exit(1)


def _examine(
    project_path: Path, env: str | None, conf_source: str | None
) -> tuple[Preflight, list[ModelReport]] | None:
    """Check a project; None when it does not use this plugin.

    Raises:
        ConfigurationError: When its ``mlflow.yml`` cannot be read.
    """
    with KedroSession.create(project_path=project_path, env=env, conf_source=conf_source) as session:
        context = session.load_context()  # type: ignore[attr-defined]  # every session of Kedro's has it
        project = read_project(context)
        if project is None:
            return None
        catalog = context.catalog
        preflight = check_project(project, catalog)
        return preflight, [describe(candidate, project, catalog) for candidate in preflight.candidates]


def _print(preflight: Preflight, reports: list[ModelReport]) -> None:
    # A long line is for the terminal to wrap, and for a program that reads it to have whole.
    console = Console(highlight=False, width=_WIDTH)
    for report in reports:
        console.print(as_tree(report))
    console.print(Text(f"tracking server: {preflight.store.public_uri} ({store_state(preflight)})"))
    destination = preflight.destination
    if destination is not None:
        run = "" if destination.run_id is None else f", run {destination.run_id}"
        console.print(Text(f"experiment: {destination.experiment}{run} ({destination.state.value})"))
    if not preflight.faults:
        console.print("No fault was found.")
