"""Move an alias of a registered model by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from kedro_autolog_pipeline.cli.options import verbose_option
from kedro_autolog_pipeline.cli.server import Server, open_server, tracking_uri_option
from kedro_autolog_pipeline.errors import TrackingError, showable

if TYPE_CHECKING:
    from kedro_autolog_pipeline.tracking.promotion import Promotion


@click.command()
@click.argument("uri")
@click.option("--alias", required=True, help="The alias that is moved, such as champion.")
@tracking_uri_option
@click.option("--json", "is_json", is_flag=True, help="Print one JSON document, as the last line.")
@verbose_option
@click.pass_context
def promote(context: click.Context, uri: str, alias: str, tracking_uri: str | None, *, is_json: bool) -> None:
    """Move an alias to the version of a READY model; to take that back, promote the version before.

    URI is models:/<name>/<version> or models:/<name>@<alias>, or models:/<model id> of a model that is registered
    once; in a project also an alias alone, such as challenger.
    """
    with open_server(context.obj, tracking_uri) as server:
        done = _promote(server.uri_of(uri), alias, server)
    if is_json:
        document = {"name": done.name, "version": done.version, "alias": done.alias, "before": done.before}
        click.echo(json.dumps(document))
        return
    if done.before == done.version:
        click.echo(showable(f"'{done.uri}' is '{done.alias}' already."))
        return
    click.echo(showable(f"'{done.uri}' is '{done.alias}' now."))
    if done.before is not None:
        back = f"kedro autolog promote models:/{done.name}/{done.before} --alias {done.alias}"
        click.echo(showable(f"It was version {done.before}. To take that back:\n  {back}"))


def _promote(uri: str, alias: str, server: Server) -> Promotion:
    from mlflow.exceptions import MlflowException

    from kedro_autolog_pipeline.tracking.promotion import move_alias, plan_promotion
    from kedro_autolog_pipeline.tracking.stored_model import find_stored_model

    model = find_stored_model(uri, server.client)
    try:
        promotion = plan_promotion(model, alias, server.client)
        move_alias(promotion, server.client)
    except MlflowException as error:
        raise TrackingError(f"promote '{uri}'", f"{error.message}", "Try again.") from error
    return promotion
