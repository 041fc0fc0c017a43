"""Write down what must be known of a training to package it later, and read it back."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from functools import reduce
from pathlib import Path
from typing import Any

import attrs
import cattrs

from kedro_autolog_pipeline.pairing.pair import dataset_of
from kedro_autolog_pipeline.run.noted_metrics import NotedMetrics
from kedro_autolog_pipeline.run.runtime_params import as_typed
from kedro_autolog_pipeline.run.saved_state import SavedState
from kedro_autolog_pipeline.tracking.run import RunStatus
from kedro_autolog_pipeline.tracking.run_inputs import RunInput

_CONVERTER = cattrs.Converter()


@attrs.frozen
class KnownData:
    """What is known of a dataset's data as a run had them.

    Attributes:
        state: What they were when the run saved or read them; None where nobody could look.
        is_saved: Whether the run saved them.
        digest: SHA-256 of what was packaged of them, as in ``ArtifactEntry.sha256``; None before that.
    """

    state: SavedState | None
    is_saved: bool
    digest: str | None


@attrs.frozen
class RunRecord:
    """One training.

    Attributes:
        run_id: The MLflow run.
        kedro_run_id: Kedro's id of the run, which is also its save version.
        pipelines: What Kedro was asked to run.
        env: Kedro's environment; None means the project's default.
        runtime_params: Parameters of the command line that a pipeline reads.
        withheld: Paths of the others, which may be secrets that the configuration is made of.
        conf_source: Where its configuration was, as the user named it; None means the project's own directory.
        package: Name of the project's package where that is installed without the project; None in a project.
        models: Names of the logged models that the run is to give.
        parameters: Plain value by dataset name, of the parameters that their inference pipelines read.
        ends_as: Status of the MLflow run if nobody can end it any more: KILLED while nodes run, FINISHED or FAILED
            afterwards.
        closes_run: Whether the MLflow run was opened for it, and ends with it.
        process: What trains, as ``tracking.abandoned`` names processes; empty where that is not known.
        saves: What the run saved, by dataset name.
        reads: What its references were when it read them, by dataset name.
        digests: SHA-256 by dataset name, as in ``ArtifactEntry.sha256``, of what was staged.
        inputs: What the run read, as MLflow describes it, by dataset name.
        metrics: What the run measured, by dataset name.
        skew: In what a model differs from training, by model name; of those alone that are FAILED for it.
    """

    run_id: str
    kedro_run_id: str
    pipelines: list[str]
    env: str | None
    runtime_params: dict[str, Any]
    models: list[str]
    parameters: dict[str, Any]
    ends_as: RunStatus = RunStatus.KILLED
    closes_run: bool = False
    process: str = ""
    saves: dict[str, SavedState] = attrs.field(factory=dict)
    digests: dict[str, str] = attrs.field(factory=dict)
    reads: dict[str, SavedState] = attrs.field(factory=dict)
    withheld: list[str] = attrs.field(factory=list)
    conf_source: str | None = None
    package: str | None = None
    inputs: dict[str, RunInput] = attrs.field(factory=dict)
    metrics: dict[str, NotedMetrics] = attrs.field(factory=dict)
    skew: dict[str, str] = attrs.field(factory=dict)

    def known(self, name: str) -> KnownData:
        """Return what is known of a dataset, any transcoding suffix aside."""
        dataset = dataset_of(name)
        saved = self.saves.get(dataset)
        state = self.reads.get(dataset) if saved is None else saved
        return KnownData(state, is_saved=saved is not None, digest=self.digests.get(name))

    @property
    def retry_command(self) -> str:
        """The command that packages the run again."""
        command = ["kedro", "autolog"]
        if self.package is not None:
            command = ["python", "-m", "kedro_autolog_pipeline.cli", "--package-name", self.package]
        options = {"--run-id": self.run_id, "--env": self.env, "--conf-source": self.conf_source}
        given = [part for name, value in options.items() if value is not None for part in (name, value)]
        return shlex.join([*command, "package", *given, *as_typed({}, self.withheld)])

    def to_json(self) -> str:
        """Return it as a document."""
        return json.dumps(_CONVERTER.unstructure(self), indent=2, default=str)

    @classmethod
    def from_json(cls, text: str) -> RunRecord:
        """Read a document.

        Raises:
            ValueError: When it is none.
        """
        try:
            return _CONVERTER.structure(json.loads(text), cls)
        except (cattrs.BaseValidationError, TypeError) as error:
            raise ValueError(f"no record of a run: {error}") from error

    @classmethod
    def read(cls, file: Path) -> RunRecord | None:
        """Read the file that ``write`` has written; None when there is none."""
        try:
            return cls.from_json(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    def write(self, file: Path) -> None:
        """Write it as a whole or not at all."""
        draft = file.with_suffix(".draft")
        draft.write_text(self.to_json(), encoding="utf-8")
        draft.replace(file)


def merged(records: Iterable[RunRecord]) -> RunRecord:
    """Put together what several processes have done for one MLflow run, each a part of the training.

    Args:
        records: In the order in which they ran; not empty. What a later one says of a dataset counts.
    """
    return reduce(_then, records)


def _then(first: RunRecord, second: RunRecord) -> RunRecord:
    def joined(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
        return {**one, **other}

    # A dataset that another process has saved anew has no longer the bytes whose digest is known.
    is_other = first.kedro_run_id != second.kedro_run_id
    digests = {name: digest for name, digest in first.digests.items() if not (is_other and name in second.saves)}
    return attrs.evolve(
        second,
        closes_run=first.closes_run or second.closes_run,
        pipelines=[*first.pipelines, *(name for name in second.pipelines if name not in first.pipelines)],
        models=[*first.models, *(name for name in second.models if name not in first.models)],
        runtime_params=joined(first.runtime_params, second.runtime_params),
        parameters=joined(first.parameters, second.parameters),
        saves=joined(first.saves, second.saves),
        reads=joined(first.reads, second.reads),
        inputs=joined(first.inputs, second.inputs),
        metrics=joined(first.metrics, second.metrics),
        skew=joined(first.skew, second.skew),
        withheld=[*first.withheld, *(path for path in second.withheld if path not in first.withheld)],
        digests=joined(digests, second.digests),
    )
