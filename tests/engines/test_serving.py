"""A model behind ``mlflow models serve`` with several worker processes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from engines.conftest import Versions, expected
from local_server import post
from model_server import served

pytestmark = pytest.mark.engines

CLIENTS = 16
REQUESTS = 320


def test_four_workers_answer_many_clients(versions: Versions) -> None:
    """Each client gets the answer to its own row and parameter, whichever worker has its request."""
    with served(versions.package, "--workers", "4") as port:

        def ask(number: int) -> bool:
            """Ask for one row; tells whether the answer is right."""
            content = {"dataframe_split": {"columns": ["x"], "data": [[number]]}, "params": {"offset": number}}
            answer = post(f"http://127.0.0.1:{port}/invocations", content, seconds=60)
            return bool(answer == {"predictions": [{"prediction": expected(number, number)}]})

        with ThreadPoolExecutor(CLIENTS) as pool:
            assert all(pool.map(ask, range(REQUESTS)))
