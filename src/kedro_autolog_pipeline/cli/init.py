"""Propose the pairs of a project, and write them into its ``mlflow.yml``."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from kedro.framework import project as kedro_project
from kedro.framework.session import KedroSession
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kedro_autolog_pipeline.cli.options import conf_source_option, verbose_option
from kedro_autolog_pipeline.config.reading import read_config, why_no_environment
from kedro_autolog_pipeline.errors import ProposalError
from kedro_autolog_pipeline.pairing.registry import fetch_pipelines, registered_names
from kedro_autolog_pipeline.proposal.plan import Plan, ProjectAsFound, make_plan

if TYPE_CHECKING:
    from kedro.framework.startup import ProjectMetadata


@click.command()
@click.option("--env", "-e", default=None, help="Kedro environment whose mlflow.yml is written; by default the base.")
@click.option("--training", default=None, help="Name of the pipeline that trains, where several do.")
@click.option("--input", "request", multiple=True, help="Dataset that a request supplies; may be given several times.")
@click.option("--yes", "-y", "is_accepted", is_flag=True, help="Write what is proposed without asking.")
@conf_source_option
@verbose_option
@click.pass_obj
def init(  # noqa: PLR0913 - one for each option
    metadata: ProjectMetadata,
    *,
    env: str | None,
    training: str | None,
    request: tuple[str, ...],
    is_accepted: bool,
    conf_source: str | None,
) -> None:
    """Propose pairs of pipelines, and write them into mlflow.yml.

    Reads the code of the registered pipelines. Where none predicts, an inference pipeline is derived from the one that
    trains, in new files. No node runs. Of the files that exist, only mlflow.yml is changed, and keeps every line.
    """
    with KedroSession.create(project_path=metadata.project_path, env=env, conf_source=conf_source) as session:
        context = session.load_context()  # type: ignore[attr-defined]  # every session of Kedro's has it
        plan = make_plan(_as_found(context, env), training, request)
    if not plan.rows:
        click.echo("mlflow.yml has every pair that was found. Nothing was written.\nNext: kedro autolog check")
        return
    project_path = Path(metadata.project_path)
    _show(plan, project_path)
    if not is_accepted and not click.confirm("Write this?", default=True):
        click.echo("Nothing was written.")
        sys.exit(1)
    for path, text in plan.files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        click.echo(f"wrote {_shown(path, project_path)}")
    _show_next(plan)


def _as_found(context: Any, env: str | None) -> ProjectAsFound:
    loader = context.config_loader
    no_environment = why_no_environment(loader)
    if no_environment is not None:
        raise ProposalError([f"--env: {no_environment}"])
    config = read_config(loader)
    models = () if config is None else config.autolog_pipeline.models
    package = str(kedro_project.PACKAGE_NAME)
    registry = import_module(f"{package}.pipeline_registry")
    catalog = context.catalog
    return ProjectAsFound(
        package=package,
        package_directory=Path(str(import_module(package).__file__)).parent,
        pipelines=fetch_pipelines(registered_names()),
        in_catalog=lambda name: name in catalog,
        register=getattr(registry, "register_pipelines", None),
        paired={model.inference for model in models},
        models={model.name for model in models},
        mlflow_yml=Path(loader.conf_source) / (env or loader.base_env) / "mlflow.yml",
    )


def _show(plan: Plan, project_path: Path) -> None:
    table = Table("model", "training", "inference", "a request supplies", "training produces", "metrics")
    for row in plan.rows:
        pair = row.pair
        cells = (pair.model, pair.training, pair.inference, *map(", ".join, (pair.request, row.trained, pair.metrics)))
        table.add_row(*(Text(cell or "-") for cell in cells))
    console = Console(highlight=False)
    console.print(table)
    for title, sentences in (("Cut", plan.cuts), ("For you to decide", plan.questions)):
        if sentences:
            click.echo(f"{title}:")
            for sentence in sentences:
                click.echo(f"  - {sentence.replace(f'{project_path}/', '')}")
    click.echo("To write:")
    for path in plan.files:
        click.echo(f"  {_shown(path, project_path)}" + (" (its lines stay)" if path.exists() else ""))


def _show_next(plan: Plan) -> None:
    if plan.registration is not None:
        click.echo(plan.registration)
    if plan.questions:
        click.echo("Answer what is marked QUESTION in the new pipeline.py.")
    click.echo("Next: kedro autolog check")


def _shown(path: Path, project_path: Path) -> str:
    return path.relative_to(project_path).as_posix() if path.is_relative_to(project_path) else f"{path}"
