"""Tests of the workflows for GitHub's CI, whose form `make lint` checks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def steps(workflow: Path) -> list[dict[str, Any]]:
    """Return the steps of all jobs of a workflow."""
    jobs = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"]
    return [step for job in jobs.values() for step in job["steps"]]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.name)
def test_a_workflow_runs_what_the_makefile_has(workflow: Path) -> None:
    """Each target that a step makes exists; a name from a matrix of jobs is one of its values."""
    text = workflow.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    made = re.findall(r"make ((?:[a-z-]+ ?)+)$", text, re.MULTILINE)
    listed = re.findall(r"target: \[(.+)\]", text)

    assert set() == {name for names in made for name in names.split()} - targets
    assert set() == {name for names in listed for name in names.split(", ")} - targets


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.name)
def test_a_workflow_may_do_the_least(workflow: Path) -> None:
    """A workflow may read; only a job that publishes may do more. Actions have a version, and keep no token."""
    content = yaml.safe_load(workflow.read_text(encoding="utf-8"))
    used = [step for step in steps(workflow) if "uses" in step]

    assert {"contents": "read"} == content["permissions"]
    assert {"publish"} >= {name for name, job in content["jobs"].items() if "permissions" in job}
    assert [] == [step["uses"] for step in used if not re.search(r"@(v\d+|release/v\d+)$", step["uses"])]
    assert [] == [
        step for step in used if step["uses"].startswith("actions/checkout@") and step["with"]["persist-credentials"]
    ]
