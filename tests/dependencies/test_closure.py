"""Requirements bring what they require in turn, as far as that can be told from what is installed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from installed import install, write_modules
from kedro_autolog_pipeline.dependencies.closure import find_closure


def names_of(requirements: Iterable[str], *directories: Path) -> set[str]:
    """Give the names of all that requirements bring."""
    closure = find_closure(requirements, directories)
    assert closure is not None
    return set(closure)


def write_distribution(site: Path, name: str, *requires: str) -> None:
    """Install a distribution that requires others."""
    metadata = install(site, name, {f"{name.replace('-', '_')}.py": ""})
    lines = "".join(f"Requires-Dist: {line}\n" for line in requires)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{lines}\nText", "utf-8")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Give a directory of installed distributions."""
    write_distribution(tmp_path, "mlflow", "mlflow-skinny==1.0")
    write_distribution(tmp_path, "mlflow-skinny")
    write_distribution(tmp_path, "gulls", "Wings_And.Feet>=1", "gulls[ocean]; extra == 'all'", "fins; extra=='ocean'")
    write_distribution(tmp_path, "wings-and-feet", "gulls", "stilts; python_version < '3'")
    write_distribution(tmp_path, "fins")
    write_distribution(tmp_path, "auks", "nothing; extra == 'ocean'", "fins; extra == 'x' or python_version > '3'")
    write_distribution(tmp_path, "terns", "nothing")
    return tmp_path


@pytest.mark.parametrize(
    ("requirements", "names"),
    [
        ([], set()),
        (["mlflow"], {"mlflow", "mlflow-skinny"}),
        (["MLflow_skinny>=1"], {"mlflow-skinny"}),
        (["--index-url https://index.test", "--pre", "gulls"], {"gulls", "wings-and-feet"}),
        (["gulls==7"], {"gulls", "wings-and-feet"}),
        (["gulls[ocean]"], {"gulls", "wings-and-feet", "fins"}),
        (["Gulls[all]"], {"gulls", "wings-and-feet", "fins"}),
        (["auks", "-c /constraints.txt", "nothing; python_version < '3'"], {"auks", "fins"}),
    ],
)
def test_requirements_bring_what_they_require(site: Path, requirements: list[str], names: set[str]) -> None:
    """Markers and extras decide; a line about an index brings nothing."""
    assert names == names_of(requirements, site)


@pytest.mark.parametrize(
    "requirements",
    [
        ["-e ."],
        ["./wheels/gulls.whl"],
        ["gulls @ https://a.test/gulls.whl"],
        ["nothing"],
        ["terns"],
        ["auks[ocean]"],
    ],
)
def test_what_cannot_be_told_is_not_guessed(site: Path, requirements: Iterable[str]) -> None:
    """A directory, a place, and what is not installed here may bring anything."""
    assert find_closure(requirements, [site]) is None


def test_the_first_directory_counts(site: Path, tmp_path: Path) -> None:
    """Of a distribution that is installed twice, Python takes the first."""
    first = tmp_path / "first"
    write_distribution(first, "gulls", "fins")

    assert {"gulls", "fins"} == names_of(["gulls"], first, site)


def test_an_egg_lists_what_it_requires_in_another_file(site: Path) -> None:
    """Its extras are sections."""
    write_modules(
        site,
        {
            "storks-1.0.egg-info/PKG-INFO": "Metadata-Version: 1.0\nName: storks\nVersion: 1.0\n",
            "storks-1.0.egg-info/requires.txt": "fins\n\n[more]\nauks\n",
            "owls-1.0.egg-info/PKG-INFO": "Metadata-Version: 1.0\nName: owls\nVersion: 1.0\n",
        },
    )

    assert {"storks", "fins", "owls"} == names_of(["storks", "owls"], site)
