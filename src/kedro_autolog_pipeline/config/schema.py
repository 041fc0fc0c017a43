"""Hold what the user asks for in ``mlflow.yml``, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

import attrs

from kedro_autolog_pipeline.serving.copying import CopyMode

OUR_KEY = "autolog_pipeline"
"""The key of ``mlflow.yml`` that is this plugin's own."""


class OnFailure(Enum):
    """What a failed packaging does to the command that trained."""

    RAISE = "raise"
    """It fails, once training's outputs are saved."""
    WARN = "warn"
    """It succeeds, with a WARNING."""


class PartialRuns(Enum):
    """What becomes of a run that has some of a training pipeline's nodes and not all."""

    SKIP = "skip"
    """It is not packaged, with a WARNING."""
    PACKAGE = "package"
    """It is packaged with what is there; the manifest tells what the run did not produce."""
    ERROR = "error"
    """It stops before its first node."""


class SignatureMode(Enum):
    """Where the model's signature comes from."""

    AUTO = "auto"
    """Inferred from a sample, its prediction and the parameters; a column that inference does without is optional."""
    FULL = "full"
    """Inferred likewise; every column is required."""
    PARAMS = "params"
    """The parameters and the outputs are inferred; whatever a caller sends as input is taken as it is."""
    NONE = "none"
    """Nowhere: the model has none."""


class SkewMode(Enum):
    """What becomes of a model whose pipeline makes other values of training's rows than training did."""

    WARN = "warn"
    """It is packaged, with a WARNING."""
    ERROR = "error"
    """It fails."""
    OFF = "off"
    """Nothing is compared."""


@attrs.frozen
class SignatureConfig:
    """The model's signature.

    Attributes:
        mode: Where it comes from.
        optional: Columns that a request may leave out, whatever was found; only where the mode is ``AUTO``, as for the
            two below. None of them is in ``required`` too.
        nullable: Columns that may hold no value.
        required: Columns that every request must have.
    """

    mode: SignatureMode = SignatureMode.AUTO
    optional: tuple[str, ...] = ()
    nullable: tuple[str, ...] = ()
    required: tuple[str, ...] = ()


class ModelType(Enum):
    """What a model answers with, as ``mlflow.models.evaluate`` has it."""

    CLASSIFIER = "classifier"
    """Labels."""
    REGRESSOR = "regressor"
    """Numbers."""


class OnRefusal(Enum):
    """What a refused promotion does to the command that trained."""

    WARN = "warn"
    """It succeeds, and one line says so."""
    RAISE = "raise"
    """It fails, once everything is saved and registered."""


@attrs.frozen
class ThresholdConfig:
    """One condition of a promotion, with the keys of ``mlflow.models.MetricThreshold``.

    Attributes:
        greater_is_better: Whether a greater value of the metric is better.
        threshold: The value that is just good enough; None means any. One of these three at least is given.
        min_absolute_change: By how much the metric must be better than that of the version which has the alias, at
            least; positive. None means not at all.
        min_relative_change: The same as a part of the other's, between 0 and 1.
    """

    greater_is_better: bool
    threshold: float | None = None
    min_absolute_change: float | None = None
    min_relative_change: float | None = None

    @property
    def compares(self) -> bool:
        """Whether the metric is compared with that of another version."""
        return self.min_absolute_change is not None or self.min_relative_change is not None


@attrs.frozen
class EvaluateConfig:
    """How the packaged pipeline is evaluated, under the key ``evaluate`` of a pair.

    Attributes:
        data: The dataset with the rows that it answers: those of a request, and the target where that is a column.
        targets: The column of ``data``, or the dataset of the same length, that holds what it should answer.
        model_type: What it answers with, which decides the metrics and plots.
        predictions: The column or the output that holds its answer; None means found.
        evaluator_config: Options of MLflow's default evaluator.
        extra_metrics: Dotted paths of ``mlflow.models.EvaluationMetric`` objects.
    """

    data: str
    targets: str
    model_type: ModelType
    predictions: str | None = None
    evaluator_config: Mapping[str, Any] = attrs.field(factory=dict)
    extra_metrics: tuple[str, ...] = ()


@attrs.frozen
class ServerConfig:
    """Which tracking server, under the key ``server``.

    Attributes:
        mlflow_tracking_uri: As written; None leaves it to the environment.
        mlflow_registry_uri: As written; None means the tracking server's.
        credentials: Key of ``credentials.yml`` whose entries become environment
            variables; None means none.
    """

    mlflow_tracking_uri: str | None = None
    mlflow_registry_uri: str | None = None
    credentials: str | None = None


@attrs.frozen
class ExperimentConfig:
    """Which experiment, under the key ``tracking.experiment``.

    Attributes:
        name: None means the name of the project's package.
    """

    name: str | None = None


@attrs.frozen
class RunConfig:
    """Which MLflow run, under the key ``tracking.run``.

    Attributes:
        id: A run that exists, to be continued; None means a new one.
        name: Name of the new run; None means the names of the training pipelines, and the time.
    """

    id: str | None = None
    name: str | None = None


@attrs.frozen
class TrackingConfig:
    """Where runs go, under the key ``tracking``.

    Attributes:
        experiment: The experiment.
        run: The run.
    """

    experiment: ExperimentConfig = attrs.field(factory=ExperimentConfig)
    run: RunConfig = attrs.field(factory=RunConfig)


@attrs.frozen
class ModelConfig:
    """One pair: a training pipeline, its inference pipeline, and the options of the logged model.

    Attributes:
        name: The logged model's name, which is the pair's key under ``models``.
        training: Registered name of the training pipeline.
        inference: Registered name of the inference pipeline.
        input_name: Inputs of the inference pipeline that are given at predict
            time, in the order of the file; None means the only one that is free.
        registered_model_name: Name in the model registry; None means not registered.
        alias: Set on the registered version; None means none. Given only with a
            ``registered_model_name``.
        copy_mode: How the model copies its datasets while it predicts: one mode for all, or by
            dataset name; None leaves it to the model.
        runner: Kedro runner that predicts, by its name or its class's dotted path; None calls
            the nodes directly.
        hooks: Dotted paths of classes of hooks that travel with the model, and are called around its nodes.
        in_memory: Datasets between nodes of the inference pipeline that the model keeps in memory although the
            catalog stores them, by the user's consent.
        metrics: Datasets of numbers that the training pipeline writes, which are logged as the model's metrics.
        signature: What the signature says of inputs, outputs and parameters.
        input_example: Whether rows of the request data are stored as an example; a
            string names the dataset that they are taken from.
        pip_requirements: All of the model's requirements, or the path of a file of them,
            relative to the project; None means found.
        extra_pip_requirements: Requirements beside those found, likewise; None means none.
        conda_env: The model's Conda environment, or the path of a file of it, relative to
            the project; None means made of the requirements. Of these three, at most one
            is given.
        code_paths: Files and directories to ship; None means found.
        tags: Tags of the logged model, and of its registered version.
        metadata: Free entries of the model's ``MLmodel`` file.
        skew: What becomes of the model when inference makes other values of training's rows than training did.
        verify: Whether a fresh process proves the package before it is uploaded.
        verify_timeout: How long that process may take, in seconds; positive. It is also how long the answers to the
            rows of ``evaluate`` may take.
        evaluate: How the packaged pipeline is evaluated; None means not.
        promote_when: Conditions by the name of a metric, all of which must hold for the version to get the alias. Given
            only with an ``alias``.
        on_refusal: What a version that does not get the alias does to the command that trained.
    """

    name: str
    training: str
    inference: str
    input_name: tuple[str, ...] | None = None
    registered_model_name: str | None = None
    alias: str | None = None
    copy_mode: CopyMode | Mapping[str, CopyMode] | None = None
    runner: str | None = None
    hooks: tuple[str, ...] = ()
    in_memory: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    signature: SignatureConfig = attrs.field(factory=SignatureConfig)
    input_example: bool | str = False
    pip_requirements: tuple[str, ...] | str | None = None
    extra_pip_requirements: tuple[str, ...] | str | None = None
    conda_env: Mapping[str, Any] | str | None = None
    code_paths: tuple[str, ...] | None = None
    tags: Mapping[str, str] = attrs.field(factory=dict)
    metadata: Mapping[str, Any] = attrs.field(factory=dict)
    skew: SkewMode = SkewMode.WARN
    verify: bool = True
    verify_timeout: float = 300.0
    evaluate: EvaluateConfig | None = None
    promote_when: Mapping[str, ThresholdConfig] = attrs.field(factory=dict)
    on_refusal: OnRefusal = OnRefusal.WARN

    @property
    def path(self) -> str:
        """The path of its key in ``mlflow.yml``, which begins what is said of it."""
        return f"{OUR_KEY}.models.{self.name}"


@attrs.frozen
class AutologPipelineConfig:
    """This plugin's own part, under the key ``autolog_pipeline``.

    Attributes:
        enabled: Whether anything is packaged.
        on_failure: What a failed packaging does to the command that trained.
        partial_runs: What becomes of a run that leaves out nodes of a training pipeline.
        models: The pairs, in the order of the file; empty only when not enabled.
    """

    enabled: bool = True
    on_failure: OnFailure = OnFailure.RAISE
    partial_runs: PartialRuns = PartialRuns.SKIP
    models: tuple[ModelConfig, ...] = ()


@attrs.frozen(kw_only=True)
class ProjectConfig:
    """All of ``mlflow.yml`` that this plugin uses.

    Attributes:
        server: Which tracking server.
        tracking: Which experiment and run.
        autolog_pipeline: This plugin's own part.
    """

    server: ServerConfig = attrs.field(factory=ServerConfig)
    tracking: TrackingConfig = attrs.field(factory=TrackingConfig)
    autolog_pipeline: AutologPipelineConfig
