"""Write a package: one directory that MLflow can load."""

from __future__ import annotations

import platform
import threading
import warnings
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from kedro_autolog_pipeline.dependencies.requirements import is_constraint
from kedro_autolog_pipeline.dependencies.shipping import copy_code
from kedro_autolog_pipeline.importing.package_code import CODE_DIRECTORY
from kedro_autolog_pipeline.loggers import quiet
from kedro_autolog_pipeline.package.artifacts import place_artifacts
from kedro_autolog_pipeline.package.contents import Contents
from kedro_autolog_pipeline.package.functions import stage_node
from kedro_autolog_pipeline.package.sealing import seal_package
from kedro_autolog_pipeline.pairing.pair import Pair
from kedro_autolog_pipeline.serving.copying import CopyMode, copy_modes_by_dataset
from kedro_autolog_pipeline.serving.frames import Frame
from kedro_autolog_pipeline.serving.manifest import (
    FORMAT_VERSION,
    CodeEntry,
    InputEntry,
    Manifest,
    Origin,
    Provenance,
    RequirementEntry,
    read_manifest,
    write_manifest,
)

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

ENTRY_FILE = "model.py"
MLMODEL_FILE = "MLmodel"

ENTRY = '''"""What MLflow runs to load this model: it is built from the manifest beside this file."""

from pathlib import Path

from mlflow.models import set_model

from kedro_autolog_pipeline.serving.model import KedroPipelineModel

set_model(KedroPipelineModel.from_package(Path(__file__).parent))
'''

# MLflow runs the entry that it is given to save, and its older versions load what it sets: a model that does nothing
# stands in for one whose package is not written yet.
STAND_IN = """from mlflow.models import set_model
from mlflow.pyfunc import PythonModel
from pandas import DataFrame

class StandIn(PythonModel):
    def predict(self, context, model_input: DataFrame, params=None): ...

set_model(StandIn())
"""

# MLflow adds itself to requirements that do not name it, and compares each with what is installed here, which ours come
# from: for that it reads the metadata of all that is installed, half a second. One whose marker does not hold is not
# compared. So this one stands in for all of ours until they are written.
STAND_IN_REQUIREMENT = 'mlflow; python_version < "0"'

_CONSTRAINTS_FILE = "constraints.txt"

# MLflow takes the model that an entry sets from one variable of the process.
_ENTRY_LOCK = threading.Lock()


@attrs.frozen
class ModelIdentity:
    """Which logged model a package becomes.

    Attributes:
        model_id: Id of the logged model.
        run_id: The MLflow run it belongs to.
        kedro_run_id: Kedro's id of the run, which is also its save version.
        git_commit: The project's commit when training started; None outside a git checkout.
    """

    model_id: str
    run_id: str
    kedro_run_id: str
    git_commit: str | None


def write_package(package: Path, identity: ModelIdentity, contents: Contents) -> Manifest:
    """Write the directory of a model.

    Args:
        package: Where to write; it does not exist, and its artifacts are staged beside it.
        identity: Which logged model it becomes.
        contents: What goes in.

    Raises:
        Exception: What copying, pickling or MLflow raises; ``package`` is then incomplete.
    """
    nodes = list(contents.pair.inference.nodes)
    model = _save_skeleton(package, identity, contents)
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        name=contents.pair.config.name,
        nodes=[stage_node(node, index, package) for index, node in enumerate(nodes)],
        inputs=[
            _input_entry(name, origin, contents.frames.get(name)) for name, origin in contents.pair.origins.items()
        ],
        outputs=sorted(contents.pair.inference.outputs()),
        parameters=dict(contents.parameters),
        artifacts=[artifact.entry for artifact in contents.artifacts],
        requirements=_packaged(contents.requirements),
        code=[
            CodeEntry(code.module, f"{CODE_DIRECTORY}/{code.path}", list(code.reasons))
            for code in contents.environment.code
        ],
        notes=list(contents.notes),
        provenance=_provenance(identity, contents.pair),
        copy_modes=copy_modes_by_dataset(contents.pair.config.copy_mode, contents.pair.inference),
        runner=contents.pair.config.runner,
        validators=dict(contents.validators),
        hooks=list(contents.pair.config.hooks),
    )
    copy_code(contents.environment.code, package / CODE_DIRECTORY)
    write_manifest(manifest, package)
    _finish_skeleton(package, model, contents)
    place_artifacts(contents.artifacts, package)
    seal_package(package)
    return manifest


def amend_package(
    package: Path,
    *,
    signature: ModelSignature | None,
    copied: Iterable[str],
    notes: Iterable[str],
    column_types: Mapping[str, str],
) -> None:
    """Write into a package what its proof has shown.

    Args:
        package: Its directory.
        signature: The model's signature from now on.
        copied: Artifacts and parameters of which each call gets a copy, unless the user wants otherwise.
        notes: Sentences for the manifest, besides those that it has.
        column_types: Pandas' types of columns of the one request table, besides those that it has.
    """
    from mlflow.models import Model

    manifest = read_manifest(package)
    modes = {**dict.fromkeys(copied, CopyMode.DEEPCOPY), **manifest.copy_modes}
    inputs = [
        attrs.evolve(entry, column_types={**entry.column_types, **column_types}) if entry.is_frame else entry
        for entry in manifest.inputs
    ]
    manifest = attrs.evolve(manifest, inputs=inputs, copy_modes=modes, notes=[*manifest.notes, *notes])
    write_manifest(manifest, package)
    model = Model.load(str(package))
    model.signature = signature
    model.save(str(package / MLMODEL_FILE))


def _input_entry(name: str, origin: Origin, frame: Frame | None) -> InputEntry:
    if frame is None:
        return InputEntry(name, origin)
    return InputEntry(
        name,
        origin,
        is_frame=True,
        column_types=dict(frame.column_types),
        frame=frame.kind,
        arrow_schema=frame.schema,
    )


def _save_skeleton(package: Path, identity: ModelIdentity, contents: Contents) -> Any:
    """Let MLflow write all that is its own: MLmodel, the entry, requirements and environments."""
    import mlflow.pyfunc
    from mlflow.models import Model, ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    from kedro_autolog_pipeline.serving.entry import forget_entry

    config = contents.pair.config
    model = Model(
        # The location of the artifact store does not belong into a package that moves.
        artifact_path=config.name,
        run_id=identity.run_id,
        model_uuid=identity.model_id,
        model_id=identity.model_id,
        metadata=dict(config.metadata) or None,
    )
    package.parent.mkdir(parents=True, exist_ok=True)
    entry = package.parent / ENTRY_FILE
    entry.write_text(STAND_IN, encoding="utf-8")
    environment = (
        {"pip_requirements": [STAND_IN_REQUIREMENT, *filter(is_constraint, _lines(contents.requirements))]}
        if contents.conda_env is None
        else {"conda_env": dict(contents.conda_env)}
    )
    # MLflow tells of where there is no pip, and advises to store an example of the input, which may hold personal data.
    with _ENTRY_LOCK, quiet("mlflow"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow.pyfunc.save_model(
            path=str(package),
            python_model=str(entry),
            mlflow_model=model,
            # Without one, MLflow would have the stand-in predict to infer it.
            signature=contents.signature or ModelSignature(outputs=Schema([ColSpec(DataType.string)])),
            input_example=contents.input_example,
            **environment,
        )
        forget_entry(package.parent)
    entry.unlink()
    return model


def _finish_skeleton(package: Path, model: Any, contents: Contents) -> None:
    (package / ENTRY_FILE).write_text(ENTRY, encoding="utf-8")
    # Where the working directory is a uv project, MLflow adds its files, and a server would then install the
    # whole project in place of requirements.txt.
    for name in ("uv.lock", "pyproject.toml", ".python-version"):
        (package / name).unlink(missing_ok=True)
    if contents.conda_env is None:
        _write_requirements(package, _lines(_packaged(contents.requirements)))
    flavor = model.flavors["python_function"]
    flavor["code"] = CODE_DIRECTORY
    # MLflow keeps the absolute path of the entry's source, and reads its last part alone.
    flavor["model_code_path"] = ENTRY_FILE
    model.signature = contents.signature
    # The artifacts, of which there may be many, are not there yet.
    model.model_size_bytes = sum(file.stat().st_size for file in package.rglob("*") if file.is_file()) + sum(
        artifact.entry.size for artifact in contents.artifacts
    )
    model.save(str(package / MLMODEL_FILE))


def _packaged(requirements: Iterable[RequirementEntry]) -> list[RequirementEntry]:
    """Return requirements as the package has them: MLflow copies all files of constraints into one, named last."""
    entries = [entry for entry in requirements if not is_constraint(entry.requirement)]
    reasons = [reason for entry in requirements if is_constraint(entry.requirement) for reason in entry.reasons]
    return [*entries, RequirementEntry(f"-c {_CONSTRAINTS_FILE}", reasons)] if reasons else entries


def _lines(requirements: Iterable[RequirementEntry]) -> list[str]:
    return [entry.requirement for entry in requirements]


def _write_requirements(package: Path, lines: list[str]) -> None:
    """Write requirements in the place of the one that stood in for them, in the form of MLflow's own files."""
    import yaml

    (package / "requirements.txt").write_text("\n".join(lines), encoding="utf-8")
    file = package / "conda.yaml"
    environment = yaml.safe_load(file.read_text(encoding="utf-8"))
    (for_pip,) = (each for each in environment["dependencies"] if isinstance(each, dict))
    for_pip["pip"] = lines
    file.write_text(yaml.safe_dump(environment, default_flow_style=False), encoding="utf-8")


def _provenance(identity: ModelIdentity, pair: Pair) -> Provenance:
    return Provenance(
        run_id=identity.run_id,
        training_pipeline=pair.config.training,
        inference_pipeline=pair.config.inference,
        kedro_run_id=identity.kedro_run_id,
        git_commit=identity.git_commit,
        created_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        versions={
            "python": platform.python_version(),
            **{name: version(name) for name in ("kedro", "mlflow", "kedro-autolog-pipeline")},
        },
    )
