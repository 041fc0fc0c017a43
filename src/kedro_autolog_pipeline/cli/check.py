"""A project comes in, what would be packaged and every mistake in its configuration go out; nothing runs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from kedro.framework.session import KedroSession

from kedro_autolog_pipeline.errors import ConfigurationError
from kedro_autolog_pipeline.packaging.pairing import Pair
from kedro_autolog_pipeline.packaging.selection import resolve_pairs
from kedro_autolog_pipeline.project import read_project

if TYPE_CHECKING:
    from kedro.framework.startup import ProjectMetadata


@click.command()
@click.option("--env", "-e", default=None, help="Kedro environment whose configuration is checked.")
@click.pass_obj
def check(metadata: ProjectMetadata, env: str | None) -> None:
    """Show what a training run would package, and every mistake in mlflow.yml."""
    with KedroSession.create(project_path=metadata.project_path, env=env) as session:
        context = session.load_context()  # type: ignore[attr-defined]  # every session of Kedro's has it
        try:
            project = read_project(context)
            if project is None:
                click.echo("mlflow.yml has no 'autolog_pipeline', or switches it off: nothing is packaged.")
                return
            pairs = resolve_pairs(
                project.config.autolog_pipeline.models, context.catalog, metadata.project_path, project.parameters
            )
        except ConfigurationError as error:
            click.secho(str(error), fg="red", err=True)
            sys.exit(1)
    for pair in pairs:
        click.echo(_tree(pair))


def _tree(pair: Pair) -> str:
    config = pair.config
    width = max(map(len, pair.origins))
    lines = [f"{config.name}: '{config.training}' trains, '{config.inference}' predicts"]
    lines += [f"  {name:<{width}}  {origin.value}" for name, origin in pair.origins.items()]
    lines += [f"  returns {', '.join(sorted(pair.inference.outputs()))}"]
    return "\n".join(lines)
