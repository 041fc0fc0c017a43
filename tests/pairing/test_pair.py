"""Tests of pair."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from kedro.pipeline import Pipeline, node

from kedro_autolog_pipeline.config.reading import parse_config
from kedro_autolog_pipeline.config.schema import ModelConfig
from kedro_autolog_pipeline.pairing.pair import dataset_of, resolve_pair
from kedro_autolog_pipeline.serving.manifest import Origin


def work(*values: Any) -> Any:
    """Stand for whatever a node computes."""
    return values


def config(**options: Any) -> ModelConfig:
    """Return the configuration of one model."""
    model = {"training": "train", "inference": "infer", **options}
    (parsed,) = parse_config({"autolog_pipeline": {"models": {"m": model}}}).autolog_pipeline.models
    return parsed


TRAINING = Pipeline([node(work, ["table", "params:size"], ["encoder", "model@pickle"], name="fit")])
INFERENCE = Pipeline(
    [
        node(work, ["instances", "encoder", "stop_words"], "encoded", name="encode"),
        node(work, ["encoded", "model@memory", "params:threshold"], "predictions", name="predict"),
    ]
)
CATALOG = {"table", "stop_words", "params:threshold", "params:size"}.__contains__


def test_every_input_has_its_origin() -> None:
    """Trained, reference and parameter inputs are told apart; a transcoded name is the dataset it stands for."""
    pair, mistakes = resolve_pair(config(input_name="instances"), TRAINING, INFERENCE, CATALOG)

    assert mistakes == []
    assert pair.origins == {
        "encoder": Origin.TRAINED,
        "instances": Origin.REQUEST,
        "model@memory": Origin.TRAINED,
        "params:threshold": Origin.PARAMETER,
        "stop_words": Origin.REFERENCE,
    }


def test_the_only_free_input_is_the_request() -> None:
    """Without input_name, the one input that nothing else provides is given at predict time."""
    pair, mistakes = resolve_pair(config(), TRAINING, INFERENCE, CATALOG)

    assert mistakes == []
    assert pair.inputs_from(Origin.REQUEST) == ["instances"]


def test_a_named_input_is_the_request_even_where_training_writes_it() -> None:
    """input_name wins over what training and the catalog could provide."""
    pair, _ = resolve_pair(config(input_name=["encoder", "instances"]), TRAINING, INFERENCE, CATALOG)

    assert pair.inputs_from(Origin.REQUEST) == ["encoder", "instances"]
    assert pair.inputs_from(Origin.TRAINED, Origin.REFERENCE) == ["model@memory", "stop_words"]


@pytest.mark.parametrize(
    ("options", "catalog", "expected"),
    [
        (
            {"input_name": "instance"},
            CATALOG,
            [
                "autolog_pipeline.models.m.input_name: inference pipeline 'infer' does not read 'instance'. "
                "Did you mean 'instances'?",
                "autolog_pipeline.models.m.inference: node 'encode' of 'infer' reads 'instances', which neither the "
                "training pipeline nor the catalog provides. Add it to the catalog, or name it in input_name.",
            ],
        ),
        (
            {"input_name": ["instances", "zzz"]},
            CATALOG,
            [
                "autolog_pipeline.models.m.input_name: inference pipeline 'infer' does not read 'zzz'. "
                "It reads: 'encoder', 'instances', 'model@memory', 'stop_words'.",
            ],
        ),
        (
            {},
            {"params:threshold"}.__contains__,
            [
                "autolog_pipeline.models.m.input_name: several inputs are free ('instances', 'stop_words'). "
                "Name those that are given at predict time.",
            ],
        ),
        (
            {},
            {"instances", "stop_words"}.__contains__,
            [
                "autolog_pipeline.models.m.inference: node 'predict' of 'infer' reads 'params:threshold', which no "
                "parameters file has.",
                "autolog_pipeline.models.m.input_name: every input already has a source. "
                "Set input_name to the one that requests supply: "
                "'encoder', 'instances', 'model@memory', 'stop_words'.",
            ],
        ),
    ],
    ids=["misspelt", "unknown", "several free", "none free"],
)
def test_every_mistake_is_told_with_its_path(options: dict[str, Any], catalog: Any, expected: list[str]) -> None:
    """A pair that cannot be resolved gives all its mistakes, and can be examined for what else is wrong with it."""
    pair, mistakes = resolve_pair(config(**options), TRAINING, INFERENCE, catalog)

    assert expected == mistakes
    assert pair.inputs_from(Origin.TRAINED) == ["encoder", "model@memory"]
    assert all(catalog(name) for name in pair.inputs_from(Origin.PARAMETER, Origin.REFERENCE))


def test_a_misspelt_input_is_told_with_the_name_that_was_meant() -> None:
    """Of the catalog and of what training writes, for a dataset; of the parameters, for a parameter."""
    misspelt = Pipeline([node(work, ["instances", "encoderr", "params:treshold"], "predictions", name="predict")])
    known = ["params:threshold", "params:size", "stop_words"]

    _, mistakes = resolve_pair(config(input_name="instances"), TRAINING, misspelt, set(known).__contains__, known)

    start = "autolog_pipeline.models.m.inference: node 'predict' of 'infer' reads"
    assert [
        f"{start} 'params:treshold', which no parameters file has. Did you mean 'params:threshold'?",
        f"{start} 'encoderr', which neither the training pipeline nor the catalog provides. Did you mean 'encoder'?",
    ] == mistakes


def test_metrics_are_what_training_writes() -> None:
    """Any other dataset of numbers would be that of another run."""
    _, mistakes = resolve_pair(config(metrics=["encoder", "modle", "scores"]), TRAINING, INFERENCE, CATALOG)

    path = "autolog_pipeline.models.m.metrics: training pipeline 'train' does not write"
    assert [f"{path} 'modle'. Did you mean 'model'?", f"{path} 'scores'. It writes: 'encoder', 'model'."] == mistakes


def test_a_pipeline_without_nodes_is_a_mistake() -> None:
    """An empty pipeline, as a new project has, cannot be trained or served."""
    _, mistakes = resolve_pair(config(), Pipeline([]), Pipeline([]), CATALOG)

    assert mistakes == [
        "autolog_pipeline.models.m.training: pipeline 'train' contains no nodes.",
        "autolog_pipeline.models.m.inference: pipeline 'infer' contains no nodes.",
    ]


def test_an_option_that_the_pipeline_does_not_know_is_told() -> None:
    """A copy mode of no dataset, a runner and hooks that are not there are found before training."""
    options = {"copy_mode": {"encodr": "deepcopy"}, "runner": "no_such_package.Runner", "hooks": ("no.such.Hooks",)}

    _, mistakes = resolve_pair(config(input_name="instances", **options), TRAINING, INFERENCE, CATALOG)

    assert mistakes == [
        "autolog_pipeline.models.m.copy_mode: copy_mode names 'encodr', which is no dataset of the pipeline. "
        "Did you mean 'encoder'?",
        "autolog_pipeline.models.m.runner: there is no runner 'no_such_package.Runner' "
        "(No module named 'no_such_package'). There are: 'SequentialRunner', 'ThreadRunner'.",
        "autolog_pipeline.models.m.hooks: 'no.such.Hooks' cannot be made "
        "(ModuleNotFoundError(\"No module named 'no'\")). Name a class of hooks that takes no arguments.",
    ]


def test_a_pair_is_a_value() -> None:
    """A resolved pair cannot be changed by whom it is handed to."""
    pair, _ = resolve_pair(config(), TRAINING, INFERENCE, CATALOG)

    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        pair.origins = {}  # type: ignore[misc]  # what is tested


@pytest.mark.parametrize(("name", "dataset"), [("model@pickle", "model"), ("model", "model"), ("a.b@c", "a.b")])
def test_a_transcoding_suffix_is_not_part_of_the_dataset(name: str, dataset: str) -> None:
    """Kedro's graph links `model@pickle` and `model@memory`: they are one dataset."""
    assert dataset == dataset_of(name)
