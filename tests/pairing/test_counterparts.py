"""Tests of pairing.counterparts."""

from __future__ import annotations

from typing import Any

import pytest
from kedro.pipeline import Pipeline, node

from kedro_autolog_pipeline.config.schema import ModelConfig
from kedro_autolog_pipeline.pairing.counterparts import Counterpart, find_counterparts
from kedro_autolog_pipeline.pairing.pair import resolve_pair


def clean(rows: Any) -> Any:
    """Do something to rows."""
    return rows


def scale(rows: Any, factor: Any) -> Any:
    """Do something to rows and a factor."""
    return rows, factor


def other(*inputs: Any) -> Any:
    """Do something that the other pipeline does not do."""
    return inputs


TRAINING = Pipeline(
    [
        node(clean, "raw", "table", name="clean_table"),
        node(other, "table", "factor", name="fit"),
        node(scale, ["table", "factor"], "scaled", name="scale_table"),
        node(clean, "scaled", "cleaner", name="clean_again"),
        node(other, ["scaled", "params:depth"], "model", name="fit_model"),
    ]
)


def found(inference: Pipeline, input_name: tuple[str, ...] | None = ("rows",)) -> list[Counterpart]:
    """Give the counterparts of a pair."""
    config = ModelConfig("prices", "training", "inference", input_name=input_name)
    pair, mistakes = resolve_pair(config, TRAINING, inference, lambda _: True)
    assert [] == mistakes
    return find_counterparts(pair)


def test_a_node_with_a_function_of_training_has_its_nodes_as_counterparts() -> None:
    """Each with the datasets that it is made of, parameters aside, those that training is given first."""
    inference = Pipeline(
        [
            node(clean, "rows", "clean_rows", name="clean"),
            node(scale, ["clean_rows", "factor"], "scaled_rows", name="scale"),
            node(other, ["scaled_rows", "model"], "answers", name="predict"),
        ]
    )

    assert [
        Counterpart("clean", "clean_rows", "clean_table", "table", ("raw",)),
        Counterpart("clean", "clean_rows", "clean_again", "cleaner", ("raw", "table", "factor", "scaled")),
        Counterpart("scale", "scaled_rows", "scale_table", "scaled", ("raw", "table", "factor")),
    ] == [each for each in found(inference) if each.node != "predict"]


def test_a_dataset_of_the_same_name_comes_before_the_function() -> None:
    """Another node may use the function for something else."""
    inference = Pipeline([node(clean, "rows", "scaled", name="clean")])

    (only,) = found(inference)

    assert ("clean", "scaled", "scale_table", "scaled") == (
        only.node,
        only.output,
        only.training_node,
        only.training_output,
    )


@pytest.mark.parametrize(
    ("inference", "input_name"),
    [
        (Pipeline([node(max, ["rows", "model"], "answers")]), ("rows",)),
        (Pipeline([node(scale, ["rows", "more_rows"], "answers")]), ("rows", "more_rows")),
        (Pipeline([node(clean, "model", "cleaned"), node(max, ["rows", "cleaned"], "answers")]), ("rows",)),
    ],
    ids=["another function", "two requests", "not of the request"],
)
def test_what_cannot_be_compared_has_none(inference: Pipeline, input_name: tuple[str, ...]) -> None:
    """No function or name in common, several requests, or a node that the request does not reach."""
    assert [] == found(inference, input_name)
