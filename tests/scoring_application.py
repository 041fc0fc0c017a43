"""MLflow's scoring server, asked without a socket: its own parsing and writing of a request, in this process."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from mlflow.pyfunc import PyFuncModel, scoring_server


def invoke(model: PyFuncModel, content: dict[str, Any]) -> httpx.Response:
    """Post a document to ``/invocations``."""

    async def post() -> httpx.Response:
        """Send the request to the application."""
        transport = httpx.ASGITransport(scoring_server.init(model))
        async with httpx.AsyncClient(transport=transport, base_url="http://model") as client:
            return await client.post("/invocations", json=content)

    return asyncio.run(post())
