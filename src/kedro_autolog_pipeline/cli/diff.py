"""Show in what two logged models differ."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from kedro_autolog_pipeline.cli.options import WIDTH, verbose_option
from kedro_autolog_pipeline.cli.report import branch, shortened
from kedro_autolog_pipeline.cli.server import Server, open_server, tracking_uri_option
from kedro_autolog_pipeline.errors import TrackingError, showable

if TYPE_CHECKING:
    from kedro_autolog_pipeline.package.difference import Change, LoggedPackage, Section
    from kedro_autolog_pipeline.tracking.stored_model import StoredModel


@click.command()
@click.argument("first")
@click.argument("second")
@tracking_uri_option
@click.option("--json", "is_json", is_flag=True, help="Print one JSON document, as the last line.")
@verbose_option
@click.pass_context
def diff(context: click.Context, first: str, second: str, tracking_uri: str | None, *, is_json: bool) -> None:
    """Show how two logged models differ.

    FIRST and SECOND are models:/<model id>, models:/<name>/<version> or models:/<name>@<alias>; in a project also an
    alias alone, such as champion. Artifacts are compared by their digests and are not downloaded.
    """
    with open_server(context.obj, tracking_uri) as server:
        uris = server.uri_of(first), server.uri_of(second)
        changes = _compare(*uris, server)
    if is_json:
        click.echo(json.dumps({"first": uris[0], "second": uris[1], "changes": _as_json(changes)}))
    elif changes:
        Console(highlight=False, width=WIDTH).print(_as_tree(*uris, changes))
    else:
        click.echo(showable(f"'{uris[0]}' and '{uris[1]}' do not differ."))


def _compare(first: str, second: str, server: Server) -> dict[Section, list[Change]]:
    from kedro_autolog_pipeline.package.difference import find_changes
    from kedro_autolog_pipeline.tracking.stored_model import find_stored_model

    models = [find_stored_model(uri, server.client) for uri in (first, second)]
    with TemporaryDirectory(prefix="kedro-autolog-pipeline-") as directory:
        packages = []
        for number, model in enumerate(models):
            place = Path(directory, f"{number}")
            place.mkdir()
            packages.append(_fetch(model, place, server))
        return find_changes(*packages)


def _fetch(model: StoredModel, directory: Path, server: Server) -> LoggedPackage:
    """Fetch what is compared of a package.

    Raises:
        TrackingError: When its files cannot be downloaded.
    """
    from mlflow.exceptions import MlflowException

    from kedro_autolog_pipeline.importing.package_code import CODE_DIRECTORY
    from kedro_autolog_pipeline.package.difference import LoggedPackage
    from kedro_autolog_pipeline.package.writing import MLMODEL_FILE
    from kedro_autolog_pipeline.serving.manifest import MANIFEST_FILE, read_manifest

    uri = server.client.tracking_uri
    try:
        package = model.files(directory, uri, MANIFEST_FILE).parent
        model.files(directory, uri, MLMODEL_FILE)
        if read_manifest(package).code:
            model.files(directory, uri, CODE_DIRECTORY)
    except (MlflowException, OSError) as error:
        raise TrackingError(
            f"compare '{model.uri}'",
            f"its files cannot be downloaded ({error}).",
            "Only what this plugin has packaged, and is still there, can be compared.",
        ) from error
    return LoggedPackage(package, model.parameters, model.metrics)


def _as_json(changes: Mapping[Section, Iterable[Change]]) -> dict[str, dict[str, dict[str, str | None]]]:
    return {
        section.value: {change.name: {"first": change.first, "second": change.second} for change in found}
        for section, found in changes.items()
    }


def _as_tree(first: str, second: str, changes: Mapping[Section, Iterable[Change]]) -> Tree:
    tree = Tree(Text(showable(f"{first} → {second}")))
    for section, found in changes.items():
        branch(tree, section.value, _rows(section, found))
    return tree


def _rows(section: Section, changes: Iterable[Change]) -> Iterator[tuple[str, str]]:
    from kedro_autolog_pipeline.package.difference import Section

    for change in changes:
        if change.first is None or change.second is None:
            number, value = ("second", change.second) if change.first is None else ("first", change.first)
            said = f"only in the {number}"
        else:
            value, said = f"{shortened(change.first)} → {shortened(change.second)}", "changed"
        is_shown = section not in {Section.FUNCTIONS, Section.FILES, Section.ARTIFACTS}
        yield showable(change.name), showable(f"{said}: {value}" if is_shown else said)
