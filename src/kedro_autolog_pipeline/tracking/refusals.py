"""Say what a tracking server's refusal of a user means, and which key to correct."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from mlflow.exceptions import MlflowException

_WHERE = (
    "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD (or MLFLOW_TRACKING_TOKEN), in the entry of credentials.yml "
    "that 'server.credentials' of mlflow.yml names, or in the environment where it names none"
)


@attrs.frozen
class Refusal:
    """Why a server does not do what it was asked.

    Attributes:
        cause: What it says, without what it was given.
        remedy: What to do about it.
    """

    cause: str
    remedy: str


def explain_refusal(error: MlflowException, remedy: str) -> Refusal:
    """Explain an error of a tracking server.

    Args:
        error: What MLflow has raised.
        remedy: What to do about an error that does not concern the user's rights.
    """
    status = http_status(error)
    if status == HTTPStatus.UNAUTHORIZED:
        return Refusal("it does not accept the user and password (401).", f"Correct {_WHERE}.")
    if status == HTTPStatus.FORBIDDEN:
        return Refusal(
            "it does not allow that to this user (403).",
            f"Ask whoever runs the server for the right to it, or give another user: {_WHERE}.",
        )
    return Refusal(f"{f'{error.message}'.rstrip('. ')}.", remedy)


def http_status(error: MlflowException) -> int:
    """Return the status of HTTP that an error of MLflow's has, of a server or of a database alike."""
    return int(error.get_http_status_code())  # type: ignore[no-untyped-call]  # MLflow's
