"""Hold what the user asks for in ``mlflow.yml``, as frozen values.

What the docstrings say of the attributes is what users read: in the JSON Schema and on the page of the configuration.
There, null stands for None, and for a key that is left out.
"""

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
    """It is not packaged; a WARNING says what it does not produce."""
    PACKAGE = "package"
    """It is packaged with what is there; the manifest records what is older than the run."""
    ERROR = "error"
    """It stops before its first node."""


class SignatureMode(Enum):
    """Where the model's signature comes from."""

    AUTO = "auto"
    """Inferred from the data of the run; a request may leave out a column that the pipeline does not need."""
    FULL = "full"
    """The same, with every column required."""
    PARAMS = "params"
    """The parameters and the outputs are inferred; the model takes any input as it is."""
    NONE = "none"
    """The model has no signature, and its parameters cannot be changed at predict time."""


class SkewMode(Enum):
    """What becomes of a model whose pipeline computes other values for training's rows than training did."""

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
        optional: Columns that a request may leave out, whatever was found. The three lists correct the mode ``auto``,
            and no column is both optional and required. Example: ``[sex]``.
        nullable: Columns that may hold no value in a row of a request, whatever was found. Example: ``[age]``.
        required: Columns that every request must have, with a value where they hold integers or booleans.
            Example: ``[id]``.
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
        greater_is_better: Whether a greater value of the metric is better. Example: ``true``.
        threshold: The value that is just good enough. None: any. At least one of this key and the two below is given.
            Example: ``0.9``.
        min_absolute_change: By how much the metric must at least be better than that of the version which has the
            alias, on the same rows; positive. None: it is not compared. Example: ``0.05``.
        min_relative_change: The same as a fraction of the other version's metric, between 0 and 1. None: it is not
            compared. Example: ``0.1``.
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
        data: A dataset of the catalog or of the run, loaded as a pandas DataFrame: rows as a request has them, and the
            target where that is a column. Example: ``test_rows``.
        targets: The column of ``data`` that holds the right answers, or a dataset of the same length. Example:
            ``price``.
        model_type: What the model answers with, which decides the metrics and plots. Example: ``regressor``.
        predictions: The column or the output that holds the model's answer. None: found. Example: ``label``.
        evaluator_config: Options of MLflow's default evaluator. Without it: none. Example: ``{metric_prefix: test_}``.
        extra_metrics: Dotted paths of ``mlflow.models.EvaluationMetric`` objects. Without it: none. Example:
            ``[penguins.metrics.cost]``.
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
        mlflow_tracking_uri: Where runs and models are tracked. None: ``MLFLOW_TRACKING_URI``, else the file
            ``mlflow.db`` in the project's folder. Example: ``http://localhost:5000``.
        mlflow_registry_uri: Where models are registered. None: where runs are tracked. Example:
            ``sqlite:///registry.db``.
        credentials: A key of ``credentials.yml``, whose entries become environment variables before MLflow is called.
            None: no entries are read. Example: ``mlflow_server``.
    """

    mlflow_tracking_uri: str | None = None
    mlflow_registry_uri: str | None = None
    credentials: str | None = None


@attrs.frozen
class ExperimentConfig:
    """Which experiment, under the key ``tracking.experiment``.

    Attributes:
        name: The experiment of the run; created when there is none of that name. None: the project's package name.
            Example: ``penguins-nightly``.
    """

    name: str | None = None


@attrs.frozen
class RunConfig:
    """Which MLflow run, under the key ``tracking.run``.

    Attributes:
        id: A run to continue instead of starting one. None: ``MLFLOW_RUN_ID``, else a new run. Example:
            ``4f1d0c6b8e7a4c5f9b2a3d1e0f6c7b8a``.
        name: The name of a new run. None: the training pipelines' names and the time. Example: ``nightly``.
    """

    id: str | None = None
    name: str | None = None


@attrs.frozen
class TrackingConfig:
    """Where runs go, under the key ``tracking``.

    Attributes:
        experiment: The experiment of the run.
        run: The MLflow run that a training has.
    """

    experiment: ExperimentConfig = attrs.field(factory=ExperimentConfig)
    run: RunConfig = attrs.field(factory=RunConfig)


@attrs.frozen
class ModelConfig:
    """One pair: a training pipeline, its inference pipeline, and the options of the logged model.

    Attributes:
        name: The logged model's name, which is the pair's key under ``models``.
        training: The registered pipeline whose run trains the model. Example: ``training``.
        inference: The registered pipeline that becomes the model. Example: ``inference``.
        input_name: The dataset that is given at predict time, or a list of several. None: the one input that neither
            the training pipeline, the catalog nor the parameters provide. Example: ``[instances, prices]``.
        registered_model_name: Registers the model under this name when it is READY. None: it is only logged. Example:
            ``penguin_species``.
        alias: Moves this alias to the new version; needs ``registered_model_name``. None: no alias. Example:
            ``champion``.
        copy_mode: How datasets are copied during a prediction: one mode for all, or a mapping by dataset name. None: a
            dataset is copied only where a node could change it under another reader; all predictions share the
            artifacts. Example: ``{encoder: deepcopy}``.
        runner: A Kedro runner for the nodes of a prediction: ``SequentialRunner``, ``ThreadRunner``, or the dotted
            path of one. None: the nodes are called directly, which is faster and means the same. Example:
            ``ThreadRunner``.
        hooks: Classes of hooks, by their dotted paths, that travel with the model. The model calls their
            ``after_dataset_loaded``, ``before_node_run``, ``after_node_run`` and ``before_dataset_saved`` around its
            nodes. Without it: none, and a model whose answers need one is refused. Example: ``[shop.hooks.Masking]``.
        in_memory: Datasets between two nodes of the inference pipeline that the model keeps in memory although the
            catalog stores them. Without it: none, and a dataset whose file would change the values is refused.
            Example: ``[features]``.
        metrics: Datasets of numbers that the training pipeline writes. They are logged to the run and linked to the
            model: nested ones under their dotted path, a list as steps. Without it: none. Example: ``[metrics]``.
        signature: Where the model's signature comes from, or a mapping that corrects what ``auto`` finds, by column. A
            column of integers or booleans takes a missing value where the pipeline answers one in the proof.
            Example: ``{optional: [sex], nullable: [age], required: [id]}``.
        input_example: Whether the first rows of the input, five at most, are stored with the model for all to read; or
            the dataset to take them from. Example: ``made_up_penguins``.
        pip_requirements: All requirements, as a list or the path of a file, relative to the project. None: those of
            the inference pipeline's code, pinned to what is installed. Example: ``[scikit-learn==1.5.0,
            pandas==2.2.3]``.
        extra_pip_requirements: Requirements beside those found, likewise; your pin takes the place of one that was
            found. Excludes ``pip_requirements``. None: those found. Example: ``[pyarrow>=15]``.
        conda_env: The Conda environment, as a mapping or the path of a file, relative to the project; excludes the two
            above. None: this Python and the requirements. Example: ``{dependencies: [python=3.11, pip, {pip:
            [scikit-learn==1.5.0]}]}``.
        code_paths: All code, as files and folders relative to the project. None: the project's package, and each
            module it imports that no package index provides. Example: ``[src/penguins, ../shared/birds]``.
        tags: Tags of the logged model and of its registered version. Without it: none of yours. Example: ``{team:
            biology}``.
        metadata: Entries of the model's ``MLmodel`` file, under ``metadata``. Without it: none of yours. Example:
            ``{ticket: BIO-12}``.
        skew: What becomes of the model when the inference pipeline computes other values for training's rows than
            training did, in a dataset of the same name or by a node with the same function. Example: ``error``.
        verify: Whether a fresh process must reproduce the pipeline's output before the model is READY. Example:
            ``false``.
        verify_timeout: How long this may take, in seconds; also how long the answers to the rows of ``evaluate`` may
            take. Example: ``900``.
        evaluate: Has the packaged pipeline answer rows, and logs what ``mlflow.models.evaluate`` makes of the answers.
            None: it is not evaluated. Example: ``{data: test_rows, targets: price, model_type: regressor}``.
        promote_when: Conditions by the name of a metric of ``evaluate`` or of the run. The alias moves only to a
            version that meets all of them; the version is registered in any case. Without it: the alias moves to every
            version. Example: ``{root_mean_squared_error: {threshold: 4, greater_is_better: false}}``.
        on_refusal: What a version that does not get the alias does to ``kedro run``. Example: ``raise``.
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
        enabled: Whether anything is packaged. Example: ``false``.
        on_failure: What a model that cannot be packaged does to ``kedro run``, whose outputs are saved by then.
            Example: ``warn``.
        partial_runs: What becomes of a run that leaves out nodes of a training pipeline, as with ``--from-nodes``,
            ``--tags`` and ``--only-missing-outputs``. Example: ``package``.
        models: The pairs of a training and an inference pipeline, by the name of the logged model. At least one,
            unless ``enabled`` is false. Example: ``{prices: {training: training, inference: inference}}``.
    """

    enabled: bool = True
    on_failure: OnFailure = OnFailure.RAISE
    partial_runs: PartialRuns = PartialRuns.SKIP
    models: tuple[ModelConfig, ...] = ()


@attrs.frozen(kw_only=True)
class ProjectConfig:
    """All of ``mlflow.yml`` that this plugin uses.

    Attributes:
        server: The tracking server and the model registry.
        tracking: The experiment and the run.
        autolog_pipeline: What this plugin packages.
    """

    server: ServerConfig = attrs.field(factory=ServerConfig)
    tracking: TrackingConfig = attrs.field(factory=TrackingConfig)
    autolog_pipeline: AutologPipelineConfig
