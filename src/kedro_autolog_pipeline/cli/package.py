"""Package the models of a run again, without training."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from kedro_autolog_pipeline.errors import AutologPipelineError
from kedro_autolog_pipeline.lifecycle.repackaging import Request, repackage

if TYPE_CHECKING:
    from kedro.framework.startup import ProjectMetadata


@click.command()
@click.option("--run-id", required=True, help="The MLflow run whose models are packaged.")
@click.option("--env", "-e", default=None, help="Kedro environment; by default the one that the run had.")
@click.option("--model", "models", multiple=True, help="Name of a model; by default those that the run has not given.")
@click.option(
    "--unrecorded", is_flag=True, help="Take artifacts of the catalog of which nothing tells that the run saved them."
)
@click.pass_obj
def package(
    metadata: ProjectMetadata, run_id: str, env: str | None, models: tuple[str, ...], *, unrecorded: bool
) -> None:
    """Package the models of a run again, without training."""
    try:
        packaging = repackage(Request(run_id, metadata.project_path, env, models, unrecorded))
        if packaging.failure is not None:
            raise packaging.failure
    except AutologPipelineError as error:
        click.secho(str(error), fg="red", err=True)
        sys.exit(1)
    for model in packaging.ready:
        click.echo(f"'{model.name}' is READY as {model.uri}.")
