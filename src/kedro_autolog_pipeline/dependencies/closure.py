"""Find all that installing requirements brings, by what is installed here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import NormalizedName, canonicalize_name

from kedro_autolog_pipeline.dependencies.distributions import installation_directory

# A line that brings no distribution, such as where to find them; "-e" brings one.
_OPTION = re.compile(r"-(?!e\b|-editable\b)")


def find_closure(requirements: Iterable[str], directories: Iterable[str | Path]) -> frozenset[NormalizedName] | None:
    """Find the distributions that requirements bring, those included that the required ones require.

    Args:
        requirements: Lines of requirements.txt.
        directories: Where distributions are installed, the first one to count first.

    Returns:
        Their normalised names; None when that cannot be told: a line names a place instead of a distribution or a
        version, or something that is required is not installed here.
    """
    lines = [line for line in requirements if not _OPTION.match(line)]
    try:
        pending = [Requirement(line) for line in lines]
    except InvalidRequirement:
        return None
    if any(requirement.url is not None for requirement in pending):
        return None
    pending = [requirement for requirement in pending if requirement.marker is None or requirement.marker.evaluate()]
    installed = [installation_directory(Path(directory)) for directory in directories]
    followed: set[tuple[NormalizedName, frozenset[str]]] = set()
    while pending:
        requirement = pending.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if (name, extras) in followed:
            continue
        followed.add((name, extras))
        required = next(filter(_is_known, (directory.requirements(name) for directory in installed)), None)
        if required is None:
            return None
        pending.extend(_asked_for(required, extras))
    return frozenset(name for name, _ in followed)


def _is_known(requirements: list[str] | None) -> bool:
    return requirements is not None


def _asked_for(lines: Iterable[str], extras: Iterable[str]) -> Iterator[Requirement]:
    """Find the requirements that apply here, for a distribution of which some extras are asked for."""
    # Without an extra, a marker is evaluated with an empty one.
    asked = [*extras] or [""]
    for line in lines:
        if asked == [""] and "extra ==" in line and " or " not in line:
            # Parsing what kedro-datasets could require takes longer than all the rest.
            continue
        requirement = Requirement(line)
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in asked):
            yield requirement
