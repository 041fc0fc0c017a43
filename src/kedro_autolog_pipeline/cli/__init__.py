"""Register the commands with Kedro; each is imported only when it is run."""

from __future__ import annotations

import click
from kedro.framework.cli.utils import LazyGroup


@click.group(name="kedro-autolog-pipeline")
def commands() -> None:
    """Commands of kedro-autolog-pipeline."""


@commands.group(
    name="autolog",
    cls=LazyGroup,
    lazy_subcommands={
        "check": "kedro_autolog_pipeline.cli.check.check",
        "diff": "kedro_autolog_pipeline.cli.diff.diff",
        "init": "kedro_autolog_pipeline.cli.init.init",
        "list": "kedro_autolog_pipeline.cli.list_models.list_models",
        "package": "kedro_autolog_pipeline.cli.package.package",
        "promote": "kedro_autolog_pipeline.cli.promote.promote",
        "verify": "kedro_autolog_pipeline.cli.verify.verify",
    },
)
def autolog() -> None:
    """Package inference pipelines with the training that feeds them."""
