"""List the logged models of an experiment."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kedro_autolog_pipeline.cli.options import WIDTH, verbose_option
from kedro_autolog_pipeline.cli.server import Server, open_server, tracking_uri_option
from kedro_autolog_pipeline.errors import TrackingError, showable
from kedro_autolog_pipeline.serving.suggestions import suggest

if TYPE_CHECKING:
    from kedro_autolog_pipeline.tracking.experiment_models import ListedModel

_COLUMNS = ("model", "status", "proof", "versions", "metrics", "age", "run", "URI")

# Of each model; all of them are in the document.
_METRICS_SHOWN = 4

_UNITS = {"day": timedelta(days=1), "hour": timedelta(hours=1), "minute": timedelta(minutes=1)}


@click.command("list")
@click.option("--experiment", default=None, help="Name of the experiment; by default the project's.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(min=1), help="How many models at most.")
@tracking_uri_option
@click.option("--json", "is_json", is_flag=True, help="Print one JSON document, as the last line.")
@verbose_option
@click.pass_context
def list_models(
    context: click.Context, experiment: str | None, limit: int, tracking_uri: str | None, *, is_json: bool
) -> None:
    """List the logged models of an experiment, the newest first.

    Shows the status, the proof, the registered versions with their aliases, the metrics and the run of each model.
    """
    with open_server(context.obj, tracking_uri) as server:
        name = experiment or _default_experiment(server)
        models = _find(name, limit, server)
    if is_json:
        click.echo(json.dumps({"experiment": name, "models": [_as_json(model) for model in models]}))
    elif models:
        Console(highlight=False, width=WIDTH).print(_as_table(models))
    else:
        click.echo(showable(f"The experiment '{name}' has no logged models."))


def _default_experiment(server: Server) -> str:
    if server.project is None:
        raise click.UsageError("Outside of a project that packages models, name an experiment by --experiment.")
    return server.project.config.tracking.experiment.name or server.project.package_name


def _find(experiment: str, limit: int, server: Server) -> list[ListedModel]:
    from mlflow.exceptions import MlflowException

    from kedro_autolog_pipeline.tracking.experiment_models import list_models

    try:
        found = server.client.get_experiment_by_name(experiment)
        if found is None:
            known = sorted(each.name for each in server.client.search_experiments())
            remedy = f"{suggest(experiment, known)} Name one by --experiment."
            raise TrackingError(f"list the models of '{experiment}'", "there is no such experiment.", remedy)
        return list_models(found.experiment_id, limit, server.client)
    except MlflowException as error:
        raise TrackingError(f"list the models of '{experiment}'", f"{error.message}", "Try again.") from error


def _as_json(model: ListedModel) -> dict[str, Any]:
    return {
        "name": model.name,
        "uri": model.uri,
        "run_id": model.run_id,
        "created_at": model.created_at.isoformat(),
        "status": model.status,
        "failure": model.failure,
        "proof": model.proof,
        "metrics": dict(model.metrics),
        "versions": [
            {"name": each.name, "version": each.version, "aliases": list(each.aliases)} for each in model.versions
        ],
    }


def _as_table(models: Iterable[ListedModel]) -> Table:
    table = Table(*_COLUMNS, box=None, header_style="cyan", pad_edge=False, padding=(0, 2, 0, 0))
    now = datetime.now(timezone.utc)
    for model in models:
        cells = (
            model.name,
            model.status,
            model.proof or "",
            ", ".join(_versions(model)),
            _metrics(model.metrics),
            _age(now - model.created_at),
            model.run_id or "",
            model.uri,
        )
        table.add_row(*(Text(showable(cell)) for cell in cells))
    return table


def _versions(model: ListedModel) -> Iterator[str]:
    for each in model.versions:
        aliases = "".join(f" @{alias}" for alias in each.aliases)
        yield f"{each.name}/{each.version}{aliases}"


def _metrics(metrics: Mapping[str, float]) -> str:
    shown = [f"{name}={value:.4g}" for name, value in sorted(metrics.items())]
    more = len(shown) - _METRICS_SHOWN
    return ", ".join([*shown[:_METRICS_SHOWN], *([f"{more} more"] if more > 0 else [])])


def _age(age: timedelta) -> str:
    for noun, unit in _UNITS.items():
        number = age // unit
        if number > 0:
            return f"{number} {noun}{'' if number == 1 else 's'}"
    return "now"
