"""Write down what a terminal shows of the demo: a first run, a second one, a check and a failure.

``make transcripts`` runs it, and writes docs/transcripts.md.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "transcripts.md"

_QUIET = "ignore:register_new_resolver() is deprecated"

_WIDTH = "120"

# What is another at each run or on each machine, and what stands for it.
_VARYING = (
    (re.compile(r"\b[0-9a-f]{32}\b"), "0a1b2c3d4e5f60718293a4b5c6d7e8f9"),
    (re.compile(r"\[\d\d/\d\d/\d\d \d\d:\d\d:\d\d\]"), "[11/26/26 14:03:07]"),
    (re.compile(r"\b\d{4}[-/]\d\d[-/]\d\d \d\d:\d\d:\d\d\b"), "2026/11/26 14:03:07"),
)

_PLACES = {sys.prefix: "/venv", str(ROOT): "/kedro-autolog-pipeline"}

_HEAD = f"""\
# What the terminal shows

`make transcripts` has typed these commands in a copy of the demo, whose directory is `/penguins` here, and has written
down all that they said. Ids and times are made up. A terminal of {_WIDTH} columns is assumed.

OmegaConf may warn of Kedro's own calls, four times per command. You need not act on it. This
variable silences these warnings and no others, and has done so below:

```bash
export PYTHONWARNINGS="{_QUIET}"
```
"""


def main() -> None:
    """Run the commands, and write the page."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        for name in ("demo", "conf_example"):
            shutil.copytree(
                ROOT / name,
                root / name,
                symlinks=True,
                ignore=shutil.ignore_patterns(
                    "mlflow.db", "mlartifacts", ".autolog_pipeline", "0[2-9]_*", "__pycache__"
                ),
            )
        PAGE.write_text("\n".join([_HEAD, *_sections(root / "demo")]), encoding="utf-8")


def _sections(project: Path) -> Iterator[str]:
    yield _section("The first run", "The store is new, so MLflow makes its database.", project, "kedro run")
    yield _section("The second run", "", project, "kedro run")
    yield _section("A check", "Nothing is trained, and no run is made.", project, "kedro autolog check")
    config = project.parent / "conf_example" / "base" / "mlflow.yml"
    config.write_text(config.read_text(encoding="utf-8").replace("input_name:", "inptu_name:", 1), encoding="utf-8")
    yield _section("A failure", "A key of `mlflow.yml` is misspelt.", project, "kedro run")


def _section(title: str, remark: str, project: Path, command: str) -> str:
    """Run a command as somebody at a terminal, and return what is written of it."""
    executable = Path(sys.executable).parent / "kedro"
    done = subprocess.run(
        [str(executable), *command.split()[1:]],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={**_environment(), "PYTHONWARNINGS": _QUIET, "COLUMNS": _WIDTH},
    )
    said = _masked(done.stdout, _PLACES | {str(project.resolve()): "/penguins", str(project): "/penguins"})
    count = len(said.splitlines())
    heading = f"## {title}: {count} line{'' if count == 1 else 's'}, exit code {done.returncode}"
    introduction = [heading, "", *([remark, ""] if remark else [])]
    return "\n".join([*introduction, "```console", f"$ {command}", said.rstrip(), "```", ""])


def _masked(text: str, places: Mapping[str, str]) -> str:
    for place, shown in places.items():
        text = text.replace(place, shown)
    for pattern, shown in _VARYING:
        text = pattern.sub(shown, text)
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def _environment() -> dict[str, str]:
    """Return the environment without what would change what is shown, or where it is tracked."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "KEDRO_"))}
    return {**kept, "KEDRO_DISABLE_TELEMETRY": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}


if __name__ == "__main__":
    main()
