"""Make the environment of a cell, run the tests in it, and keep what came out."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs
import cattrs

from matrix.cells import Cell

ROOT = Path(__file__).parents[1]

RESULTS = ROOT / ".cache" / "matrix"

ENVIRONMENTS = ROOT / ".venv-matrix"

_UV = Path(sys.executable).with_name("uv")

_LEFT_OUT = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONSTARTUP", "VIRTUAL_ENV")
"""Variables that would have the tests compile MLflow in each process, or run other code."""


@attrs.frozen
class Result:
    """What came out of a cell.

    Attributes:
        name: The cell's.
        code: Short digest of the last commit that changed what was tested.
        content: Digests of the trees of what was tested, which other commits may share.
        tests: As the runner's.
        date: Of the run, ISO 8601, UTC.
        versions: By name of the distribution, and ``python``; empty where the environment could not be made.
        refusal: Why the environment could not be made.
        passed: How many tests passed.
        skipped: How many were skipped.
        failed: Names of those that did not pass.
    """

    name: str
    code: str
    content: str
    tests: list[str]
    date: str
    versions: dict[str, str]
    refusal: str | None = None
    passed: int = 0
    skipped: int = 0
    failed: list[str] = attrs.field(factory=list)

    @property
    def is_good(self) -> bool:
        """Whether all tests passed."""
        return self.passed > 0 and not self.failed


@attrs.frozen
class Runner:
    """Runs cells.

    Attributes:
        tests: Files of the tests, relative to the repository, or tests in them as pytest names them.
        flags: What pytest is told besides.
        constraints: What MLflow's older versions need of their own requirements.
    """

    tests: Sequence[str]
    flags: Sequence[str]
    constraints: Sequence[str]

    def run(self, cell: Cell) -> Result:
        """Make a cell's environment and run the tests in it, unless they passed with this code and these versions."""
        files = list(dict.fromkeys(test.partition("::")[0] for test in self.tests))
        content = _output(["git", "rev-parse", "HEAD:src", *(f"HEAD:{file}" for file in files)])
        commit = _output(["git", "log", "-1", "--format=%h", "--", "src", *files])
        today = datetime.now(timezone.utc).date().isoformat()
        refusal = self._install(cell)
        if refusal is not None:
            return _kept(Result(cell.name, commit, content, list(self.tests), today, {}, refusal))
        versions = _versions(cell)
        earlier = read_result(cell)
        if earlier is not None and earlier.is_good and (earlier.content, earlier.versions) == (content, versions):
            return earlier
        passed, skipped, failed = self._test(cell)
        return _kept(
            Result(cell.name, commit, content, list(self.tests), today, versions, None, passed, skipped, failed)
        )

    def _install(self, cell: Cell) -> str | None:
        """Bring a cell's environment to its newest versions, and say why that is impossible."""
        directory = ENVIRONMENTS / cell.name
        if not (directory / "pyvenv.cfg").exists():
            made = _run([_UV, "venv", "--quiet", "--clear", "--python", cell.python or sys.executable, directory])
            if made.returncode:
                return _reason(made.stderr)
        constraints = directory / "constraints.txt"
        constraints.write_text("\n".join(self.constraints if cell.is_constrained else ()), encoding="utf-8")
        command = [_UV, "pip", "install", "--quiet", "--upgrade", "--only-binary", ":all:", "--group", "test"]
        place = ["--python", directory / "bin" / "python", "--constraints", constraints]
        done = _run([*command, *place, "--editable", ".", *cell.requirements])
        return _reason(done.stderr) if done.returncode else None

    def _test(self, cell: Cell) -> tuple[int, int, list[str]]:
        with TemporaryDirectory() as temporary:
            report = Path(temporary) / "report.xml"
            pytest = ENVIRONMENTS / cell.name / "bin" / "pytest"
            kept = {name: value for name, value in os.environ.items() if name not in _LEFT_OUT}
            done = _run([pytest, *self.flags, f"--junitxml={report}", *self.tests], {**kept, "TMPDIR": temporary})
            if not report.exists():
                sys.exit(f"Cannot test {cell.name}: {done.stdout}{done.stderr}")
            RESULTS.mkdir(parents=True, exist_ok=True)
            (RESULTS / f"{cell.name}.log").write_text(done.stdout, encoding="utf-8")
            cases = list(ET.parse(report).iter("testcase"))  # noqa: S314 - pytest wrote it
        failed = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
        skipped = [case for case in cases if case.find("skipped") is not None]
        names = sorted({f"{case.get('classname', '').rpartition('.')[2]}::{case.get('name')}" for case in failed})
        return len(cases) - len(failed) - len(skipped), len(skipped), names


def read_result(cell: Cell) -> Result | None:
    """Read what came out of a cell when it last ran; None when it never did."""
    file = RESULTS / f"{cell.name}.json"
    return cattrs.structure(json.loads(file.read_text(encoding="utf-8")), Result) if file.exists() else None


def index_versions(name: str) -> list[str]:
    """List all versions of a distribution that the index has, pre-releases too.

    Raises:
        RuntimeError: When the index does not answer.
    """
    done = _run([sys.executable, "-m", "pip", "index", "versions", "--pre", name])
    found = re.search(r"^Available versions: (.+)$", done.stdout, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"Cannot list the versions of {name}: {done.stderr}")
    return found[1].split(", ")


def _kept(result: Result) -> Result:
    RESULTS.mkdir(parents=True, exist_ok=True)
    text = json.dumps(cattrs.unstructure(result), indent=2)
    (RESULTS / f"{result.name}.json").write_text(text + "\n", encoding="utf-8")
    return result


def _versions(cell: Cell) -> dict[str, str]:
    python = ENVIRONMENTS / cell.name / "bin" / "python"
    program = "import platform; print('python==' + platform.python_version())"
    own = _output([python, "-c", program])
    frozen = _output([_UV, "pip", "freeze", "--exclude-editable", "--python", python])
    return dict(line.split("==") for line in [own, *frozen.splitlines()] if line.count("==") == 1)


def _reason(error: str) -> str:
    """Give what uv says of the cause, without its marks, its other lines and its hints."""
    text = " ".join(re.sub(r"[^\x20-\x7e]", " ", error).split()).partition(" hint: ")[0]
    cause = text.partition("cause: ")[2] or text.removeprefix("error: ")
    return re.split(r"(?<=\.) (?=[A-Z])", cause)[0]


def _output(command: Sequence[object]) -> str:
    done = _run(command)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr}")
    return done.stdout.strip()


def _run(command: Sequence[object], variables: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [f"{part}" for part in command], cwd=ROOT, env=variables, capture_output=True, text=True, check=False
    )
