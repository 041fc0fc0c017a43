"""Write the JSON Schema of ``mlflow.yml``."""

from __future__ import annotations

from pathlib import Path

import click

from kedro_autolog_pipeline.config.json_schema import written_schema


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
def schema(file: Path) -> None:
    """Write the JSON Schema of mlflow.yml, which editors use, to FILE."""
    file.write_text(written_schema(), encoding="utf-8")
