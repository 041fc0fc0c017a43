"""mlflow.yml becomes values, or one error that lists every mistake in it."""

from __future__ import annotations

import copy
import re
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from kedro.config import AbstractConfigLoader, OmegaConfigLoader
from omegaconf import OmegaConf

from kedro_autolog_pipeline.config.reading import parse_config, read_config
from kedro_autolog_pipeline.config.schema import (
    AutologPipelineConfig,
    EvaluateConfig,
    ExperimentConfig,
    ModelConfig,
    ModelType,
    OnFailure,
    OnRefusal,
    PartialRuns,
    ProjectConfig,
    RunConfig,
    ServerConfig,
    SignatureConfig,
    SignatureMode,
    SkewMode,
    ThresholdConfig,
    TrackingConfig,
)
from kedro_autolog_pipeline.errors import ConfigurationError
from kedro_autolog_pipeline.serving.copying import CopyMode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

NO_DASH = "Write each entry as 'key: value', without a dash."
INDENTED = "Write its keys below it, indented, each as 'key: value'."

PAIR = {"training": "training", "inference": "inference"}

ALIAS = {"registered_model_name": "species", "alias": "champion"}
ROWS = {"evaluate": {"data": "rows", "targets": "mass", "model_type": "regressor"}}

ANY_KEY = {"any": 1}

KEDRO_MLFLOW_TREE: dict[str, Any] = {
    "server": {
        "mlflow_tracking_uri": None,
        "mlflow_registry_uri": None,
        "credentials": None,
        "request_header_provider": {"type": None, "pass_context": False, "init_kwargs": ANY_KEY},
    },
    "tracking": {
        "disable_tracking": {"disable_autologging": True, "pipelines": []},
        "experiment": {
            "name": "penguins",
            "create_experiment_kwargs": {"artifact_location": None, "tags": ANY_KEY},
            "restore_if_deleted": True,
        },
        "run": {"id": None, "name": None, "nested": True},
        "params": {
            "dict_params": {"flatten": False, "recursive": True, "sep": "."},
            "long_params_strategy": "fail",
        },
    },
    "ui": {"port": "5000", "host": "127.0.0.1"},
}
"""Every key that kedro-mlflow 2.0 knows."""


def with_pair(**options: Any) -> dict[str, Any]:
    """The content of a file with one pair."""
    return {"autolog_pipeline": {"models": {"penguin_species": {**PAIR, **options}}}}


def model(name: str = "penguin_species", **options: Any) -> ModelConfig:
    """The value of such a pair."""
    return ModelConfig(name, "training", "inference", **options)


def mistakes_in(content: Mapping[str, Any]) -> tuple[str, ...]:
    """What the error says of a file that cannot be used."""
    with pytest.raises(ConfigurationError) as raised:
        parse_config(content)
    return raised.value.mistakes


# --- values


def test_what_the_file_leaves_out_has_its_default() -> None:
    """Two names are enough, and every other attribute has its default."""
    expected = ProjectConfig(
        server=ServerConfig(mlflow_tracking_uri=None, mlflow_registry_uri=None, credentials=None),
        tracking=TrackingConfig(experiment=ExperimentConfig(name=None), run=RunConfig(id=None, name=None)),
        autolog_pipeline=AutologPipelineConfig(
            enabled=True,
            on_failure=OnFailure.RAISE,
            partial_runs=PartialRuns.SKIP,
            models=(
                ModelConfig(
                    name="penguin_species",
                    training="training",
                    inference="inference",
                    input_name=None,
                    registered_model_name=None,
                    alias=None,
                    hooks=(),
                    in_memory=(),
                    metrics=(),
                    signature=SignatureConfig(SignatureMode.AUTO, optional=(), nullable=(), required=()),
                    input_example=False,
                    pip_requirements=None,
                    extra_pip_requirements=None,
                    conda_env=None,
                    code_paths=None,
                    tags={},
                    metadata={},
                    verify=True,
                    verify_timeout=300.0,
                ),
            ),
        ),
    )

    assert expected == parse_config(with_pair())


def test_every_key_arrives_in_its_attribute() -> None:
    """A file with every key gives values with every attribute set, and is not changed."""
    content = {
        "server": {
            "mlflow_tracking_uri": "https://tracking.example",
            "mlflow_registry_uri": "https://registry.example",
            "credentials": "mlflow_credentials",
        },
        "tracking": {"experiment": {"name": "penguins"}, "run": {"id": "0a1b", "name": "nightly"}},
        "autolog_pipeline": {
            "enabled": False,
            "on_failure": "warn",
            "partial_runs": "package",
            "models": {
                "species": {
                    **PAIR,
                    "input_name": ["instances", "islands"],
                    "hooks": ["penguins.hooks.Masking"],
                    "in_memory": ["encoded"],
                    "metrics": ["scores"],
                    "registered_model_name": "prod.penguins.species",
                    "alias": "challenger",
                    "signature": "none",
                    "input_example": True,
                    "pip_requirements": ["scikit-learn==1.6"],
                    "code_paths": ["src/penguins"],
                    "tags": {"team": "birds"},
                    "metadata": {"card": {"licence": "CC0", "rows": 344}},
                    "verify": False,
                    "skew": "error",
                    "verify_timeout": 0.5,
                    "evaluate": {
                        "data": "rows",
                        "targets": "species",
                        "model_type": "classifier",
                        "predictions": "label",
                        "evaluator_config": {"pos_label": 1},
                        "extra_metrics": ["penguins.cost"],
                    },
                    "promote_when": {"accuracy": {"threshold": 1, "greater_is_better": True, "min_relative_change": 1}},
                    "on_refusal": "raise",
                },
                "mass": {
                    "training": "t",
                    "inference": "i",
                    "signature": "params",
                    "extra_pip_requirements": ["lightgbm"],
                },
                "sex": {"training": "t", "inference": "i", "pip_requirements": "sex.txt", "input_example": "made_up"},
                "age": {"training": "t", "inference": "i", "signature": "full", "conda_env": {"dependencies": ["pip"]}},
                "year": {
                    "training": "t",
                    "inference": "i",
                    "conda_env": "conda.yml",
                    "signature": {"optional": ["sex"], "nullable": ["sex", "age"], "required": ["id"]},
                },
            },
        },
    }
    before = copy.deepcopy(content)
    expected = ProjectConfig(
        server=ServerConfig("https://tracking.example", "https://registry.example", "mlflow_credentials"),
        tracking=TrackingConfig(ExperimentConfig("penguins"), RunConfig("0a1b", "nightly")),
        autolog_pipeline=AutologPipelineConfig(
            enabled=False,
            on_failure=OnFailure.WARN,
            partial_runs=PartialRuns.PACKAGE,
            models=(
                ModelConfig(
                    name="species",
                    training="training",
                    inference="inference",
                    input_name=("instances", "islands"),
                    hooks=("penguins.hooks.Masking",),
                    in_memory=("encoded",),
                    metrics=("scores",),
                    registered_model_name="prod.penguins.species",
                    alias="challenger",
                    signature=SignatureConfig(SignatureMode.NONE),
                    input_example=True,
                    pip_requirements=("scikit-learn==1.6",),
                    code_paths=("src/penguins",),
                    tags={"team": "birds"},
                    metadata={"card": {"licence": "CC0", "rows": 344}},
                    verify=False,
                    skew=SkewMode.ERROR,
                    verify_timeout=0.5,
                    evaluate=EvaluateConfig(
                        "rows", "species", ModelType.CLASSIFIER, "label", {"pos_label": 1}, ("penguins.cost",)
                    ),
                    promote_when={
                        "accuracy": ThresholdConfig(greater_is_better=True, threshold=1.0, min_relative_change=1.0)
                    },
                    on_refusal=OnRefusal.RAISE,
                ),
                ModelConfig(
                    "mass",
                    "t",
                    "i",
                    signature=SignatureConfig(SignatureMode.PARAMS),
                    extra_pip_requirements=("lightgbm",),
                ),
                ModelConfig("sex", "t", "i", pip_requirements="sex.txt", input_example="made_up"),
                ModelConfig(
                    "age", "t", "i", signature=SignatureConfig(SignatureMode.FULL), conda_env={"dependencies": ["pip"]}
                ),
                ModelConfig(
                    "year",
                    "t",
                    "i",
                    conda_env="conda.yml",
                    signature=SignatureConfig(optional=("sex",), nullable=("sex", "age"), required=("id",)),
                ),
            ),
        ),
    )

    assert expected == parse_config(content)
    assert before == content


def test_null_is_as_if_the_key_were_left_out() -> None:
    """A key that is null has its default at every level of the file, and a tag that is null is no tag."""
    nulls = dict.fromkeys(
        (
            "input_name",
            "alias",
            "signature",
            "pip_requirements",
            "tags",
            "metadata",
            "verify",
            "verify_timeout",
        )
    )
    content = {
        "server": None,
        "tracking": {"experiment": None, "run": {"id": None}},
        "autolog_pipeline": {
            "enabled": None,
            "on_failure": None,
            "models": {"one": {**PAIR, **nulls}, "two": {**PAIR, "tags": {"team": "birds", "commit": None}}},
        },
    }
    models = (model("one"), model("two", tags={"team": "birds"}))

    assert ProjectConfig(autolog_pipeline=AutologPipelineConfig(models=models)) == parse_config(content)


def test_one_input_may_be_given_without_a_list() -> None:
    """A single name and a list of one mean the same."""
    expected = (model(input_name=("instances",)),)

    assert expected == parse_config(with_pair(input_name="instances")).autolog_pipeline.models
    assert expected == parse_config(with_pair(input_name=["instances"])).autolog_pipeline.models


def test_off_without_quotes_is_off() -> None:
    """YAML takes it for false."""
    (parsed,) = parse_config(with_pair(skew=False)).autolog_pipeline.models

    assert SkewMode.OFF is parsed.skew


def test_tags_become_strings_as_in_mlflow() -> None:
    """Keys and values of tags may be numbers or booleans, and are written as MLflow writes them."""
    (parsed,) = parse_config(with_pair(tags={"rows": 344, "final": True, 3: 0.5})).autolog_pipeline.models

    assert model(tags={"rows": "344", "final": "True", "3": "0.5"}) == parsed


def test_a_time_limit_may_be_a_whole_number() -> None:
    """A whole number of seconds becomes a float."""
    (parsed,) = parse_config(with_pair(verify_timeout=60)).autolog_pipeline.models

    assert (60.0, float) == (parsed.verify_timeout, type(parsed.verify_timeout))


@pytest.mark.parametrize("ours", [{"enabled": False}, {"enabled": False, "models": {}}])
def test_disabled_needs_no_models(ours: dict[str, Any]) -> None:
    """An environment may replace the whole block by one that only disables it."""
    expected = ProjectConfig(autolog_pipeline=AutologPipelineConfig(enabled=False))

    assert expected == parse_config({"autolog_pipeline": ours})


def test_what_only_kedro_mlflow_knows_is_left_alone() -> None:
    """Every key of kedro-mlflow is accepted, whatever its value."""
    expected = TrackingConfig(ExperimentConfig("penguins"))

    assert expected == parse_config({**KEDRO_MLFLOW_TREE, **with_pair()}).tracking
    assert ServerConfig() == parse_config({"server": {"request_header_provider": 3}, "ui": 3, **with_pair()}).server


def test_kedro_mlflow_knows_the_keys_that_we_leave_to_it() -> None:
    """The keys that we accept for kedro-mlflow are exactly those of the installed kedro-mlflow."""
    schema = pytest.importorskip("kedro_mlflow.config.kedro_mlflow_config")

    def known(section: Any) -> dict[str, Any]:
        fields = getattr(section, "model_fields", {})
        return {name: known(field.annotation) for name, field in fields.items()}

    def accepted(section: Any) -> dict[str, Any]:
        has_fixed_keys = isinstance(section, dict) and section != ANY_KEY
        return {name: accepted(value) for name, value in section.items()} if has_fixed_keys else {}

    assert accepted(KEDRO_MLFLOW_TREE) == known(schema.KedroMlflowConfig)


# --- mistakes


def test_every_mistake_is_in_one_message() -> None:
    """The message lists the mistakes of all sections, sorted by path, each with its remedy."""
    content = {
        "server": {"mlflow_traking_uri": "sqlite:///mlflow.db", "request_header_provider": {"typ": "x.Y"}},
        "tracking": {"experiment": {"name": 2024}, "run": "nightly"},
        "autolog_pipelin": {"enabled": "yes please"},
        "autolog_pipeline": {
            "on_failure": "rase",
            "models": {
                "species": {
                    "training": "training",
                    "inptu_name": ["instances", "instances"],
                    "alias": "champion",
                    "tags": {"team": ["a", "b"]},
                    "extra_pip_requirements": ["lightgbm", 4],
                },
                "p.mass": {**PAIR, "verify_timeout": "10m"},
            },
        },
    }
    expected = """\
Cannot use 'mlflow.yml': 13 mistakes.
  - autolog_pipelin: unknown key. Did you mean 'autolog_pipeline'?
  - autolog_pipeline.models.p.mass.verify_timeout: expected a positive number of seconds, got '10m'.
  - autolog_pipeline.models.species.alias: needs registered_model_name; only a registered model has aliases.
  - autolog_pipeline.models.species.extra_pip_requirements[1]: expected a string, got 4.
  - autolog_pipeline.models.species.inference: missing.
  - autolog_pipeline.models.species.inptu_name: unknown key. Did you mean 'input_name'?
  - autolog_pipeline.models.species.input_name: names an input twice. Name each once.
  - autolog_pipeline.models.species.tags.team: expected a string or a number, got a list.
  - autolog_pipeline.on_failure: expected 'raise' or 'warn', got 'rase'. Did you mean 'raise'?
  - server.mlflow_traking_uri: unknown key. Did you mean 'mlflow_tracking_uri'?
  - server.request_header_provider.typ: unknown key. Did you mean 'type'?
  - tracking.experiment.name: expected a string, got 2024.
  - tracking.run: expected a mapping, got 'nightly'. Write its keys below it, indented, each as 'key: value'.
Fix these and run again; no node has run."""

    with pytest.raises(ConfigurationError) as raised:
        parse_config(content)

    assert expected == str(raised.value)


def test_a_misspelt_key_does_not_count_as_missing_too() -> None:
    """What stands under a misspelt key is read as if under the nearest one, so one slip is one mistake."""
    content = {"autolog_pipelines": {"models": {"penguin_species": {"trainning": "t", "inference": "i"}}}}
    expected = (
        "autolog_pipeline.models.penguin_species.trainning: unknown key. Did you mean 'training'?",
        "autolog_pipelines: unknown key. Did you mean 'autolog_pipeline'?",
    )

    assert expected == mistakes_in(content)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({}, "autolog_pipeline: missing."),
        (
            {"autolog_pipeline": None},
            "autolog_pipeline: missing.",
        ),
        (
            {"autolog_pipeline": []},
            f"autolog_pipeline: expected a mapping, got an empty list. {NO_DASH}",
        ),
        (
            {"autolog_pipeline": {}},
            "autolog_pipeline.models: names no pair. Add one, or set autolog_pipeline.enabled to false.",
        ),
        (
            {"autolog_pipeline": {"models": {}}},
            "autolog_pipeline.models: names no pair. Add one, or set autolog_pipeline.enabled to false.",
        ),
        (
            {"autolog_pipeline": {"models": ["penguin_species"]}},
            f"autolog_pipeline.models: expected a mapping, got a list. {NO_DASH}",
        ),
        (
            {"autolog_pipeline": {"models": {"penguin_species": None}}},
            f"autolog_pipeline.models.penguin_species: expected a mapping, got null. {INDENTED}",
        ),
        (
            {"autolog_pipeline": {"models": {1: PAIR}}},
            "autolog_pipeline.models[1]: expected a string, got 1.",
        ),
        (
            {**with_pair(), "mlops": {}},
            "mlops: unknown key. Known keys: 'autolog_pipeline', 'server', 'tracking', 'ui'.",
        ),
        ({**with_pair(), "ui": {"prot": 5000}}, "ui.prot: unknown key. Did you mean 'port'?"),
        (
            {**with_pair(), "tracking": {"enable_tracking": True}},
            "tracking.enable_tracking: unknown key. Known keys: 'disable_tracking', 'experiment', 'params', 'run'.",
        ),
        (
            {"autolog_pipeline": {**with_pair()["autolog_pipeline"], "disabled": True}},
            "autolog_pipeline.disabled: unknown key. Known keys: 'enabled', 'models', 'on_failure', 'partial_runs'.",
        ),
        (
            {"autolog_pipeline": {**with_pair()["autolog_pipeline"], "enabled": "yes please"}},
            "autolog_pipeline.enabled: expected true or false, got 'yes please'.",
        ),
        (
            {"autolog_pipeline": {**with_pair()["autolog_pipeline"], "partial_runs": "packge"}},
            "autolog_pipeline.partial_runs: expected 'skip' or 'package' or 'error', got 'packge'. "
            "Did you mean 'package'?",
        ),
        (
            {"autolog_pipeline": {**with_pair()["autolog_pipeline"], "on_failure": 3}},
            "autolog_pipeline.on_failure: expected 'raise' or 'warn', got 3.",
        ),
    ],
)
def test_a_mistake_outside_a_pair(content: dict[str, Any], expected: str) -> None:
    """Each mistake is reported once, with its path."""
    assert (expected,) == mistakes_in(content)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"training": None}, "training: missing."),
        ({"training": " "}, "training: expected a string that is not empty, got ' '."),
        ({"training": True}, "training: expected a string, got true."),
        ({"inference": "training"}, "inference: the same pipeline as training. Name the one that predicts."),
        ({"input_name": []}, "input_name: expected a name or a list of names, got an empty list."),
        ({"input_name": 3}, "input_name: expected a name or a list of names, got 3."),
        ({"input_name": ["a", 3]}, "input_name[1]: expected a string, got 3."),
        ({"input_name": ["a", "b", "a"]}, "input_name: names an input twice. Name each once."),
        (
            {"name": "species"},
            (
                "name: unknown key. Known keys: 'alias', 'code_paths', 'conda_env', 'copy_mode', 'evaluate', "
                "'extra_pip_requirements', 'hooks', 'in_memory', 'inference', 'input_example', 'input_name', "
                "'metadata', 'metrics', 'on_refusal', 'pip_requirements', 'promote_when', 'registered_model_name', "
                "'runner', 'signature', 'skew', 'tags', 'training', 'verify', 'verify_timeout'."
            ),
        ),
        (
            {"signature": "NONE"},
            "signature: expected 'auto' or 'full' or 'params' or 'none', got 'NONE'. Did you mean 'none'?",
        ),
        (
            {"signature": {"inputs": []}},
            "signature.inputs: unknown key. Known keys: 'nullable', 'optional', 'required'.",
        ),
        ({"signature": {"optional": "sex"}}, "signature: expected a list of strings, got 'sex'."),
        (
            {"signature": {"optional": ["sex", "id"], "required": ["id"]}},
            "signature: column 'id' is both optional and required. Name it once.",
        ),
        ({"in_memory": "coded"}, "in_memory: expected a list of strings, got 'coded'."),
        ({"training": "a\x1b[31m"}, "training: expected a string without control characters, got 'a\\x1b[31m'."),
        ({"pip_requirements": 3}, "pip_requirements: expected a list of requirements or the path of a file, got 3."),
        ({"conda_env": []}, "conda_env: expected a Conda environment or the path of a file, got an empty list."),
        ({"conda_env": {3: "a"}}, "conda_env[3]: expected a string, got 3."),
        ({"input_example": 5}, "input_example: expected true, false or the name of a dataset, got 5."),
        ({"input_example": " "}, "input_example: expected a string that is not empty, got ' '."),
        (
            {"pip_requirements": ["a"], "extra_pip_requirements": ["b"]},
            "extra_pip_requirements: excludes pip_requirements, which is the whole list. Keep one of them.",
        ),
        (
            {"pip_requirements": ["a"], "conda_env": "conda.yml"},
            "pip_requirements: excludes conda_env, which is the whole environment. Keep one of them.",
        ),
        (
            {"extra_pip_requirements": "more.txt", "conda_env": {"dependencies": []}},
            "extra_pip_requirements: excludes conda_env, which is the whole environment. Keep one of them.",
        ),
        (
            {"copy_mode": "assing"},
            "copy_mode: expected 'assign' or 'copy' or 'deepcopy', got 'assing'. Did you mean 'assign'?",
        ),
        (
            {"copy_mode": {"model": "deep"}},
            "copy_mode.model: expected 'assign' or 'copy' or 'deepcopy', got 'deep'. Did you mean 'deepcopy'?",
        ),
        (
            {"runner": "ThreadRuner"},
            "runner: expected 'SequentialRunner' or 'ThreadRunner', or the dotted path of a runner, got 'ThreadRuner'."
            " Did you mean 'ThreadRunner'?",
        ),
        (
            {"runner": "spark"},
            "runner: expected 'SequentialRunner' or 'ThreadRunner', or the dotted path of a runner, got 'spark'.",
        ),
        ({"code_paths": [""]}, "code_paths[0]: expected a string that is not empty, got ''."),
        (
            {"tags": "birds"},
            f"tags: expected a mapping, got 'birds'. {INDENTED}",
        ),
        (
            {"metadata": [1]},
            f"metadata: expected a mapping, got a list. {NO_DASH}",
        ),
        ({"metadata": {2: 3}}, "metadata[2]: expected a string, got 2."),
        ({"verify": 1}, "verify: expected true or false, got 1."),
        (
            {"evaluate": {"data": "rows", "targets": "mass", "model_type": "regresor"}},
            "evaluate.model_type: expected 'classifier' or 'regressor', got 'regresor'. Did you mean 'regressor'?",
        ),
        ({"evaluate": {"data": "rows", "model_type": "regressor"}}, "evaluate.targets: missing."),
        (
            {**ALIAS, "promote_when": {"error": {"greater_is_better": False}}},
            "promote_when: 'error' has none of threshold, min_absolute_change and min_relative_change. Name one.",
        ),
        (
            {**ALIAS, "promote_when": {"error": {"threshold": "4", "greater_is_better": False}}},
            "promote_when.error.threshold: expected a number, got '4'.",
        ),
        (
            {**ALIAS, "promote_when": {"error": {"threshold": 4}}},
            "promote_when.error.greater_is_better: missing.",
        ),
        (
            {**ALIAS, "promote_when": {"error": {"treshold": 4, "greater_is_better": False}}},
            "promote_when.error.treshold: unknown key. Did you mean 'threshold'?",
        ),
        (
            {**ALIAS, **ROWS, "promote_when": {"error": {"min_absolute_change": 0, "greater_is_better": False}}},
            "promote_when.error.min_absolute_change: expected a number greater than 0, got 0.",
        ),
        (
            {**ALIAS, **ROWS, "promote_when": {"error": {"min_relative_change": 2, "greater_is_better": False}}},
            "promote_when.error.min_relative_change: expected a number greater than 0 and at most 1, got 2.",
        ),
        (
            {**ALIAS, "promote_when": {"error": {"min_absolute_change": 1, "greater_is_better": False}}},
            "promote_when.error.min_absolute_change: needs evaluate; the version that has the alias is compared on the "
            "same rows.",
        ),
        (
            {"promote_when": {"error": {"threshold": 4, "greater_is_better": False}}},
            "promote_when: needs alias, which moves to a version when the conditions hold.",
        ),
        (
            {"evaluate": {"data": "rows", "target": "mass", "model_type": "regressor"}},
            "evaluate.target: unknown key. Did you mean 'targets'?",
        ),
        ({"verify_timeout": 0}, "verify_timeout: expected a positive number of seconds, got 0."),
        ({"verify_timeout": True}, "verify_timeout: expected a positive number of seconds, got true."),
        ({"verify_timeout": -1}, "verify_timeout: expected a positive number of seconds, got -1."),
        ({"verify_timeout": 1e300}, "verify_timeout: expected at most 604800 seconds, a week, got 1e+300."),
        ({"verify_timeout": float("inf")}, "verify_timeout: expected at most 604800 seconds, a week, got inf."),
        ({"verify_timeout": float("nan")}, "verify_timeout: expected a positive number of seconds, got nan."),
    ],
)
def test_a_mistake_in_a_pair(options: dict[str, Any], expected: str) -> None:
    """Each mistake is reported once, with its path."""
    assert (f"autolog_pipeline.models.penguin_species.{expected}",) == mistakes_in(with_pair(**options))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"copy_mode": "assign"}, {"copy_mode": CopyMode.ASSIGN}),
        ({"copy_mode": {"model": "deepcopy", "encoder": None}}, {"copy_mode": {"model": CopyMode.DEEPCOPY}}),
        ({"copy_mode": None, "runner": None}, {}),
        ({"runner": "ThreadRunner"}, {"runner": "ThreadRunner"}),
        ({"runner": "shop.runners.QuickRunner"}, {"runner": "shop.runners.QuickRunner"}),
    ],
)
def test_how_a_model_predicts_is_configured(options: dict[str, Any], expected: dict[str, Any]) -> None:
    """A copy mode is one for all datasets or one by name; a runner has a name or a path."""
    (parsed,) = parse_config(with_pair(**options)).autolog_pipeline.models

    assert model(**expected) == parsed


def sections(content: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """The sections whose keys are fixed, each with its path and the keys in it."""
    free = ("models", "init_kwargs", "tags")
    if not path or path[-1] not in free:
        yield path, list(content)
    for key, value in content.items():
        if isinstance(value, dict):
            yield from sections(value, (*path, key))


COMPLETE = {
    **KEDRO_MLFLOW_TREE,
    "autolog_pipeline": {"enabled": True, "on_failure": "raise", "models": {"penguin_species": PAIR}},
}


@st.composite
def misspelt_keys(draw: st.DrawFn) -> set[tuple[str, ...]]:
    """Paths of keys that are each one slip of the finger away from a key of the complete file."""
    slips: dict[str, Callable[[str, int], str]] = {
        "left out": lambda key, at: key[:at] + key[at + 1 :],
        "twice": lambda key, at: key[:at] + key[at] + key[at:],
        "swapped": lambda key, at: key[:at] + key[at : at + 2][::-1] + key[at + 2 :],
        "wrong": lambda key, at: f"{key[:at]}z{key[at + 1 :]}",
    }
    paths = set()
    for path, known in draw(st.lists(st.sampled_from(list(sections(COMPLETE))), min_size=1)):
        key = draw(st.sampled_from(known))
        misspelt = draw(st.sampled_from(list(slips.values())))(key, draw(st.integers(0, len(key) - 1)))
        if misspelt and misspelt not in known:
            paths.add((*path, misspelt))
    assume(paths)
    return paths


@given(misspelt_keys())
def test_every_misspelt_key_is_reported_by_its_path(paths: set[tuple[str, ...]]) -> None:
    """Whatever keys are misspelt, and however many, exactly those are reported."""
    content = copy.deepcopy(COMPLETE)
    for path in paths:
        section: dict[str, Any] = content
        for key in path[:-1]:
            section = section[key]
        section[path[-1]] = None

    expected = {f"{'.'.join(path)}: unknown key" for path in paths}
    assert expected == {mistake.partition(". ")[0] for mistake in mistakes_in(content)}


keys = st.sampled_from([*PAIR, "models", "tags", "metadata", "input_name", "alias", "run", "name", "x/"])
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | keys,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys | st.integers(), inner, max_size=4),
    max_leaves=12,
)


def answer_to(content: Mapping[str, Any]) -> ProjectConfig | ConfigurationError:
    """The values of a file, or the error that it cannot be used."""
    try:
        return parse_config(content)
    except ConfigurationError as error:
        return error


def section_of(mistake: str) -> str:
    """The first key of the path that a mistake begins with."""
    return re.split(r"[.:\[]", mistake)[0]


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "server": anything,
            "tracking": anything,
            "autolog_pipeline": anything | st.fixed_dictionaries({"models": st.dictionaries(keys, anything)}),
        },
    )
)
@example(with_pair())
def test_no_content_fails_in_another_way(content: dict[str, Any]) -> None:
    """Whatever the file holds, the answer is its pairs or a ConfigurationError with each mistake once, by its path."""
    answer = answer_to(content)

    if isinstance(answer, ConfigurationError):
        assert answer.mistakes
        assert sorted(set(answer.mistakes)) == list(answer.mistakes)
        assert {"server", "tracking", "autolog_pipeline"} >= {section_of(mistake) for mistake in answer.mistakes}
        assert f"{len(answer.mistakes)} mistake" in str(answer)
    else:
        models = content["autolog_pipeline"]["models"]
        assert {name: (pair["training"], pair["inference"]) for name, pair in models.items()} == {
            pair.name: (pair.training, pair.inference) for pair in answer.autolog_pipeline.models
        }


# --- the file


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """A configuration directory with Kedro's two environments, empty."""
    for environment in ("base", "local"):
        (tmp_path / "conf" / environment).mkdir(parents=True)
    return tmp_path / "conf"


def loader(conf: Path, **options: Any) -> OmegaConfigLoader:
    """Kedro's default loader, set up as in a project."""
    return OmegaConfigLoader(str(conf), **{"base_env": "base", "default_run_env": "local", **options})


MLFLOW_YML = """\
server:
  mlflow_tracking_uri: sqlite:///penguins.db
ui:
  port: "5001"
autolog_pipeline:
  models:
    penguin_species:
      training: training
      inference: inference
"""


def test_the_file_is_read_through_kedros_loader(conf: Path) -> None:
    """A project's mlflow.yml becomes values."""
    (conf / "base" / "mlflow.yml").write_text(MLFLOW_YML)
    expected = ProjectConfig(
        server=ServerConfig(mlflow_tracking_uri="sqlite:///penguins.db"),
        autolog_pipeline=AutologPipelineConfig(models=(model(),)),
    )

    assert expected == read_config(loader(conf))


def test_an_environment_replaces_what_it_names(conf: Path) -> None:
    """Kedro's environments work: a key of the one that runs replaces the same key of base."""
    (conf / "base" / "mlflow.yml").write_text(MLFLOW_YML)
    (conf / "local" / "mlflow.yml").write_text("autolog_pipeline: {enabled: false}")
    (conf / "prod").mkdir()
    (conf / "prod" / "mlflow.yml").write_text("server: {mlflow_tracking_uri: databricks}")

    in_local = read_config(loader(conf))
    in_prod = read_config(loader(conf, env="prod"))

    assert in_local is not None
    assert in_prod is not None
    assert AutologPipelineConfig(enabled=False) == in_local.autolog_pipeline
    assert ServerConfig(mlflow_tracking_uri="sqlite:///penguins.db") == in_local.server
    assert AutologPipelineConfig(models=(model(),)) == in_prod.autolog_pipeline
    assert ServerConfig(mlflow_tracking_uri="databricks") == in_prod.server


def test_globals_and_runtime_parameters_are_resolved(conf: Path) -> None:
    """An interpolation gives its value, with the type that the value has."""
    (conf / "base" / "globals.yml").write_text("training: {name: training, tries: 90}")
    (conf / "base" / "mlflow.yml").write_text("""\
autolog_pipeline:
  enabled: ${runtime_params:package,true}
  models:
    penguin_species:
      training: ${globals:training.name}
      inference: ${runtime_params:inference}
      alias: ${runtime_params:alias,null}
      verify_timeout: ${globals:training.tries}
""")
    expected = ModelConfig("penguin_species", "training", "shadow", verify_timeout=90.0)

    config = read_config(loader(conf, runtime_params={"inference": "shadow", "package": False}))

    assert config is not None
    assert AutologPipelineConfig(enabled=False, models=(expected,)) == config.autolog_pipeline


@pytest.mark.parametrize("text", [None, "", "server:\n  mlflow_tracking_uri: null\n", "mlops: {}"])
def test_a_project_that_asks_for_nothing_gets_nothing(conf: Path, text: str | None) -> None:
    """Without a file, or without our key in it, there is no configuration and the loader stays as it was."""
    if text is not None:
        (conf / "base" / "mlflow.yml").write_text(text)
    config_loader = loader(conf)

    assert read_config(config_loader) is None
    assert {} == config_loader.data


def test_our_key_misspelt_is_not_taken_for_absent(conf: Path) -> None:
    """A slip in the key that switches everything on is a mistake, not silence."""
    (conf / "base" / "mlflow.yml").write_text(MLFLOW_YML.replace("autolog_pipeline", "autolog_pipelines"))

    with pytest.raises(ConfigurationError) as raised:
        read_config(loader(conf))

    assert ("autolog_pipelines: unknown key. Did you mean 'autolog_pipeline'?",) == raised.value.mistakes


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("autolog_pipeline: {enabled: '${globals:switch}'}", "Globals key 'switch' not found"),
        ("server: {credentials: '${runtime_params:who}'}", "full_key: server.credentials"),
        ("- server", "ListConfig"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_mistake(conf: Path, text: str, reason: str) -> None:
    """All that the loader says is in the message, on one line, and its error is the cause."""
    (conf / "base" / "mlflow.yml").write_text(text)

    with pytest.raises(ConfigurationError) as raised:
        read_config(loader(conf))

    cause = " ".join(str(raised.value.__cause__).split())
    assert (f"mlflow.yml: cannot be read: {cause}",) == raised.value.mistakes
    assert reason in cause


def test_our_key_is_taken_out_of_what_others_read(conf: Path) -> None:
    """After us, kedro-mlflow reads the file without our key, and everything else in it."""
    (conf / "base" / "mlflow.yml").write_text(MLFLOW_YML)
    config_loader = loader(conf)

    read_config(config_loader)

    expected = {"server": {"mlflow_tracking_uri": "sqlite:///penguins.db"}, "ui": {"port": "5001"}}
    assert expected == config_loader["mlflow"]


def test_kedro_mlflow_takes_what_we_leave(conf: Path) -> None:
    """The installed kedro-mlflow, which refuses keys that it does not know, accepts the file after us."""
    schema = pytest.importorskip("kedro_mlflow.config.kedro_mlflow_config")
    (conf / "base" / "mlflow.yml").write_text(MLFLOW_YML)
    config_loader = loader(conf)
    with pytest.raises(ValueError, match="autolog_pipeline"):
        schema.KedroMlflowConfig.model_validate(with_pair())

    read_config(config_loader)

    schema.KedroMlflowConfig.model_validate(config_loader["mlflow"])


def test_reading_twice_gives_the_same(conf: Path) -> None:
    """A hook that fires twice on one context loses nothing, whoever reads in between."""
    (conf / "base" / "mlflow.yml").write_text(MLFLOW_YML)
    config_loader = loader(conf)

    first = read_config(config_loader)
    between = config_loader["mlflow"]

    assert first is not None
    assert first == read_config(config_loader)
    assert between == config_loader["mlflow"]


def test_mistakes_are_reported_each_time(conf: Path) -> None:
    """A hook that fires twice on one context reports the same mistakes twice."""
    (conf / "base" / "mlflow.yml").write_text(MLFLOW_YML.replace("inference:", "inferrence:"))
    config_loader = loader(conf)
    expected = ("autolog_pipeline.models.penguin_species.inferrence: unknown key. Did you mean 'inference'?",)

    for _ in range(2):
        with pytest.raises(ConfigurationError) as raised:
            read_config(config_loader)
        assert expected == raised.value.mistakes


def test_the_projects_own_pattern_stands(conf: Path) -> None:
    """A pattern for mlflow in the project's settings decides which files are read."""
    (conf / "base" / "mlflow.yml").write_text("autolog_pipeline: {enabled: nonsense}")
    (conf / "base" / "tracking.yml").write_text(MLFLOW_YML)

    assert read_config(loader(conf, config_patterns={"mlflow": ["tracking*"]})) is not None


class Settings(AbstractConfigLoader):
    """A project's own loader, which knows no patterns."""


def test_a_loader_of_the_projects_own_may_know_no_patterns() -> None:
    """Any loader that answers to 'mlflow' will do, and one that does not means there is no file."""
    without = Settings("conf")
    having = Settings("conf")
    having["mlflow"] = with_pair()

    assert read_config(without) is None
    assert parse_config(with_pair()) == read_config(having)
    assert {} == having["mlflow"]


@pytest.fixture
def no_random_name() -> Iterator[None]:
    """No resolver of kedro-mlflow, before and after."""
    OmegaConf.clear_resolver("km.random_name")
    yield
    OmegaConf.clear_resolver("km.random_name")


@pytest.mark.usefixtures("no_random_name")
def test_kedro_mlflows_random_name_can_be_used(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where kedro-mlflow is loaded, its resolver works although registered after us, and gives one name."""
    name = "kedro_mlflow.config.resolvers"
    numbers = iter(range(9))
    resolvers = SimpleNamespace(resolve_random_name=lambda: f"calm-crab-{next(numbers)}")
    monkeypatch.setitem(sys.modules, name, resolvers)
    (conf / "base" / "mlflow.yml").write_text(MLFLOW_YML + "tracking: {run: {name: '${km.random_name:}'}}")
    config_loader = loader(conf)

    for config in (read_config(config_loader), read_config(config_loader)):
        assert config is not None
        assert "calm-crab-0" == config.tracking.run.name
    assert {"run": {"name": "calm-crab-0"}} == config_loader["mlflow"]["tracking"]


def test_a_project_that_asks_for_nothing_pays_nothing(conf: Path) -> None:
    """Importing the module and finding no key of ours imports neither cattrs nor mlflow nor pandas."""
    (conf / "base" / "mlflow.yml").write_text("server: {}")
    script = """
import sys
from kedro_autolog_pipeline.config.reading import read_config
assert not {"kedro", "omegaconf"} & set(sys.modules)
from kedro.config import OmegaConfigLoader
loader = OmegaConfigLoader(sys.argv[1], base_env="base", default_run_env="local")
assert read_config(loader) is None
print(sorted({"cattrs", "mlflow", "pandas", "sklearn"} & set(sys.modules)))
"""
    command = [sys.executable, "-c", script, str(conf)]

    assert "[]\n" == subprocess.run(command, check=True, capture_output=True, text=True).stdout
