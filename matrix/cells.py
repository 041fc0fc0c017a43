"""Which versions are tested with which."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs
from packaging.specifiers import SpecifierSet
from packaging.version import Version

EACH_MLFLOW = 3
"""MLflow has a minor version a month: of so many, one is tested."""


@attrs.frozen
class Cell:
    """One combination of versions; what it does not name is the newest that installs.

    Attributes:
        name: Of its environment, such as ``kedro-1.3``.
        requirements: What narrows its versions, as pip takes it.
        python: Minor version of Python; None is that of the environment that runs the matrix.
        is_constrained: Whether older versions of MLflow's own requirements are taken.
    """

    name: str
    requirements: Sequence[str] = ()
    python: str | None = None
    is_constrained: bool = False


def choose_cells(
    kedro: Iterable[str], mlflow: Iterable[str], supported: dict[str, SpecifierSet], pythons: Sequence[str]
) -> list[Cell]:
    """Choose each minor version of Kedro, each third one of MLflow, each Python, and what comes next.

    The other of both is the newest.

    Args:
        kedro: All its versions on the index, pre-releases too.
        mlflow: Likewise.
        supported: By name, the versions that this package allows.
        pythons: Minor versions.
    """
    kedro_minors, kedro_next = _minors(kedro, supported["kedro"])
    mlflow_minors, mlflow_next = _minors(mlflow, supported["mlflow"])
    older = [minor for minor in mlflow_minors if Version(minor).minor % EACH_MLFLOW == 0]
    return [
        *(Cell(f"kedro-{minor}", [f"kedro=={minor}.*"]) for minor in kedro_minors),
        *(Cell(f"mlflow-{minor}", [f"mlflow=={minor}.*"], is_constrained=True) for minor in older),
        *(Cell(f"kedro-{version}", [f"kedro=={version}"]) for version in kedro_next),
        *(
            Cell(f"mlflow-{version}", [f"mlflow=={version}", f"mlflow-skinny=={version}", f"mlflow-tracing=={version}"])
            for version in mlflow_next
        ),
        *(Cell(f"python-{python}", python=python) for python in pythons),
    ]


def _minors(versions: Iterable[str], supported: SpecifierSet) -> tuple[list[str], list[str]]:
    """Give the minor versions that are supported, and the newest pre-release where no release is as new."""
    allowed = sorted(version for version in map(Version, versions) if supported.contains(version, prereleases=True))
    releases = [version for version in allowed if not version.is_prerelease]
    minors = dict.fromkeys(f"{version.major}.{version.minor}" for version in releases)
    return list(minors), [f"{version}" for version in allowed[-1:] if version.is_prerelease]
