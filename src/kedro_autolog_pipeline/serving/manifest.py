"""Write and read ``manifest.json``, a package's description of its pipeline."""

from __future__ import annotations

import json
from datetime import datetime
from enum import Enum
from pathlib import Path
from textwrap import shorten
from typing import Any, TypeAlias

import attrs
import cattrs

from kedro_autolog_pipeline.errors import ModelLoadError
from kedro_autolog_pipeline.serving.copying import CopyMode
from kedro_autolog_pipeline.serving.frames import FrameKind
from kedro_autolog_pipeline.serving.snapshots import SnapshotFormat

FORMAT_VERSION = 2
"""Version of what is on disk.

Raise it by one whenever a reader of the version before would misread a package:
a key that changes its meaning, a file that moves. A key that older readers may
ignore does not count. With each new version, keep a small package of the one
before in the tests and a reader for it here: what was logged stays loadable.

Version 2 lists every file, so that a file that is missing or cut off is refused when the model is loaded. A package of
version 1 lists none, and its files are not looked at.
"""

MANIFEST_FILE = "manifest.json"

# A message is for a person to read, however much of a file is wrong.
_CAUSES_SHOWN = 3
_LONGEST_CAUSE = 300

# Digits of the id of a run, enough to find it among those of an experiment.
_SHOWN_OF_ID = 8

Names: TypeAlias = str | list[str] | dict[str, str] | None
"""A node's inputs or outputs in the form the pipeline's author wrote them: none, one, several by
position, several by argument (inputs) or by key of the returned dictionary (outputs)."""


class Origin(Enum):
    """Where an input of the inference pipeline comes from."""

    REQUEST = "request"
    """Given at predict time."""
    TRAINED = "trained"
    """Written by the training pipeline."""
    REFERENCE = "reference"
    """In the catalog, and not written by the training pipeline."""
    PARAMETER = "parameter"
    """``params:…`` or ``parameters``."""


class PathArgument(Enum):
    """The argument of a dataset's constructor that says where its data are."""

    FILEPATH = "filepath"
    PATH = "path"


@attrs.frozen
class NodeEntry:
    """One node of the inference pipeline.

    Attributes:
        name: The node's full name, namespace included.
        function: ``module:qualname`` of its function, or the path of its pickle
            relative to the package where the function has no import path.
        is_pickled: Whether ``function`` is the path of a pickle.
        inputs: Dataset names in the form the pipeline's author wrote them.
        outputs: Dataset names, likewise.
    """

    name: str
    function: str
    is_pickled: bool
    inputs: Names
    outputs: Names


@attrs.frozen
class InputEntry:
    """One free input of the inference pipeline.

    Attributes:
        name: The dataset's name in the catalog, transcoding suffix included.
        origin: Where its value comes from.
        is_frame: Whether packaging saw that it is a table, which a request in JSON then becomes.
        column_types: Pandas' type of each column that MLflow or JSON gives another one, such as ``category`` and
            ``Int64``, by the column's name: the model makes it of what it gets.
        frame: What kind of table it is.
        arrow_schema: As ``Frame.schema``.
    """

    name: str
    origin: Origin
    is_frame: bool = False
    column_types: dict[str, str] = attrs.field(factory=dict)
    frame: FrameKind = FrameKind.PANDAS
    arrow_schema: str | None = None


@attrs.frozen
class WritingRun:
    """An earlier run that has written data.

    Attributes:
        run_id: The MLflow run.
        started_at: When it began, ISO 8601, UTC.
    """

    run_id: str
    started_at: str

    @property
    def shown(self) -> str:
        """It, as a person reads it: "run 4f1d03ab, 26 Nov 2026"."""
        return f"run {self.run_id[:_SHOWN_OF_ID]}, {datetime.fromisoformat(self.started_at):%d %b %Y}"


@attrs.frozen
class ArtifactEntry:
    """One dataset of the catalog, held by the package.

    Attributes:
        name: The dataset's name in the catalog, transcoding suffix included.
        origin: Trained or reference; a parameter whose value JSON cannot hold.
        path: Where it is, relative to the package, with forward slashes.
        dataset: The dataset's configuration, as in catalog.yml, without any path,
            credential or file system argument: ``type`` as an importable dotted
            path, what its constructor needs to load, and its ``validator``. Empty
            for a snapshot.
        size: Bytes of all its files.
        sha256: Digest of its file, or of its files' relative paths and bytes in
            the order of the paths where it is a directory; hexadecimal.
        from_this_run: Whether the run that is packaged wrote it.
        argument: The argument of the dataset's constructor that takes ``path``.
        snapshot: The format of what the dataset loaded, where it keeps its data in
            no file; None where ``path`` is the dataset's own.
        written_by: The earlier run that wrote it; None where no run has noted that, and for what the run that is
            packaged wrote.
    """

    name: str
    origin: Origin
    path: str
    dataset: dict[str, Any]
    size: int
    sha256: str
    from_this_run: bool
    argument: PathArgument = PathArgument.FILEPATH
    snapshot: SnapshotFormat | None = None
    written_by: WritingRun | None = None

    @property
    def source(self) -> str:
        """Where it comes from, as a person reads it."""
        if self.from_this_run:
            return "this run"
        if self.written_by is not None:
            return self.written_by.shown
        return "an earlier run" if self.origin is Origin.TRAINED else "the catalog"


@attrs.frozen
class RequirementEntry:
    """A distribution that the model needs and an index provides.

    Attributes:
        requirement: As in requirements.txt, ``name==version``.
        reasons: Why it is there, one phrase each.
    """

    requirement: str
    reasons: list[str]


@attrs.frozen
class CodeEntry:
    """A package or module that the model needs and no index provides.

    Attributes:
        module: Its importable top-level name.
        path: Where it is, relative to the package, with forward slashes.
        reasons: Why it is there, one phrase each.
    """

    module: str
    path: str
    reasons: list[str]


@attrs.frozen
class FileEntry:
    """One file of the package.

    Attributes:
        size: Its bytes.
        sha256: Their digest, hexadecimal.
    """

    size: int
    sha256: str


@attrs.frozen
class Provenance:
    """Where the package comes from.

    Attributes:
        run_id: The MLflow run it belongs to.
        training_pipeline: Registered name of the training pipeline.
        inference_pipeline: Registered name of the inference pipeline.
        kedro_run_id: Kedro's own id of the run, which is also its save version.
        git_commit: The project's commit; None outside a git checkout.
        created_at: When it was packaged, ISO 8601, UTC.
        versions: Version of Python, kedro, mlflow and this package, by name.
    """

    run_id: str
    training_pipeline: str
    inference_pipeline: str
    kedro_run_id: str
    git_commit: str | None
    created_at: str
    versions: dict[str, str]


def _check_name(_: Any, __: Any, name: str) -> None:
    """Refuse a name that could do more to a terminal than be shown, as the configuration does.

    Raises:
        ValueError: When it has control characters.
    """
    if not name.isprintable():
        raise ValueError(f"no name: {name!r}")


@attrs.frozen
class Manifest:
    """All that a package says of itself.

    Attributes:
        format_version: ``FORMAT_VERSION`` of the writer.
        name: The logged model's name.
        nodes: In an order in which they can run.
        inputs: Every free input of the pipeline, sorted by name.
        outputs: Free outputs of the pipeline, sorted.
        parameters: Value by dataset name (``params:threshold``, ``parameters``), of those that JSON holds.
        artifacts: One for each trained or reference input, and for each parameter that JSON cannot hold.
        requirements: What an index provides.
        code: What travels in the package.
        notes: What a reader should know of this package, one sentence each.
        provenance: Where it comes from.
        copy_modes: How to copy a dataset, by name; None is as Kedro infers from its
            value. What is not named is copied as the executor does.
        runner: Class of the Kedro runner that runs the pipeline, as in ``resolve_runner``;
            None is the executor.
        validators: For each request input, and each dataset that a node writes, that has one its validator, as in
            the catalog's ``validator``.
        hooks: Dotted paths of the classes whose hooks are called around nodes, in this order.
        files: Every file of the package but this manifest, by its path relative to the package, with forward
            slashes; empty until the package is sealed, and in format 1.
    """

    format_version: int
    name: str = attrs.field(validator=_check_name)
    nodes: list[NodeEntry]
    inputs: list[InputEntry]
    outputs: list[str]
    parameters: dict[str, Any]
    artifacts: list[ArtifactEntry]
    requirements: list[RequirementEntry]
    code: list[CodeEntry]
    notes: list[str]
    provenance: Provenance
    copy_modes: dict[str, CopyMode | None] = attrs.field(factory=dict)
    runner: str | None = None
    validators: dict[str, Any] = attrs.field(factory=dict)
    hooks: list[str] = attrs.field(factory=list)
    files: dict[str, FileEntry] = attrs.field(factory=dict)

    @property
    def request_inputs(self) -> list[str]:
        """Names of the inputs that are given at predict time."""
        return [entry.name for entry in self.inputs if entry.origin is Origin.REQUEST]


def _names(value: Any, _: Any) -> Names:
    """Return a node's inputs or outputs as they are, when they have one of their forms.

    Raises:
        ValueError: When they have another one.
    """
    if isinstance(value, dict):
        inner = [*value, *value.values()]
    elif isinstance(value, list):
        inner = value
    else:
        inner = [] if value is None else [value]
    if not all(isinstance(name, str) for name in inner):
        raise ValueError(f"no names of datasets: {value!r}")
    return value  # type: ignore[no-any-return]  # it is one of the forms


def _exactly(value: Any, kind: type) -> Any:
    """Return a value of a plain type as it is, where cattrs would make a value of the type of any other.

    Raises:
        ValueError: When it has another type.
    """
    if type(value) is not kind:
        raise ValueError(f"no {kind.__name__}: {value!r}")
    return value


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter()
    for kind in (bool, int, str):
        converter.register_structure_hook(kind, _exactly)
    converter.register_structure_hook_func(lambda kind: kind == Names, _names)
    return converter


_CONVERTER = _converter()


def write_manifest(manifest: Manifest, package: Path) -> None:
    """Write ``manifest`` into the directory ``package``.

    Raises:
        TypeError: When a parameter's value is not JSON; packaging refuses such a
            value by name before it gets here.
    """
    # A parameter may be a dictionary whose order matters.
    text = json.dumps(_CONVERTER.unstructure(manifest), indent=2, allow_nan=True)
    (package / MANIFEST_FILE).write_text(text + "\n", encoding="utf-8")


def read_manifest(package: Path) -> Manifest:
    """Read the manifest of the directory ``package``.

    Raises:
        ModelLoadError: When there is none, it is not what this package writes, or a newer version of this package
            wrote it.
    """
    try:
        content = json.loads((package / MANIFEST_FILE).read_text(encoding="utf-8"))
        version = content["format_version"]
        is_newer = version > FORMAT_VERSION
        manifest = None if is_newer else _CONVERTER.structure(content, Manifest)
    except Exception as error:
        # Whoever can write to the artifact store can put anything there, nested so deep that reading it fails too.
        raise unreadable_manifest(package, error) from error
    if manifest is None:
        raise ModelLoadError(
            str(package),
            f"it has format version {version}, and this kedro-autolog-pipeline reads up to {FORMAT_VERSION}.",
            "Upgrade kedro-autolog-pipeline to the version named in its requirements.txt.",
        )
    return manifest


def unreadable_manifest(package: Path, error: Exception) -> ModelLoadError:
    """Return the error for a manifest that describes no pipeline.

    Args:
        package: The package's directory.
        error: What reading it has raised.
    """
    if isinstance(error, cattrs.BaseValidationError):
        causes = cattrs.transform_error(error)
        cause = "; ".join(causes[:_CAUSES_SHOWN])
    else:
        cause = f"{error!r}"
    return ModelLoadError(
        str(package),
        f"its {MANIFEST_FILE} cannot be read ({shorten(cause, _LONGEST_CAUSE, placeholder=' ...')}).",
        "Log the model again, or fetch its files again.",
    )
