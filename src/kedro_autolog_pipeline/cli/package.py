"""Package the models of a run again, without training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from omegaconf import OmegaConf

from kedro_autolog_pipeline.cli.options import conf_source_option, verbose_option
from kedro_autolog_pipeline.lifecycle.repackaging import Request, repackage

if TYPE_CHECKING:
    from kedro.framework.startup import ProjectMetadata


def _read_params(_: click.Context, __: click.Parameter, text: str) -> Any:
    """Read parameters in the form in which ``kedro run`` takes them."""
    items = [item.strip() for item in text.split(",") if item.strip()]
    for item in items:
        if "=" not in item[1:]:
            raise click.BadParameter(f"'{item}' is not of the form name=value.")
    return OmegaConf.to_container(OmegaConf.from_dotlist(items))


@click.command()
@click.option("--run-id", required=True, help="The MLflow run whose models are packaged.")
@click.option("--env", "-e", default=None, help="Kedro environment; by default the one that the run had.")
@click.option(
    "--model", "models", multiple=True, help="Name of a model; by default each model that is not READY in the run."
)
@click.option(
    "--unrecorded",
    is_flag=True,
    help="Take artifacts from the catalog, though no record shows that the run saved them.",
)
@click.option("--end-run", "ends_run", is_flag=True, help="End the run as FINISHED when its models are READY.")
@conf_source_option
@click.option(
    "--params",
    "runtime_params",
    default="",
    callback=_read_params,
    help="Parameters, as for 'kedro run'. Give again those that no pipeline reads; the run does not record them.",
)
@verbose_option
@click.pass_obj
def package(  # noqa: PLR0913 - one for each option
    metadata: ProjectMetadata,
    *,
    run_id: str,
    env: str | None,
    models: tuple[str, ...],
    conf_source: str | None,
    runtime_params: dict[str, Any],
    unrecorded: bool,
    ends_run: bool,
) -> None:
    """Package the models of a run again, without training."""
    packaging = repackage(
        Request(run_id, metadata.project_path, env, models, unrecorded, runtime_params, conf_source, ends_run)
    )
    if packaging.failure is not None:
        raise packaging.failure
    for model in packaging.ready:
        click.echo(f"'{model.name}' is READY as {model.uri}.")
