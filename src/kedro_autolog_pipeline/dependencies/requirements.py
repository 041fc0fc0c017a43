"""Requirements that were found and those that the user names come in, one line for each distribution goes out.

Where two lines are about one distribution, MLflow has pip resolve them, over the network.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import NormalizedName, canonicalize_name

from kedro_autolog_pipeline.config.schema import ModelConfig
from kedro_autolog_pipeline.dependencies.search import Environment
from kedro_autolog_pipeline.dependencies.search import Requirement as NeededRequirement
from kedro_autolog_pipeline.serving.manifest import RequirementEntry

_COMMENT = re.compile(r"(^|\s)#.*$")
_OTHER_FILE = re.compile(r"(?P<option>-r|--requirement|-c|--constraint)[\s=]+(?P<path>.+)")
# A line that brings no distribution, such as where to find them.
_OPTION = re.compile(r"-(?!e\b|-editable\b)")
_FOR_EXTRA = re.compile(r"\bextra\s*==\s*['\"]([^'\"]+)")
_REQUIREMENTS_FILE = ("-r", "--requirement")


def list_requirements(config: ModelConfig, found: Environment, directory: Path) -> list[RequirementEntry]:
    """List all of a model's requirements.

    Args:
        config: What the user asked for. A version of the user's takes the place of the one that was found.
        found: What was found.
        directory: The project's, which paths are relative to.

    Raises:
        OSError: When a file cannot be read.
    """
    if config.pip_requirements is not None:
        lines = _lines(config.pip_requirements, directory)
        return _without_duplicates(RequirementEntry(line, ["named in pip_requirements"]) for line in lines)
    extra = list(_lines(config.extra_pip_requirements or (), directory))
    versioned = {name for name, requirement in _parsed(extra) if requirement.specifier or requirement.url}
    pinned = [
        RequirementEntry(str(requirement), list(requirement.reasons))
        for requirement in found.requirements
        if canonicalize_name(requirement.distribution) not in versioned
    ]
    return _without_duplicates(
        [*pinned, *(RequirementEntry(line, ["named in extra_pip_requirements"]) for line in extra)]
    )


def read_conda_env(config: ModelConfig, directory: Path) -> dict[str, Any] | None:
    """Give the Conda environment that the user names, without the path that Conda exports with it.

    Returns:
        None when the user names none.

    Raises:
        OSError: When its file cannot be read.
        ValueError: When there is no mapping in it.
    """
    import yaml

    environment: Any = config.conda_env
    if isinstance(environment, str):
        file = directory / environment
        try:
            environment = yaml.safe_load(file.read_text(encoding="utf-8"))
        except yaml.YAMLError as error:
            raise ValueError(f"'{file}' is no YAML") from error
        if not isinstance(environment, Mapping):
            raise ValueError(f"'{file}' holds no mapping")  # noqa: TRY004 - it is what the file says
    if environment is None:
        return None
    return {key: value for key, value in environment.items() if key != "prefix"}


def list_undeclared(config: ModelConfig, needed: Environment, directory: Path) -> list[NeededRequirement]:
    """List what a model needs and the user's own list of all requirements does not bring along.

    Args:
        config: What the user asked for.
        needed: What the model cannot do without.
        directory: The project's, which paths are relative to.

    Returns:
        Nothing where the user lists none, or where nobody can tell: when the list has a line that only pip
        understands, or a distribution that is not installed here, whose own requirements are unknown.

    Raises:
        OSError: When a file cannot be read.
    """
    if config.pip_requirements is None:
        return []
    lines = [line for line in _lines(config.pip_requirements, directory) if not _OPTION.match(line)]
    declared = [requirement for _, requirement in _parsed(lines)]
    if len(declared) < len(lines):
        return []
    lacking = {canonicalize_name(each.distribution) for each in needed.requirements}
    # MLflow adds itself.
    lacking = _not_brought(lacking, [*declared, Requirement("mlflow")])
    return [each for each in needed.requirements if canonicalize_name(each.distribution) in lacking]


def _not_brought(sought: set[NormalizedName], requirements: Iterable[Requirement]) -> set[NormalizedName]:
    """Give those of the distributions ``sought`` that installing requirements is known not to install."""
    lacking = set(sought)
    followed: set[tuple[str, frozenset[str]]] = set()
    pending = deque(requirements)
    lacking -= {canonicalize_name(requirement.name) for requirement in pending}
    while lacking and pending:
        requirement = pending.popleft()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        lacking.discard(name)
        if (name, extras) in followed:
            continue
        followed.add((name, extras))
        try:
            lines = distribution(requirement.name).requires or ()
        except PackageNotFoundError:
            return set()
        # Most lines are about extras that nobody asked for, and parsing one takes a while.
        for _, other in _parsed(line for line in lines if _may_count(line, extras)):
            if other.marker is None or any(other.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                pending.append(other)
    return lacking


def _may_count(line: str, extras: Collection[str]) -> bool:
    named = {canonicalize_name(name) for name in _FOR_EXTRA.findall(line)}
    return not named or not named.isdisjoint(map(canonicalize_name, extras))


def why_unreadable(config: ModelConfig, directory: Path) -> list[str]:
    """Give the mistakes in what a configuration names beside itself, each beginning with the name of a key."""
    mistakes = [
        f"code_paths: '{path}' is neither a file nor a directory of the project."
        for path in config.code_paths or ()
        if not (directory / path).exists()
    ]
    for key, read in (
        ("pip_requirements", lambda: list(_lines(config.pip_requirements or (), directory))),
        ("extra_pip_requirements", lambda: list(_lines(config.extra_pip_requirements or (), directory))),
        ("conda_env", lambda: read_conda_env(config, directory)),
    ):
        try:
            read()
        except (OSError, ValueError) as error:
            mistakes.append(f"{key}: cannot be read: {error}.")
    return mistakes


def _without_duplicates(entries: Iterable[RequirementEntry]) -> list[RequirementEntry]:
    """Put together what several entries say of one distribution, at the place of the first.

    A line that only pip understands stays as it is.
    """
    merged: dict[tuple[str, ...], RequirementEntry] = {}
    for entry in entries:
        key: tuple[str, ...] = (entry.requirement,)
        line = entry.requirement
        for name, requirement in _parsed([line]):
            key = (name, str(requirement.marker))
            line = str(requirement)
            if key in merged:
                first = Requirement(merged[key].requirement)
                first.specifier &= requirement.specifier
                first.extras |= requirement.extras
                line = str(first)
        reasons = merged[key].reasons if key in merged else []
        merged[key] = RequirementEntry(line, [*reasons, *(new for new in entry.reasons if new not in reasons)])
    return list(merged.values())


def _parsed(lines: Iterable[str]) -> Iterator[tuple[str, Requirement]]:
    """Give each line that is a requirement with the normalised name of its distribution."""
    for line in lines:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        yield canonicalize_name(requirement.name), requirement


def _lines(source: Iterable[str] | str, directory: Path) -> Iterator[str]:
    """Give the lines of a list or of a file, and those of the files that they refer to.

    Paths are relative to ``directory``, and to a file's own one in a file. A file of constraints is named by its
    absolute path, for MLflow to read.
    """
    if isinstance(source, str):
        file = directory / source
        source, directory = file.read_text(encoding="utf-8").replace("\\\n", " ").splitlines(), file.parent
    for written in source:
        line = _COMMENT.sub("", written).strip()
        other = _OTHER_FILE.fullmatch(line)
        if other is None:
            yield from [line] if line else []
        elif other["option"] in _REQUIREMENTS_FILE:
            yield from _lines(other["path"], directory)
        else:
            yield f"-c {(directory / other['path']).resolve(strict=True)}"
