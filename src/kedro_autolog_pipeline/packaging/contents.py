"""A pair and its finished run come in, all that goes into the package goes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from kedro_autolog_pipeline.config import SignatureMode
from kedro_autolog_pipeline.errors import PackagingError
from kedro_autolog_pipeline.packaging.artifacts import Artifact, find_artifact, loading_modules
from kedro_autolog_pipeline.packaging.environment import Environment, Seed, ShippedCode, find_environment
from kedro_autolog_pipeline.packaging.functions import defining_modules
from kedro_autolog_pipeline.packaging.kedro_run import KedroRun
from kedro_autolog_pipeline.packaging.live_pipeline import LivePipeline
from kedro_autolog_pipeline.packaging.pairing import Pair
from kedro_autolog_pipeline.packaging.parameters import callers_name, read_parameters
from kedro_autolog_pipeline.packaging.pickles import pickle_modules
from kedro_autolog_pipeline.packaging.signature import InferredSignature, infer_signature, take_sample
from kedro_autolog_pipeline.packaging.validators import declared_validators, validator_path
from kedro_autolog_pipeline.serving.manifest import Origin
from kedro_autolog_pipeline.serving.runners import resolve_runner

if TYPE_CHECKING:
    from mlflow.models import ModelSignature


@attrs.frozen
class Rehearsal:
    """One call of the live pipeline on data of the run: what a packaged model must reproduce.

    Attributes:
        pipeline: The live pipeline, to call it once more.
        sample: Request data by dataset name.
        output: What the live pipeline answered.
    """

    pipeline: LivePipeline
    sample: Mapping[str, Any]
    output: Any

    def again(self) -> Any:
        """Call the live pipeline on the sample once more."""
        return self.pipeline.predict(self.sample)

    @property
    def model_input(self) -> Any:
        """The sample as ``predict`` takes it: bare when there is one input, by name when there are several."""
        return next(iter(self.sample.values())) if len(self.sample) == 1 else dict(self.sample)


@attrs.frozen
class Contents:
    """What goes into a package.

    Attributes:
        pair: The resolved pair.
        artifacts: One for each trained or reference input.
        parameters: JSON value by dataset name.
        environment: Code to ship and requirements to pin.
        signature: The model's signature; None for a model without one.
        notes: What a reader of the manifest should know, one sentence each.
        fixed_parameters: Parameters that a caller cannot change, as a caller would name them.
        rehearsal: A call to reproduce; None when the run held no data for the request inputs.
        validators: For each request input that has one its validator, as in the catalog.
    """

    pair: Pair
    artifacts: tuple[Artifact, ...]
    parameters: Mapping[str, Any]
    environment: Environment
    signature: ModelSignature | None
    notes: tuple[str, ...]
    fixed_parameters: tuple[str, ...]
    rehearsal: Rehearsal | None
    validators: Mapping[str, Any]

    @property
    def frames(self) -> frozenset[str]:
        """Names of the request inputs that were pandas DataFrames in this run."""
        import pandas as pd

        sample = {} if self.rehearsal is None else self.rehearsal.sample
        return frozenset(name for name, data in sample.items() if isinstance(data, pd.DataFrame))


def gather_contents(pair: Pair, run: KedroRun, parameters_in_files: Callable[[], Mapping[str, Any]]) -> Contents:
    """Gather what a package holds, as the run left it.

    Args:
        pair: A pair that the run completed.
        run: The run.
        parameters_in_files: Gives the parameters as the project's files and the command line have them.

    Raises:
        PackagingError: With every artifact that is not there, or every parameter that cannot be kept.
        Exception: Whatever the live pipeline raises on the sample.
    """
    artifacts, missing = _find_artifacts(pair, run)
    parameters, refused = read_parameters(pair.inputs_from(Origin.PARAMETER), run.catalog, parameters_in_files)
    causes = [
        *missing,
        *(f"the value of '{name}' is not plain JSON data. Use plain data." for name in refused),
    ]
    if causes:
        raise PackagingError(pair.config.name, causes)
    rehearsal = _rehearse(pair, run, parameters)
    inferred = _infer_signature(pair, rehearsal, parameters)
    validators = declared_validators(run.catalog, pair.inputs_from(Origin.REQUEST))
    return Contents(
        pair=pair,
        artifacts=tuple(artifacts),
        parameters=parameters,
        environment=_with_code_paths(pair, run, find_environment(_seeds(pair, artifacts, validators))),
        signature=inferred.signature,
        notes=inferred.notes,
        fixed_parameters=inferred.fixed_parameters,
        rehearsal=rehearsal,
        validators=validators,
    )


def _find_artifacts(pair: Pair, run: KedroRun) -> tuple[list[Artifact], list[str]]:
    artifacts, missing = [], []
    for name in pair.inputs_from(Origin.TRAINED, Origin.REFERENCE):
        try:
            artifacts.append(find_artifact(name, pair.origins[name], run.catalog, from_this_run=name in run.written))
        except FileNotFoundError as error:
            missing.append(f"{error}")
    return artifacts, missing


def _rehearse(pair: Pair, run: KedroRun, parameters: Mapping[str, Any]) -> Rehearsal | None:
    requests = pair.inputs_from(Origin.REQUEST)
    if not all(name in run.catalog and run.catalog.exists(name) for name in requests):
        return None
    pipeline = LivePipeline(pair, run.catalog, run.written, parameters)
    sample = {name: take_sample(run.catalog.load(name)) for name in requests}
    return Rehearsal(pipeline, sample, pipeline.predict(sample))


def _infer_signature(pair: Pair, rehearsal: Rehearsal | None, parameters: Mapping[str, Any]) -> InferredSignature:
    if pair.config.signature is SignatureMode.NONE:
        return InferredSignature(None, (), ())
    named = {callers_name(name): value for name, value in parameters.items()}
    if rehearsal is None:
        return infer_signature(None, None, named)
    return infer_signature(rehearsal.model_input, rehearsal.output, named)


def _seeds(pair: Pair, artifacts: list[Artifact], validators: Mapping[str, Any]) -> list[Seed]:
    """Name the modules that the model needs, each with the reason."""
    functions = [
        Seed(module, f"function of node '{node.name}'")
        for node in pair.inference.nodes
        for module in defining_modules(node.func)
    ]
    datasets = [
        Seed(module, f"loads the artifact '{artifact.name}'")
        for artifact in artifacts
        for module in loading_modules(artifact)
    ]
    objects = [
        Seed(module, f"type in the artifact '{artifact.name}'")
        for artifact in artifacts
        if artifact.source.is_file()
        for module in sorted(pickle_modules(artifact.source))
    ]
    checks = [
        Seed(validator_path(config).rpartition(".")[0], f"validator of '{name}'") for name, config in validators.items()
    ]
    runner = [] if pair.config.runner is None else [Seed(resolve_runner(pair.config.runner).__module__, "runner")]
    return [
        Seed("kedro_autolog_pipeline.serving.model", "the model itself"),
        *functions,
        *datasets,
        *objects,
        *checks,
        *runner,
    ]


def _with_code_paths(pair: Pair, run: KedroRun, found: Environment) -> Environment:
    """Put the code that the user names in the place of the code that was found."""
    if pair.config.code_paths is None:
        return found
    paths = [run.project_path / path for path in pair.config.code_paths]
    missing = [path for path in paths if not path.exists()]
    if missing:
        raise PackagingError(
            pair.config.name,
            [f"code_paths has '{path}', where there is nothing. Correct it in mlflow.yml." for path in missing],
        )
    named = [ShippedCode(path.stem, path, ("named in code_paths",)) for path in paths]
    # Without this package, no other code can be called.
    own = [code for code in found.code if code.module == __name__.partition(".")[0]]
    return attrs.evolve(found, code=(*named, *own))
