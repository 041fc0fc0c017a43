"""Tests of package.difference."""

from __future__ import annotations

import textwrap
from pathlib import Path

import attrs
import pytest
from kedro.pipeline import Pipeline, node

from kedro_autolog_pipeline.package.difference import Change, LoggedPackage, Section, find_changes
from kedro_autolog_pipeline.serving.manifest import RequirementEntry, read_manifest, write_manifest
from model_package import write_model_package

MODULE = '''
"""The nodes."""
LOW = 1

class Model:
    """A model."""

    def predict(self, x):
        """Predict."""
        return x

def clip(x):
    return max(x, LOW)
'''


def write(directory: Path, module: str, *requirements: str) -> LoggedPackage:
    """Write a package whose code is one module."""
    package = write_model_package(
        directory, Pipeline([node(max, ["x", "params:low"], "y", name="clip")]), parameters={"params:low": {"a": 1}}
    )
    entries = [RequirementEntry(line, []) for line in requirements]
    write_manifest(attrs.evolve(read_manifest(package), requirements=entries), package)
    (package / "MLmodel").write_text("flavors: {}\n")
    (package / "code" / "shop").mkdir(parents=True)
    (package / "code" / "shop" / "nodes.py").write_text(textwrap.dedent(module))
    return LoggedPackage(package, {}, {})


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("return x", "return -x", "shop.nodes:Model"),
        ("max(x, LOW)", "min(x, LOW)", "shop.nodes:clip"),
        ("LOW = 1", "LOW = 2", "shop.nodes (outside of its functions)"),
        ('"""Predict."""', '"""Predict, and document it."""', None),
        ("return x", "return (x)  # as it is", None),
    ],
)
def test_the_function_whose_code_has_changed_is_named(tmp_path: Path, old: str, new: str, changed: str | None) -> None:
    """Comments, layout and docstrings do not count."""
    first = write(tmp_path / "first", MODULE)
    second = write(tmp_path / "second", MODULE.replace(old, new))

    changes = find_changes(first, second)

    assert ([] if changed is None else [changed]) == [each.name for each in changes.get(Section.FUNCTIONS, [])]
    assert changes.keys() <= {Section.FUNCTIONS}


def test_what_is_only_in_one_is_told(tmp_path: Path) -> None:
    """Requirements by distribution, however it is written; nested parameters by their paths."""
    first = write(tmp_path / "first", MODULE, "scikit_learn==1.5", "attrs==25.1")
    second = write(tmp_path / "second", MODULE, "scikit-learn==1.6", "-c constraints.txt")
    second = attrs.evolve(second, parameters={"low.a": "2"}, metrics={"error": 0.5})

    assert {
        Section.PARAMETERS: [Change("low.a", "1", "2")],
        Section.REQUIREMENTS: [
            Change("-c constraints.txt", None, "-c constraints.txt"),
            Change("attrs", "attrs==25.1", None),
            Change("scikit-learn", "scikit_learn==1.5", "scikit-learn==1.6"),
        ],
        Section.METRICS: [Change("error", None, "0.5")],
    } == find_changes(first, second)


def test_what_is_no_python_is_compared_by_its_bytes(tmp_path: Path) -> None:
    """A data file of the project's package, and a module that this Python cannot read."""
    first, second = write(tmp_path / "first", MODULE), write(tmp_path / "second", MODULE)
    for number, package in enumerate((first, second)):
        (package.directory / "code" / "shop" / "words.txt").write_text(f"{number}")
        (package.directory / "code" / "shop" / "old.py").write_text(f"print {number}")

    changes = find_changes(first, second)

    assert ["code/shop/old.py", "code/shop/words.txt"] == [each.name for each in changes.pop(Section.FILES)]
    assert {} == changes
