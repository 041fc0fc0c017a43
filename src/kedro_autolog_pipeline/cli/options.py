"""Options that several commands have, and how wide they write."""

from __future__ import annotations

import click
from kedro.framework.cli.utils import KedroCliError

WIDTH = 10_000
"""Characters in a line: so wide that the terminal wraps long lines, and a program gets them whole."""


def _show_tracebacks(_: click.Context, __: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click passes it so
    KedroCliError.VERBOSE_ERROR = value


conf_source_option = click.option(
    "--conf-source",
    type=click.Path(exists=True, resolve_path=True),
    default=None,
    help="Directory or archive with the configuration; by default the project's.",
)

verbose_option = click.option(
    "--verbose",
    "-v",
    is_flag=True,
    expose_value=False,
    callback=_show_tracebacks,
    help="Show the traceback of an error.",
)
