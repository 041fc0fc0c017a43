"""Run the commands that need no project, as ``python -m kedro_autolog_pipeline``."""

from __future__ import annotations

import click

from kedro_autolog_pipeline.cli.diff import diff
from kedro_autolog_pipeline.cli.list_models import list_models
from kedro_autolog_pipeline.cli.promote import promote
from kedro_autolog_pipeline.cli.schema import schema
from kedro_autolog_pipeline.cli.verify import verify

main = click.Group(
    "kedro_autolog_pipeline",
    commands=[diff, list_models, promote, schema, verify],
    help="Commands that need no Kedro project.",
)

if __name__ == "__main__":
    main(prog_name="python -m kedro_autolog_pipeline")
