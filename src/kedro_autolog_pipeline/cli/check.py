"""Show what a training would package, and all that is known to prevent it; nothing runs."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click
from kedro.framework.session import KedroSession
from rich.console import Console
from rich.text import Text

from kedro_autolog_pipeline.cli.options import WIDTH, conf_source_option, verbose_option
from kedro_autolog_pipeline.cli.report import ModelReport, as_json, as_tree, describe, store_state
from kedro_autolog_pipeline.config.project import Project, read_project
from kedro_autolog_pipeline.config.reading import why_no_environment, why_not_configured
from kedro_autolog_pipeline.errors import AutologPipelineError, ConfigurationError, list_faults, showable
from kedro_autolog_pipeline.pairing.registry import loading_only
from kedro_autolog_pipeline.preflight.checks import Preflight, check_project

if TYPE_CHECKING:
    from kedro.framework.startup import ProjectMetadata


@click.command()
@click.option("--env", "-e", default=None, help="Kedro environment whose configuration is checked.")
@conf_source_option
@click.option(
    "--json",
    "is_json",
    is_flag=True,
    help="Print one JSON document, as the last line; the documentation has its schema. Everything else goes to the "
    "error stream. Only Kedro's first line of logging does not, unless KEDRO_LOGGING_CONFIG says otherwise.",
)
@verbose_option
@click.pass_obj
def check(metadata: ProjectMetadata, env: str | None, conf_source: str | None, *, is_json: bool) -> None:
    """Show what a training would package, and every fault.

    No node runs, and no run or experiment is made. Exits with 1 when there is a fault.
    """
    # Kedro and the project's own modules write to the standard output what they like.
    with redirect_stdout(sys.stderr) if is_json else nullcontext():
        found = _look(Path(metadata.project_path), env, conf_source)
    if is_json:
        click.echo(json.dumps(found.as_json()))
    elif found.preflight is not None:
        _print(found.preflight, found.reports)
    elif found.why_nothing is not None:
        click.echo(found.why_nothing)
    if found.faults:
        then = "before the next training."
        click.secho(showable(list_faults("'kedro autolog check'", found.faults, then)), fg="red", err=True)
        sys.exit(1)


@attrs.frozen
class _Findings:
    """What a look at a project has found.

    Attributes:
        faults: What prevents its models, one sentence each.
        preflight: What is known of its models; None when it could not be looked at, or packages nothing.
        reports: Its models.
        why_nothing: Why nothing is packaged where the user wants it so; None otherwise.
    """

    faults: tuple[str, ...] = ()
    preflight: Preflight | None = None
    reports: tuple[ModelReport, ...] = ()
    why_nothing: str | None = None

    def as_json(self) -> dict[str, object]:
        """Return what a program reads of it."""
        if self.preflight is not None:
            return as_json(self.preflight, self.reports)
        return {"faults": list(self.faults), "remarks": [], "tracking_server": None, "experiment": None, "models": []}


def _look(project_path: Path, env: str | None, conf_source: str | None) -> _Findings:
    """Look at a project, and find a fault in whatever cannot be looked at."""
    try:
        with KedroSession.create(project_path=project_path, env=env, conf_source=conf_source) as session:
            context = session.load_context()  # type: ignore[attr-defined]  # every session of Kedro's has it
            no_environment = why_no_environment(context.config_loader)
            if no_environment is not None:
                return _Findings(faults=(f"--env: {no_environment}",))
            project = read_project(context)
            if project is not None:
                return _look_at_models(project, context)
            not_configured = why_not_configured(context.config_loader)
            if not_configured is not None:
                return _Findings(faults=(not_configured,))
            return _Findings(why_nothing="'autolog_pipeline.enabled' is false in mlflow.yml: nothing is packaged.")
    except ConfigurationError as error:
        return _Findings(faults=error.mistakes)
    except AutologPipelineError:
        raise
    except Exception as error:  # noqa: BLE001 - Kedro, its plugins and the project's modules may raise anything
        return _Findings(faults=(f"Kedro cannot load this project: {type(error).__name__}: {error}",))


def _look_at_models(project: Project, context: Any) -> _Findings:
    # As `kedro run --pipelines` does, for a pipeline that it does not run may be one that it cannot load.
    with loading_only(project.config.autolog_pipeline.models[0].training):
        catalog = context.catalog
        preflight = check_project(project, catalog)
        reports = tuple(describe(candidate, project, catalog) for candidate in preflight.candidates)
    return _Findings(faults=preflight.faults, preflight=preflight, reports=reports)


def _print(preflight: Preflight, reports: tuple[ModelReport, ...]) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        # A program that reads it has each line whole; a terminal has lines that keep to their branch of the tree.
        console = Console(highlight=False, width=WIDTH)
    for report in reports:
        console.print(as_tree(report))
    console.print(Text(f"tracking server: {preflight.store.public_uri} ({store_state(preflight)})"))
    destination = preflight.destination
    if destination is not None:
        run = "" if destination.run_id is None else f", run {destination.run_id}"
        console.print(Text(f"experiment: {destination.experiment}{run} ({destination.state.value})"))
    for remark in preflight.remarks:
        console.print(Text(showable(f"remark: {remark}"), style="yellow"))
    if not preflight.faults:
        console.print("No fault was found.")
