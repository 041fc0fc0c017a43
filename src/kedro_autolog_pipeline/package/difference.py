"""Tell in what two packages differ."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from enum import Enum
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from kedro_autolog_pipeline.importing.package_code import CODE_DIRECTORY
from kedro_autolog_pipeline.package.writing import MLMODEL_FILE
from kedro_autolog_pipeline.serving.manifest import Manifest, NodeEntry, read_manifest

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

_OWN_MODULE = __name__.partition(".")[0]


class Section(Enum):
    """What is compared, as a user reads it."""

    PARAMETERS = "parameters"
    """Of the training run and of the inference pipeline, by name."""
    NODES = "nodes"
    """Function, inputs and outputs of each node of the inference pipeline."""
    FUNCTIONS = "functions"
    """Code of each function and class that travels with the package; comments, layout and docstrings do not count."""
    FILES = "files"
    """What else travels as code, by its digest."""
    ARTIFACTS = "artifacts"
    """By their digests."""
    REQUIREMENTS = "requirements"
    """By distribution."""
    VERSIONS = "versions"
    """What packaged it: Python, Kedro, MLflow and this plugin."""
    SIGNATURE = "signature"
    """Columns of the inputs and outputs, and parameters that a caller may give."""
    METRICS = "metrics"
    """Linked to the logged model."""


@attrs.frozen
class Change:
    """One thing that is not the same in two packages.

    Attributes:
        name: What.
        first: What it is in the first one, as text; None when it is not there.
        second: What it is in the second one, likewise.
    """

    name: str
    first: str | None
    second: str | None


@attrs.frozen
class LoggedPackage:
    """A package, with what MLflow knows of its logged model.

    Attributes:
        directory: It needs to hold its manifest, its MLmodel file and its code, and no more.
        parameters: Of its run, as text by name.
        metrics: Value by name.
    """

    directory: Path
    parameters: Mapping[str, str]
    metrics: Mapping[str, float]


def find_changes(first: LoggedPackage, second: LoggedPackage) -> dict[Section, list[Change]]:
    """Find all in which two packages differ, by section, in the order of the sections; none that is the same.

    Raises:
        ModelLoadError: When one has no manifest that can be read.
    """
    contents = _contents(first), _contents(second)
    changes = {section: list(_changes(contents[0][section], contents[1][section])) for section in Section}
    return {section: found for section, found in changes.items() if found}


def _changes(first: Mapping[str, str], second: Mapping[str, str]) -> Iterator[Change]:
    for name in sorted({*first, *second}):
        if first.get(name) != second.get(name):
            yield Change(name, first.get(name), second.get(name))


def _contents(package: LoggedPackage) -> dict[Section, dict[str, str]]:
    """Give what is compared of a package: text by name, for each section."""
    manifest = read_manifest(package.directory)
    functions, files = _code(package.directory / CODE_DIRECTORY)
    pickles = {node.function for node in manifest.nodes if node.is_pickled}
    files |= {name: f"sha256:{entry.sha256}" for name, entry in manifest.files.items() if name in pickles}
    return {
        Section.PARAMETERS: {**_flattened(manifest.parameters), **package.parameters},
        Section.NODES: {node.name: _wiring(node) for node in manifest.nodes},
        Section.FUNCTIONS: functions,
        Section.FILES: files,
        Section.ARTIFACTS: {entry.name: f"sha256:{entry.sha256}" for entry in manifest.artifacts},
        Section.REQUIREMENTS: dict(_requirements(manifest)),
        Section.VERSIONS: manifest.provenance.versions,
        Section.SIGNATURE: dict(_signature(package.directory)),
        Section.METRICS: {name: str(value) for name, value in package.metrics.items()},
    }


def _flattened(parameters: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Give parameters the names and texts that they have in a run."""
    found: dict[str, str] = {}
    for key, value in parameters.items():
        name = f"{prefix}{key.removeprefix('params:')}"
        found |= _flattened(value, f"{name}.") if isinstance(value, Mapping) and value else {name: str(value)}
    return found


def _wiring(node: NodeEntry) -> str:
    return f"{node.function}: {json.dumps(node.inputs)} -> {json.dumps(node.outputs)}"


def _code(directory: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Digest the code of a package: each function by its name, and what is no Python by its path."""
    functions: dict[str, str] = {}
    files: dict[str, str] = {}
    for file in sorted(directory.rglob("*")):
        relative = file.relative_to(directory)
        # Where no index provides this plugin, it travels too; its version tells it apart.
        if not file.is_file() or relative.parts[0] == _OWN_MODULE or file.suffix == ".pyc":
            continue
        content = file.read_bytes()
        try:
            tree = ast.parse(content) if file.suffix == ".py" else None
        except (SyntaxError, ValueError):
            tree = None
        if tree is None:
            files[f"{CODE_DIRECTORY}/{relative.as_posix()}"] = f"sha256:{sha256(content).hexdigest()}"
        else:
            module = ".".join(relative.with_suffix("").parts).removesuffix(".__init__")
            functions |= dict(_definitions(module, tree))
    return functions, files


def _definitions(module: str, tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Digest each function and class at the top of a module, and the rest of it as one."""
    rest = []
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield f"{module}:{statement.name}", _digest(statement)
        else:
            rest.append(statement)
    if rest:
        yield f"{module} (outside of its functions)", _digest(ast.Module(rest, []))


def _digest(tree: ast.AST) -> str:
    for each in ast.walk(tree):
        body = getattr(each, "body", None)
        if isinstance(body, list) and body and _is_text(body[0]):
            each.body = body[1:]  # type: ignore[attr-defined]  # it has one
    return f"code:{sha256(ast.dump(tree).encode()).hexdigest()}"


def _is_text(statement: ast.AST) -> bool:
    """Tell whether a statement is a text and nothing else, as a docstring is."""
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Constant):
        return False
    return isinstance(statement.value.value, str)


def _requirements(manifest: Manifest) -> Iterator[tuple[str, str]]:
    for entry in manifest.requirements:
        try:
            yield canonicalize_name(Requirement(entry.requirement).name), entry.requirement
        except InvalidRequirement:
            yield entry.requirement, entry.requirement


def _signature(directory: Path) -> Iterator[tuple[str, str]]:
    from mlflow.models import Model

    signature: ModelSignature | None = Model.load(str(directory / MLMODEL_FILE)).signature
    for part in ("inputs", "outputs", "params"):
        schema = None if signature is None else getattr(signature, part)
        for position, spec in enumerate([] if schema is None else schema):
            name = position if spec.name is None else spec.name
            yield f"{part}: {name}", json.dumps(spec.to_dict(), default=str)
