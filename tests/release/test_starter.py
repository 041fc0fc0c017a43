"""The built wheel in a fresh environment: each step is one that the screen before it has named."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest

from kedro_project import write_project
from local_server import free_port, wait_until_healthy
from public_like.projects import make_spaceflights

pytestmark = pytest.mark.release

REPOSITORY = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
PAGE = REPOSITORY / "docs" / "ten-minutes.md"
BEGIN = "<!-- transcript: begin -->"
END = "<!-- transcript: end -->"
PENGUIN: dict[str, object] = {
    "island": "Dream",
    "bill_length_mm": 50.1,
    "bill_depth_mm": 19.0,
    "flipper_length_mm": 196.0,
    "body_mass_g": 3750.0,
    "sex": "female",
}


@attrs.frozen
class FreshEnvironment:
    """An environment that holds the wheel and nothing of this one.

    Attributes:
        bin: The directory of its commands.
        steps: A line for each command that has run, with its seconds.
    """

    bin: Path
    steps: list[str] = attrs.field(factory=list)

    @property
    def variables(self) -> Mapping[str, str]:
        """What its commands find in their environment."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))},
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "COLUMNS": "200",
        }

    def run(self, command: str, directory: Path) -> str:
        """Run a command as a user types it, and give what it prints."""
        started = time.monotonic()
        done = subprocess.run(  # noqa: S602 - it is what a user would type
            command,
            shell=True,
            cwd=directory,
            env=self.variables,
            capture_output=True,
            text=True,
            check=False,
        )
        self.show(command, time.monotonic() - started)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def serving(self, command: str, directory: Path) -> Iterator[str]:
        """Serve a model by a command, and give the server's address once it answers."""
        port = free_port()
        log = directory / "server.log"
        started = time.monotonic()
        with log.open("wb") as stream:
            server = subprocess.Popen(  # noqa: S602 - as above
                f"exec env {command} --port {port}",
                shell=True,
                cwd=directory,
                env=self.variables,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                wait_until_healthy(server, f"http://127.0.0.1:{port}/ping", log, seconds=300)
                self.show(command, time.monotonic() - started)
                yield f"http://127.0.0.1:{port}/invocations"
            finally:
                os.killpg(server.pid, signal.SIGTERM)
                server.wait()

    def show(self, command: str, seconds: float) -> None:
        """Note a step, and print it."""
        places = {str(UV): "uv", str(self.bin.parent): "env", str(self.bin.parents[1]): "dist", str(REPOSITORY): "."}
        for place, shown in places.items():
            command = command.replace(place, shown)
        self.steps.append(f"{seconds:6.1f} s  $ {command}")
        sys.stdout.write(f"{self.steps[-1]}\n")

    def ask(self, address: str, rows: list[dict[str, object]], directory: Path) -> list[Any]:
        """Send rows to a server by curl, and give the predictions."""
        body = json.dumps({"dataframe_records": rows})
        curl = f"curl --silent --max-time 60 {address} -H 'Content-Type: application/json' -d '{body}'"
        predictions: list[Any] = json.loads(self.run(curl, directory))["predictions"]
        return predictions


def serve_command(printed: str) -> str:
    """Give the command that `kedro run` names."""
    (command,) = re.findall(r"^ *serve: (.*)$", printed, re.MULTILINE)
    return str(command).strip()


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[FreshEnvironment]:
    """Build the wheel, and install it where nothing else is; write the steps into the page when that is asked for."""
    directory = tmp_path_factory.mktemp("fresh")
    environment = FreshEnvironment(directory / "env" / "bin")
    environment.run(f"{UV} build --quiet --wheel --out-dir {directory} {REPOSITORY}", directory)
    environment.run(f"{UV} venv --quiet --python {sys.executable} env", directory)
    (wheel,) = directory.glob("*.whl")
    environment.run(f"{UV} pip install --quiet --python env {wheel}", directory)
    yield environment
    if request.config.getoption("--update-transcript") and not request.session.testsfailed:
        steps = re.sub(rf"{tmp_path_factory.getbasetemp()}/test_\w+", "/home/you", "\n".join(environment.steps))
        before, begin, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        PAGE.write_text(
            f"{before}{begin}\n\n```console\n{steps}\n```\n\n{END}{rest.partition(END)[2]}", encoding="utf-8"
        )


def test_the_starter_is_a_served_model(fresh: FreshEnvironment, tmp_path: Path) -> None:
    """From nothing to the species of a penguin; `kedro new` needs no network."""
    fresh.run("https_proxy=http://127.0.0.1:9 kedro new --starter autolog-penguins --telemetry no", tmp_path)
    project = tmp_path / "penguins"
    fresh.run(f"{UV} pip install --quiet --python {fresh.bin.parent} --requirement pyproject.toml", project)
    command = serve_command(fresh.run("kedro run", project))
    with fresh.serving(command, project) as address:
        (answer,) = fresh.ask(address, [PENGUIN], project)

    assert "Chinstrap" == answer["species"]
    demo = REPOSITORY / "demo"
    assert (demo / "src/penguins/features.py").read_bytes() == (project / "src/penguins/features.py").read_bytes()


def test_kedros_starter_is_a_served_model(fresh: FreshEnvironment, tmp_path: Path) -> None:
    """From a project without an inference pipeline, by what `kedro autolog init` derives."""
    project = write_project(tmp_path / "spaceflights")
    make_spaceflights(project)
    datasets = "kedro-datasets[pandas-csvdataset,pickle]"
    fresh.run(f"{UV} pip install --quiet --python {fresh.bin.parent} '{datasets}' scikit-learn", tmp_path)
    assert "Next: kedro autolog check" in fresh.run("kedro autolog init --yes", project.path)
    assert "No fault was found." in fresh.run("kedro autolog check", project.path)
    command = serve_command(fresh.run("kedro run", project.path))
    with fresh.serving(command, project.path) as address:
        (price,) = fresh.ask(address, [{"engines": 10, "company_rating": 0.6}], project.path)

    assert price == pytest.approx(1100.0)
