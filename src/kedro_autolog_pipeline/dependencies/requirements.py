"""List a model's requirements: those that were found and those that the user names, one line for each distribution."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from kedro_autolog_pipeline.config.schema import ModelConfig
from kedro_autolog_pipeline.dependencies.closure import find_closure
from kedro_autolog_pipeline.dependencies.distributions import installation_directories
from kedro_autolog_pipeline.dependencies.search import Environment
from kedro_autolog_pipeline.dependencies.search import Requirement as NeededRequirement
from kedro_autolog_pipeline.errors import showable
from kedro_autolog_pipeline.secret_values import holds_secret, without_secrets
from kedro_autolog_pipeline.serving.manifest import RequirementEntry

_COMMENT = re.compile(r"(^|\s)#.*$")
_OTHER_FILE = re.compile(r"(?P<option>-r|--requirement|-c|--constraint)[\s=]+(?P<path>.+)")
_CONSTRAINT = "-c "
_REQUIREMENTS_FILE = ("-r", "--requirement")
_MLFLOW = frozenset({"mlflow", "mlflow-skinny"})


def list_requirements(config: ModelConfig, found: Environment, directory: Path) -> list[RequirementEntry]:
    """List all of a model's requirements; MLflow, which loads the model, is among them.

    Args:
        config: What the user asked for. A version of the user's takes the place of the one that was found.
        found: What was found.
        directory: The project's, which paths are relative to.

    Raises:
        OSError: When a file cannot be read.
    """
    if config.pip_requirements is not None:
        lines = _lines(config.pip_requirements, directory)
        return _with_mlflow([RequirementEntry(line, ["named in pip_requirements"]) for line in lines])
    extra = list(_lines(config.extra_pip_requirements or (), directory))
    versioned = {name for name, requirement in _parsed(extra) if requirement.specifier or requirement.url}
    pinned = [
        RequirementEntry(str(requirement), list(requirement.reasons))
        for requirement in found.requirements
        if canonicalize_name(requirement.distribution) not in versioned
    ]
    return _with_mlflow([*pinned, *(RequirementEntry(line, ["named in extra_pip_requirements"]) for line in extra)])


def is_constraint(line: str) -> bool:
    """Tell whether a line of ``list_requirements`` names a file of constraints, by its absolute path."""
    return line.startswith(_CONSTRAINT)


def read_conda_env(config: ModelConfig, directory: Path) -> dict[str, Any] | None:
    """Read the Conda environment that the user names, without the path that Conda exports with it.

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
        Nothing where the user lists none, or where nobody can tell, as in ``find_closure``.

    Raises:
        OSError: When a file cannot be read.
    """
    if config.pip_requirements is None:
        return []
    lines = [entry.requirement for entry in list_requirements(config, needed, directory)]
    brought = find_closure(lines, installation_directories())
    if brought is None:
        return []
    return [each for each in needed.requirements if canonicalize_name(each.distribution) not in brought]


def why_unreadable(config: ModelConfig, directory: Path) -> list[str]:
    """Find the mistakes in what a configuration names beside itself, each beginning with the name of a key."""
    mistakes = [
        f"code_paths: '{path}' is neither a file nor a directory of the project."
        for path in config.code_paths or ()
        if not (directory / path).exists()
    ]
    named: dict[str, Callable[[], Iterator[str]]] = {
        "pip_requirements": lambda: _with_constraints(config.pip_requirements or (), directory),
        "extra_pip_requirements": lambda: _with_constraints(config.extra_pip_requirements or (), directory),
        "conda_env": lambda: _texts(read_conda_env(config, directory)),
    }
    for key, read in named.items():
        try:
            mistakes += [f"{key}: {_with_secret(line)}" for line in read() if holds_secret(line)]
        except (OSError, ValueError) as error:
            mistakes.append(f"{key}: cannot be read: {error}.")
    return mistakes


def _with_secret(line: str) -> str:
    shown = showable(without_secrets(line))
    return (
        f"'{shown}' contains a password or a token, and everyone who can read the model could read it. "
        "Write '${NAME}' in its place: pip takes it from the environment where the model is installed."
    )


def _with_constraints(source: Iterable[str] | str, directory: Path) -> Iterator[str]:
    """Read lines as ``_lines`` does, and those of files of constraints, which travel with the model."""
    for line in _lines(source, directory):
        yield line
        if is_constraint(line):
            yield from Path(line.removeprefix(_CONSTRAINT)).read_text(encoding="utf-8").splitlines()


def _texts(value: Any) -> Iterator[str]:
    """Find every text in nested dictionaries and lists."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _texts(list(value.values()))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _with_mlflow(entries: list[RequirementEntry]) -> list[RequirementEntry]:
    """Put MLflow first where no line names it or its small distribution, and keep one line for each distribution."""
    named = {name for name, _ in _parsed(entry.requirement for entry in entries)}
    if named.isdisjoint(_MLFLOW):
        entries = [RequirementEntry(f"mlflow=={version('mlflow')}", ["loads the model"]), *entries]
    return _without_duplicates(entries)


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
    """Parse each line that is a requirement, and yield it with the normalised name of its distribution."""
    for line in lines:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        yield canonicalize_name(requirement.name), requirement


def _lines(source: Iterable[str] | str, directory: Path) -> Iterator[str]:
    """Read the lines of a list or of a file, and those of the files that they refer to.

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
            yield f"{_CONSTRAINT}{(directory / other['path']).resolve(strict=True)}"
