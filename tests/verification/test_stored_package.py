"""Tests of verification.stored_package: real packages, and the fresh process that loads them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kedro_autolog_pipeline.package.sealing import seal_package
from kedro_autolog_pipeline.serving.integrity import manifest_digest
from kedro_autolog_pipeline.verification.stored_package import Check, check_package

pytestmark = pytest.mark.process

PACKAGE = Path(__file__).parent.parent / "data" / "packages" / "format_2"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Give a package without an example."""
    return Path(shutil.copytree(PACKAGE, tmp_path / "package"))


def check(package: Path, timeout: float = 300) -> Check:
    """Check a package whose manifest is the one that was noted."""
    return check_package(package, {"the logged model": manifest_digest(package)}, timeout)


def test_a_package_without_an_example_is_loaded(package: Path) -> None:
    """There is nothing to answer."""
    assert Check((), 9, has_answered=False) == check(package)


def test_a_package_that_cannot_be_loaded_here_says_why(package: Path) -> None:
    """The last line of what the fresh process wrote names the error."""
    (package / "code" / "shop_of_format_2" / "inference.py").write_text("import no_such_module_anywhere")
    seal_package(package)

    (fault,) = check(package).faults

    assert fault.startswith("A fresh process cannot load it and answer its input example: ")
    assert "no_such_module_anywhere" in fault


def test_a_package_that_takes_too_long_is_given_up(package: Path) -> None:
    """The process does not outlive the limit."""
    assert ("A fresh process has not loaded it and answered within 0.01 s.",) == check(package, 0.01).faults


@pytest.mark.parametrize(
    ("noted", "fault"),
    [
        (
            None,
            "No tag of the logged model has the digest of its manifest: it was packaged by an older version, or "
            "changed.",
        ),
        ("ab", "Its manifest.json is not the one that the tag of the logged model has the digest of."),
    ],
)
def test_a_manifest_must_be_the_one_that_was_noted(package: Path, noted: str | None, fault: str) -> None:
    """Nothing of a package is read before."""
    (package / "model.py").unlink()

    assert Check((fault,), 0, has_answered=False) == check_package(package, {"the logged model": noted}, 300)


def test_a_package_without_a_manifest_is_none(package: Path) -> None:
    """A model that was logged by hand has none."""
    (package / "manifest.json").unlink()

    assert ("Its manifest.json cannot be read (No such file or directory).",) == check_package(
        package, {"the logged model": "ab"}, 300
    ).faults


def test_a_manifest_that_describes_nothing_is_refused(package: Path) -> None:
    """Although it is the one that was noted."""
    (package / "manifest.json").write_text("[]")

    (fault,) = check(package).faults

    assert fault.startswith("its manifest.json cannot be read (")
