"""A private PostgreSQL cluster on this machine, reached by a socket in its own directory."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import attrs
import pytest

PASSWORD = "postgresql-secret-Vb71kQ2"
_USER = "shop"
# The socket's name holds it; nobody listens at the port itself.
_PORT = "5432"


@attrs.frozen
class Cluster:
    """A running cluster.

    Attributes:
        programs: Where the programs of its version are.
        directory: Where its socket is.
    """

    programs: Path
    directory: Path

    def make_database(self, name: str) -> str:
        """Make a database, and give its URI for psycopg2, with the password in it."""
        place = ["--host", f"{self.directory}", "--port", _PORT, "--username", _USER]
        subprocess.run([self.programs / "createdb", *place, name], check=True, env=_environment())
        query = urlencode({"host": f"{self.directory}", "port": _PORT})
        return f"postgresql+psycopg2://{_USER}:{PASSWORD}@/{name}?{query}"


@contextmanager
def postgresql_cluster() -> Iterator[Cluster]:
    """Start a cluster of the newest PostgreSQL that Debian has installed; skips the test where there is none."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not versions:
        pytest.skip("PostgreSQL is not installed.")
    programs = versions[-1].parent
    # The name of a socket may have 107 characters, and the directories of pytest belong to whoever runs it.
    directory = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    # PostgreSQL refuses to be run by root.
    other: dict[str, Any] = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    try:
        (directory / "password").write_text(PASSWORD)
        if other:
            for path in (directory, directory / "password"):
                shutil.chown(path, **other)
        data, log = f"{directory / 'data'}", f"{directory / 'log'}"
        access = ["--auth", "scram-sha-256", "--username", _USER, "--pwfile", f"{directory / 'password'}"]
        server = f"-k {directory} -p {_PORT} -c listen_addresses= -c fsync=off"

        def run(*command: str) -> None:
            subprocess.run(command, check=True, cwd=directory, stdout=subprocess.DEVNULL, **other)

        run(f"{programs / 'initdb'}", "--pgdata", data, "--no-sync", *access)
        control = [f"{programs / 'pg_ctl'}", "--pgdata", data, "--wait", "--silent"]
        run(*control, "--log", log, "--options", server, "start")
        try:
            yield Cluster(programs, directory)
        finally:
            run(*control, "--mode", "immediate", "stop")
    finally:
        shutil.rmtree(directory)


def _environment() -> dict[str, str]:
    return {**os.environ, "PGPASSWORD": PASSWORD}
