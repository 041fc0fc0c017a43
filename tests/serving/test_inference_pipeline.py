"""Tests of serving.inference_pipeline."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from kedro.pipeline import Pipeline, node, pipeline

from kedro_autolog_pipeline.serving.inference_pipeline import InferencePipeline, resolved_step


def double(value: int, times: int) -> int:
    """Stand for whatever a node computes."""
    return value * times


PLAIN = Pipeline(
    [node(max, ["x", "y"], "z", name="of.two"), node(lambda z: z, "z", "w"), node(partial(double, times=2), "w", "v")]
)


@pytest.mark.parametrize(
    "flow",
    [PLAIN, pipeline(PLAIN, namespace="shop"), pipeline(PLAIN, namespace="city.shop")],
    ids=["plain", "one", "two"],
)
def test_kedros_own_pipeline_has_the_names_that_the_project_gave(flow: Pipeline) -> None:
    """A runner's messages name nodes as the project does, with namespaces, and with names that Kedro makes up."""
    described = InferencePipeline(
        steps=[resolved_step(each) for each in flow.nodes],
        request=["x", "y"],
        frames={},
        outputs=["v"],
        parameters={},
        datasets={},
        copy_modes={},
        runner=None,
        validators={},
    )

    assert flow.nodes == described.as_kedro().nodes
    assert [each.name for each in flow.nodes] == [each.name for each in described.as_kedro().nodes]


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [("x", "y"), (["x", "z"], ["y"]), ({"value": "x"}, {"small": "y"}), (None, "y"), ("x", None)],
    ids=["one", "list", "dictionary", "no input", "no output"],
)
def test_a_step_has_the_form_in_which_the_author_wrote_it(inputs: Any, outputs: Any) -> None:
    """Kedro's own properties give flat lists, of which no call can be made."""
    step = resolved_step(node(lambda *x, **named: (x, named), inputs, outputs, name="any"))

    assert (inputs, outputs) == (step.inputs, step.outputs)
