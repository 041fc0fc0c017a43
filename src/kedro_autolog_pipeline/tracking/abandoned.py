"""Mark FAILED the models that a killed process has left PENDING."""

from __future__ import annotations

import os
import platform
import re
import time
from pathlib import Path

import psutil

from kedro_autolog_pipeline.tracking.store import Store
from kedro_autolog_pipeline.tracking.tags import FAILURE_TAG, PROCESS_TAG, STATE_TAG

PENDING = "pending"
SETTLED = "settled"

ABANDONED_AFTER_SECONDS = 24 * 3600
"""How old a PENDING model is that a process which cannot be seen from here no longer works at."""

_REASON = "The process that packaged it ended before it could finish."


# The time of a process's start is reckoned from the system's, which a clock that is set moves.
_CLOCK_SECONDS = 2.0


def this_process() -> str:
    """Name this process: its machine, its id, its start, since ids are given again, and its process table."""
    return f"{platform.node()} {os.getpid()} {psutil.Process().create_time():.2f} {_process_table()}".rstrip()


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
    """Tell whether a process is seen to have ended, by its name; of another machine's or container's, nothing is."""
    if not _is_visible(process):
        return False
    _, number, started, *_ = process.split(" ")
    try:
        found = psutil.Process(int(number))
        # In a container without an init process, what was killed stays a zombie.
        is_another = abs(found.create_time() - float(started)) > _CLOCK_SECONDS
        return bool(is_another or found.status() == psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return True


def _is_abandoned(process: str, age: float, patience: float) -> bool:
    return is_gone(process) if _is_visible(process) else age >= patience


def _is_visible(process: str) -> bool:
    """Tell whether a process, by its name, would be among those that this process can see.

    Containers may share the name of their host and not its process table.
    """
    match = re.fullmatch(r"(\S+) \d+ [\d.]+(?: (\S+))?", process)
    # Earlier versions of this package named no process table.
    return match is not None and match[1] == platform.node() and match[2] in {None, _process_table()}


def _process_table() -> str:
    """Name the start of the system and the process table of this container; empty where there is but one."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        # Only Linux has them.
        return ""
