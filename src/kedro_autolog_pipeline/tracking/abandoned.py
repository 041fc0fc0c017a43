"""Mark FAILED the models that a killed process has left PENDING."""

from __future__ import annotations

import os
import platform
import time

import psutil

from kedro_autolog_pipeline.tracking.store import Store
from kedro_autolog_pipeline.tracking.tags import FAILURE_TAG, PROCESS_TAG, STATE_TAG

PENDING = "pending"
SETTLED = "settled"

ABANDONED_AFTER_SECONDS = 24 * 3600
"""How old a PENDING model is that a process of another machine no longer works at: nothing can ask that machine."""

_REASON = "The process that packaged it ended before it could finish."


def this_process() -> str:
    """Name this process: its machine, its id, and its start, since ids are given again."""
    return f"{platform.node()} {os.getpid()} {psutil.Process().create_time():.2f}"


def settle_abandoned(store: Store, experiment_id: str, *, run_id: str | None = None) -> list[str]:
    """Mark FAILED what processes that were killed have left PENDING.

    Args:
        store: The tracking server.
        experiment_id: The experiment to look through.
        run_id: A run whose models are settled however young they are, unless their process is seen to live; None
            for none.

    Returns:
        The ids of the models that were settled.

    Raises:
        MlflowException: When the server does not answer.
    """
    from mlflow.entities import LoggedModelStatus

    client = store.client()
    settled = []
    page_token: str | None = None
    while True:
        page = client.search_logged_models(
            [experiment_id], filter_string=f"tags.`{STATE_TAG}` = '{PENDING}'", page_token=page_token
        )
        for model in page:
            age = time.time() - model.creation_timestamp / 1000
            patience = 0 if model.source_run_id == run_id else ABANDONED_AFTER_SECONDS
            if model.status != LoggedModelStatus.PENDING or _is_abandoned(
                model.tags.get(PROCESS_TAG, ""), age, patience
            ):
                settled.append(model.model_id)
        page_token = page.token
        if not page_token:
            break
    for model_id in settled:
        if client.get_logged_model(model_id).status == LoggedModelStatus.PENDING:
            client.set_logged_model_tags(model_id, {FAILURE_TAG: _REASON})
            client.finalize_logged_model(model_id, LoggedModelStatus.FAILED)
        client.set_logged_model_tags(model_id, {STATE_TAG: SETTLED})
    return settled


def is_gone(process: str) -> bool:
    """Tell whether a process is seen to have ended, by its name; of another machine's, nothing is seen."""
    machine, _, rest = process.partition(" ")
    if machine != platform.node():
        return False
    number, _, started = rest.partition(" ")
    try:
        found = psutil.Process(int(number))
        # In a container without an init process, what was killed stays a zombie.
        return f"{found.create_time():.2f}" != started or found.status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return True


def _is_abandoned(process: str, age: float, patience: float) -> bool:
    if process.partition(" ")[0] != platform.node():
        return age >= patience
    return is_gone(process)
