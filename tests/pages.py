"""Read the examples of a page of the documentation, and do what they say in a project."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest

from local_server import free_port, wait_until_healthy

ROOT = Path(__file__).parents[1]
_SECONDS = 240
_BLOCK = re.compile(
    r"(?:^<!-- not run: (?P<why>.*?) -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


@attrs.frozen
class Block:
    """One example.

    Attributes:
        language: As the page says after the fence.
        text: What it holds.
        line: Where it begins in the page.
        is_run: Whether it is done, and not only read.
    """

    language: str
    text: str
    line: int
    is_run: bool

    @property
    def file(self) -> str | None:
        """The file that it is, relative to the project; None where it is none."""
        found = re.match(r"# (\S+/\S+\.(?:py|yml))\n", self.text)
        return found[1] if found else None


def blocks(page: Path) -> list[Block]:
    """Return the examples of a page, in its order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(found["language"], found["text"], text.count("\n", 0, found.start("text")), found["why"] is None)
        for found in _BLOCK.finditer(text)
    ]


@attrs.define
class _Reader:
    """Somebody who follows a page in a terminal.

    Attributes:
        project: Where.
        variables: What was exported.
        port: Where this reader's server listens.
        printed: What the last command has printed.
        servers: Ends what runs until it is stopped.
    """

    project: Path
    variables: dict[str, str]
    port: int
    printed: str
    servers: ExitStack

    def follow(self, block: Block) -> None:
        """Do what an example says."""
        text = block.text.replace("127.0.0.1:5000", f"127.0.0.1:{self.port}").replace("--port 5000", f"-p {self.port}")
        if block.file is not None:
            file = self.project / block.file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        elif block.language == "bash":
            self._type(text)
        elif block.language == "python":
            self._run([sys.executable, "-c", text])
        elif block.language == "json":
            _assert_alike(json.loads(block.text), json.loads(self.printed.splitlines()[-1]))
        elif block.language == "text":
            assert block.text.splitlines()[0] in self.printed

    def _type(self, text: str) -> None:
        self.variables |= dict(re.findall(r"^export (\w+)=(\S+)$", text, re.MULTILINE))
        if "mlflow models serve" in text:
            self.servers.enter_context(self._served(text))
        else:
            self._run(["/usr/bin/env", "bash", "-e", "-c", text])

    def _run(self, command: list[str]) -> None:
        done = subprocess.run(
            command, cwd=self.project, env=self.variables, capture_output=True, text=True, check=False, timeout=_SECONDS
        )
        assert 0 == done.returncode, f"{command}\n{done.stdout}\n{done.stderr}"
        self.printed = done.stdout

    @contextmanager
    def _served(self, text: str) -> Iterator[None]:
        log = self.project / "server.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                ["/usr/bin/env", "bash", "-e", "-c", text],
                cwd=self.project,
                env=self.variables,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            wait_until_healthy(process, f"http://127.0.0.1:{self.port}/ping", log, _SECONDS)
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def follow(page: Path, project: Path, replacements: Mapping[str, str] | None = None) -> None:
    """Do what the examples of a page say, one after the other.

    Args:
        page: The page.
        project: The directory of the project that its reader has by then.
        replacements: What is written otherwise in this project.
    """
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    with ExitStack() as servers:
        reader = _Reader(project, {**environment, "COLUMNS": "200"}, free_port(), "", servers)
        for block in blocks(page):
            text = block.text
            for old, new in (replacements or {}).items():
                text = text.replace(old, new)
            if block.is_run:
                reader.follow(attrs.evolve(block, text=text))


def _assert_alike(expected: Any, actual: Any) -> None:
    """Compare two answers: other versions of libraries give other decimals."""
    if isinstance(expected, dict):
        assert expected.keys() == actual.keys()
        for key, value in expected.items():
            _assert_alike(value, actual[key])
    elif isinstance(expected, list):
        assert len(expected) == len(actual)
        for one, other in zip(expected, actual, strict=True):
            _assert_alike(one, other)
    else:
        assert (pytest.approx(expected, abs=0.1) if isinstance(expected, float) else expected) == actual
