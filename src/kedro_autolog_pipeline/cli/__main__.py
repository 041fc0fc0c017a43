"""Run the commands beside a packaged project, of which the ``kedro`` command knows none."""

from __future__ import annotations

from pathlib import Path

import attrs
import click
from kedro.framework.project import configure_project

from kedro_autolog_pipeline.cli.check import check
from kedro_autolog_pipeline.cli.package import package


@attrs.frozen
class PackagedProject:
    """A project that is installed as a package.

    Attributes:
        project_path: The directory that its paths are relative to.
    """

    project_path: Path


@click.group(commands=[check, package])
@click.option("--package-name", required=True, help="The project's Python package, which is installed.")
@click.pass_context
def main(context: click.Context, package_name: str) -> None:
    """Run the commands of 'kedro autolog' beside a packaged project, in the directory where it trains."""
    configure_project(package_name)
    context.obj = PackagedProject(Path.cwd())


if __name__ == "__main__":
    main(prog_name="python -m kedro_autolog_pipeline.cli")
