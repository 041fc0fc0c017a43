"""Move an alias of a registered model by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from kedro_autolog_pipeline.cli.options import verbose_option
from kedro_autolog_pipeline.cli.server import Server, open_server, tracking_uri_option
from kedro_autolog_pipeline.errors import TrackingError, showable

if TYPE_CHECKING:
    from kedro_autolog_pipeline.config.schema import ModelConfig
    from kedro_autolog_pipeline.tracking.promotion import Promotion


@click.command()
@click.argument("uri")
@click.option("--alias", required=True, help="The alias that is moved, such as champion.")
@click.option(
    "--force", "is_forced", is_flag=True, help="Move it without asking 'promote_when'; a tag of the version says so."
)
@tracking_uri_option
@click.option("--json", "is_json", is_flag=True, help="Print one JSON document, as the last line.")
@verbose_option
@click.pass_context
def promote(  # noqa: PLR0913 - one for each option
    context: click.Context, uri: str, alias: str, tracking_uri: str | None, *, is_forced: bool, is_json: bool
) -> None:
    """Move an alias to the version of a READY model.

    To roll back, promote the version before.

    URI is models:/<name>/<version> or models:/<name>@<alias>, or models:/<model id> of a model that is registered
    once; in a project also an alias alone, such as challenger. Where 'promote_when' in mlflow.yml guards the alias, the
    version is evaluated first, and has to meet its conditions.
    """
    with open_server(context.obj, tracking_uri) as server:
        done = _promote(server.uri_of(uri), alias, server, is_forced=is_forced)
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


def _promote(uri: str, alias: str, server: Server, *, is_forced: bool) -> Promotion:
    from mlflow.exceptions import MlflowException

    from kedro_autolog_pipeline.tracking.promotion import move_alias, plan_promotion
    from kedro_autolog_pipeline.tracking.stored_model import find_stored_model

    model = find_stored_model(uri, server.client)
    try:
        promotion = plan_promotion(model, alias, server.client)
        gate = server.gate_of(promotion.name, alias)
        if gate is None or promotion.before == promotion.version:
            move_alias(promotion, server.client)
        elif is_forced:
            note = f"promoted to '{alias}' by --force: 'promote_when' was not asked."
            move_alias(promotion, server.client, note)
        else:
            _pass(gate, promotion, server)
    except MlflowException as error:
        raise TrackingError(f"promote '{uri}'", f"{error.message}", "Try again.") from error
    return promotion


def _pass(gate: ModelConfig, promotion: Promotion, server: Server) -> None:
    """Move the alias when the conditions of its pair hold.

    Raises:
        TrackingError: When one does not hold.
        EvaluationError: When the version cannot be evaluated.
        MlflowException: When the server does not answer.
    """
    from kedro.framework.session import KedroSession

    from kedro_autolog_pipeline.evaluation.promotion import find_contender
    from kedro_autolog_pipeline.evaluation.promotion import promote as promote_contender
    from kedro_autolog_pipeline.tracking.stored_model import find_stored_model

    assert server.project is not None  # noqa: S101 - it has the gate
    stored = find_stored_model(promotion.uri, server.client)
    with KedroSession.create(project_path=server.project.path) as session:
        catalog = session.load_context().catalog  # type: ignore[attr-defined]  # every session of Kedro's has it
        contender = find_contender(stored, gate, catalog, server.store)
    decision = promote_contender(contender, server.store)
    if not decision.is_promoted:
        remedy = "To move it without asking 'promote_when', add --force."
        raise TrackingError(f"promote '{promotion.uri}'", decision.why_refused, remedy)
