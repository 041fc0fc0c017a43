"""Tests of the plan of the house: what CONTRIBUTING.md shows of it, and how the tests mirror it."""

from __future__ import annotations

import re
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    # pytest brings it where Python has none.
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "kedro_autolog_pipeline"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]

# What each of these does is shown by the tests of what uses it, on real projects.
SHOWN_BY_OTHERS = {
    "__main__.py": "tests/scenarios/test_verify.py",
    "cli/check.py": "tests/scenarios/test_check.py",
    "cli/diff.py": "tests/scenarios/test_registry_commands.py",
    "cli/list_models.py": "tests/scenarios/test_registry_commands.py",
    "cli/init.py": "tests/scenarios/test_init.py",
    "cli/options.py": "tests/scenarios/test_check.py",
    "cli/package.py": "tests/scenarios/test_retry.py",
    "cli/promote.py": "tests/scenarios/test_registry_commands.py",
    "cli/report.py": "tests/scenarios/test_check.py",
    "cli/server.py": "tests/scenarios/test_registry_commands.py",
    "cli/schema.py": "tests/config/test_json_schema.py",
    "cli/verify.py": "tests/scenarios/test_verify.py",
    "config/keys.py": "tests/config/test_reading.py",
    "config/schema.py": "tests/config/test_reading.py",
    "config/values.py": "tests/config/test_reading.py",
    "evaluation/package_evaluation.py": "tests/scenarios/test_evaluate.py",
    "evaluation/promotion.py": "tests/scenarios/test_promote.py",
    "hooks.py": "tests/scenarios/test_sessions.py",
    "lifecycle/announcements.py": "tests/scenarios/test_description.py",
    "lifecycle/known_secrets.py": "tests/scenarios/test_secrets.py",
    "lifecycle/model_logging.py": "tests/scenarios/test_kedro_run.py",
    "lifecycle/preparation.py": "tests/scenarios/test_preflight.py",
    "lifecycle/repackaging.py": "tests/scenarios/test_retry.py",
    "lifecycle/run_tags.py": "tests/scenarios/test_like_mlflow.py",
    "lifecycle/training_run.py": "tests/scenarios/test_kedro_run.py",
    "run/watch.py": "tests/scenarios/test_kedro_run.py",
    "package/contents.py": "tests/package/test_writing.py",
    "package/finished_run.py": "tests/package/test_writing.py",
    "preflight/candidates.py": "tests/scenarios/test_preflight.py",
    "preflight/checks.py": "tests/scenarios/test_preflight.py",
    "preflight/clashes.py": "tests/scenarios/test_check.py",
    "preflight/promises.py": "tests/scenarios/test_promises.py",
    "proposal/nodes.py": "tests/proposal/test_derivation.py",
    "run/noted_metrics.py": "tests/run/test_metrics.py",
    "run/file_state.py": "tests/run/test_saves.py",
    "rehearsal/parameter_specs.py": "tests/rehearsal/test_signature.py",
    "rehearsal/private_store.py": "tests/rehearsal/test_live_pipeline.py",
    "rehearsal/project_hooks.py": "tests/rehearsal/test_live_pipeline.py",
    "rehearsal/failed_node.py": "tests/scenarios/test_failing_nodes.py",
    "ready_model.py": "tests/scenarios/test_batch.py",
    "serving/package_reader.py": "tests/serving/test_model.py",
    "serving/snapshots.py": "tests/datasets/test_snapshots.py",
    "cli/__main__.py": "tests/scenarios/test_sessions.py",
    "lifecycle/open_runs.py": "tests/scenarios/test_sessions.py",
    "tracking/refusals.py": "tests/scenarios/test_access.py",
    "tracking/tags.py": "tests/tracking/test_run.py",
}


def layers() -> list[list[str]]:
    """Return the rooms of the import-linter contract, the highest floor first."""
    settings: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (each for each in settings["tool"]["importlinter"]["contracts"] if each["type"] == "layers")
    return [floor.split(" | ") for floor in contract["layers"]]


def modules() -> list[Path]:
    """Return the modules of the source, relative to it."""
    return sorted(file.relative_to(SOURCE) for file in SOURCE.rglob("*.py") if file.name != "__init__.py")


def test_the_picture_shows_the_contract() -> None:
    """Each floor of CONTRIBUTING.md's picture holds the rooms of the contract, and points to the floor below."""
    (picture,) = re.findall(r"```mermaid\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL)
    floors = [
        re.findall(r"^ {8}(\w+)$", floor, re.MULTILINE)
        for floor in re.findall(r"subgraph.*?\n    end", picture, re.DOTALL)
    ]
    arrows = re.findall(r"^ +(floor\d+) --> (floor\d+)$", picture, re.MULTILINE)

    assert layers() == floors
    assert list(pairwise(f"floor{number}" for number in range(len(floors)))) == arrows


def test_every_room_has_a_sentence() -> None:
    """CONTRIBUTING.md says of each room what it is for."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

    assert [room for floor in layers() for room in floor] == re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)


def test_no_room_holds_more_than_a_sixth_of_the_source() -> None:
    """A room that grows beyond that holds two, and is to be divided."""
    lines: Counter[str] = Counter()
    for module in modules():
        lines[module.parts[0]] += len((SOURCE / module).read_text(encoding="utf-8").splitlines())

    assert {} == {room: count for room, count in lines.items() if count > lines.total() / 6}


def test_every_module_has_its_tests() -> None:
    """The tests stand where their module does; the others are shown by a file that is named here."""
    without = {
        f"{module}" for module in modules() if not (ROOT / "tests" / module.with_name(f"test_{module.name}")).exists()
    }

    assert SHOWN_BY_OTHERS.keys() == without
    assert [] == [name for name in SHOWN_BY_OTHERS.values() if not (ROOT / name).exists()]


def test_every_test_file_of_a_room_has_its_module() -> None:
    """A test file that mirrors no module was forgotten when the module moved."""
    rooms = {module.parts[0] for module in modules() if len(module.parts) > 1}
    files = [file.relative_to(ROOT / "tests") for room in rooms for file in (ROOT / "tests" / room).rglob("test_*.py")]

    assert [] == [
        f"{file}" for file in files if not (SOURCE / file.with_name(file.name.removeprefix("test_"))).exists()
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_files_that_a_page_names_exist(page: Path) -> None:
    """What a page links to, and each path of the repository that it names, is there."""
    text = page.read_text(encoding="utf-8")
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    named = re.findall(r"`((?:src|tests|docs|demo|benchmarks|conf_example)/[\w./-]+)`", text)

    assert [] == [link for link in links if link and not (page.parent / link).exists()]
    assert [] == [path for path in named if not (ROOT / path).exists()]
