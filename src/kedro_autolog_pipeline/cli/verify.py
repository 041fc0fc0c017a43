"""Check a model that is stored, where it is going to run."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from kedro_autolog_pipeline.cli.server import open_server, tracking_uri_option
from kedro_autolog_pipeline.errors import AutologPipelineError, showable

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from kedro_autolog_pipeline.verification.stored_package import Check


@click.command()
@click.argument("uri")
@tracking_uri_option
@click.option("--timeout", default=300.0, show_default=True, help="Seconds to load the model and to answer.")
@click.option("--json", "is_json", is_flag=True, help="Print one JSON document, as the last line.")
@click.pass_context
def verify(context: click.Context, uri: str, tracking_uri: str | None, timeout: float, *, is_json: bool) -> None:
    """Check that a stored model is unchanged and loads here.

    URI is models:/<model id>, models:/<name>/<version> or models:/<name>@<alias>. The manifest is compared with the
    model's tag, every file with the manifest; then a fresh process loads the model and answers its input example, when
    it has one. Exits with 1 when there is a fault.
    """
    try:
        with open_server(context.obj, tracking_uri) as server:
            found = _check(uri, server.client, timeout)
        faults, result = found.faults, {"files": found.files, "has_answered": found.has_answered}
    except AutologPipelineError as error:
        faults, result = (str(error),), {"files": 0, "has_answered": False}
    if is_json:
        click.echo(json.dumps({"uri": uri, "faults": list(faults), **result}))
    elif not faults:
        answered = "answers its input example" if result["has_answered"] else "loads; it has no input example to answer"
        click.echo(f"'{uri}' is what was packaged: {result['files']} files. Here it {answered}.")
    if faults:
        lines = "\n".join(f"  - {fault}" for fault in faults)
        click.secho(showable(f"'{uri}' must not be used:\n{lines}"), fg="red", err=True)
        sys.exit(1)


def _check(uri: str, client: MlflowClient, timeout: float) -> Check:
    from mlflow.exceptions import MlflowException

    from kedro_autolog_pipeline.tracking.stored_model import find_stored_model
    from kedro_autolog_pipeline.verification.stored_package import Check, check_package

    model = find_stored_model(uri, client)
    with TemporaryDirectory(prefix="kedro-autolog-pipeline-") as directory:
        try:
            package = model.files(Path(directory), client.tracking_uri)
        except (MlflowException, OSError) as error:
            return Check((f"Its files cannot be downloaded ({error}).",), 0, has_answered=False)
        return check_package(package, model.digests, timeout)
