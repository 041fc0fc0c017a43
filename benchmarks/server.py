"""The demo's two models come in, how many requests a second `mlflow models serve` answers with each goes out."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

from benchmarks.demo_models import PEER, PENGUIN, DemoModels
from benchmarks.measurements import interleaved, typical_ratio
from benchmarks.report import Comparison, Findings, Unit
from benchmarks.server_process import HOST, free_port, serving
from benchmarks.surroundings import PYTHON

LIMIT = 0.95
"""How many of the requests that the hand-written model answers ours has to."""

CLIENTS = 8

TURN_SECONDS = 1.0

BODY = json.dumps({"dataframe_records": [PENGUIN]})
HEADERS = {"Content-Type": "application/json"}


def measure(models: DemoModels, turns: int) -> Findings:
    """Measure two servers, of which one at a time has something to do."""
    with _server(models.ours) as ours, _server(models.theirs) as theirs, ThreadPoolExecutor(CLIENTS) as clients:
        measured = interleaved(
            {
                "ours": partial(_requests_per_second, ours, clients),
                "theirs": partial(_requests_per_second, theirs, clients),
            },
            turns,
        )
    comparison = Comparison(
        what=f"mlflow models serve, {CLIENTS} clients, one row of the demo",
        peer=PEER,
        unit=Unit.PER_SECOND,
        **measured,
        target=f"≥ {LIMIT}x",
        is_met=typical_ratio(**measured) >= LIMIT,
    )
    return Findings([comparison])


def _requests_per_second(port: int, clients: ThreadPoolExecutor) -> float:
    started = time.perf_counter()
    end = started + TURN_SECONDS
    answered = sum(clients.map(_send_until, [port] * CLIENTS, [end] * CLIENTS))
    return answered / (time.perf_counter() - started)


def _send_until(port: int, end: float) -> int:
    """Send one request after the other, as one client, and count the answers."""
    connection = HTTPConnection(HOST, port, timeout=30)
    answered = 0
    while time.perf_counter() < end:
        connection.request("POST", "/invocations", BODY, HEADERS)
        response = connection.getresponse()
        content = response.read()
        if response.status != 200:  # noqa: PLR2004 - HTTP's word for success
            msg = f"Cannot measure the server: it answered {content!r}."
            raise ConnectionError(msg)
        answered += 1
    connection.close()
    return answered


@contextmanager
def _server(model: Path) -> Iterator[int]:
    """Serve a model, and give the port where it answers."""
    port = free_port()
    options = ["--host", HOST, "--port", f"{port}", "--env-manager", "local", "--workers", "1"]
    command = [str(PYTHON), "-m", "mlflow", "models", "serve", "--model-uri", str(model), *options]
    with serving(command, port, "/ping", model.with_name(f"{model.name}.log")):
        yield port
