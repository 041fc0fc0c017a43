"""Tests of serving.validators: what Kedro 1.6+ does to a dataset that it loads or saves, done in a model."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from kedro.pipeline import Pipeline, node

from kedro_autolog_pipeline.errors import ExecutionError, ModelLoadError, PredictionError
from kedro_autolog_pipeline.serving.inference_pipeline import InferencePipeline, resolved_step
from kedro_autolog_pipeline.serving.validators import RequestValidation, resolve_validators, with_validators
from kedro_project import KEDRO_VERSION
from model_package import predictor, write_model_package

pytestmark = pytest.mark.skipif(KEDRO_VERSION < (1, 6), reason="This Kedro has no validators.")

CHECKS = """
def positive(numbers):
    if min(numbers) < 0:
        raise ValueError(f"{min(numbers)} is negative")
    numbers.append(0)
    return numbers

def doubled(numbers):
    return [2 * number for number in numbers]
"""


@pytest.fixture(autouse=True)
def _checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a module with a validator."""
    (tmp_path / "checks_of_shop.py").write_text(CHECKS)
    monkeypatch.syspath_prepend(tmp_path)


def validated(values: dict[str, Any], config: Any) -> dict[str, Any]:
    """Validate a request whose dataset x has a validator."""
    return RequestValidation(resolve_validators({"x": config}, "package"))(values)


def test_valid_data_is_what_the_validator_returns_and_the_callers_is_unchanged() -> None:
    """A validator may change its data: that reaches the pipeline, and not the caller."""
    data = [1, 2]

    assert {"x": [1, 2, 0], "z": [-1]} == validated({"x": data, "z": [-1]}, "checks_of_shop.positive")
    assert [1, 2] == data


def test_invalid_data_is_refused_with_the_validators_message() -> None:
    """The error holds the dataset and what the validator says."""
    with pytest.raises(PredictionError) as raised:
        validated({"x": [-1]}, {"class": "checks_of_shop.positive", "on": ["load"]})
    assert str(raised.value) == "Cannot predict: 'x' is not valid. Correct the data: -1 is negative"


def test_a_validator_that_only_warns_warns(caplog: pytest.LogCaptureFixture) -> None:
    """With severity warn, the data goes on as it came."""
    with caplog.at_level(logging.WARNING, logger="kedro_autolog_pipeline"):
        values = validated({"x": [-1]}, {"class": "checks_of_shop.positive", "severity": "warn"})

    assert {"x": [-1]} == values
    assert ["'x' is not valid. -1 is negative"] == [record.getMessage() for record in caplog.records]


def test_a_validator_that_is_not_there_is_named() -> None:
    """A package whose validator cannot be imported does not load."""
    with pytest.raises(ModelLoadError, match=r"the validator of 'x' cannot be made \(.*'checks_of_nobody"):
        resolve_validators({"x": "checks_of_nobody.positive"}, "package")


def test_a_package_validates_its_requests(tmp_path: Path) -> None:
    """The manifest's validator is applied to each request."""
    pipeline = Pipeline([node(sum, "x", "y")])
    package = write_model_package(tmp_path / "package", pipeline, validators={"x": "checks_of_shop.positive"})
    predict = predictor(package)

    assert 3 == predict([1, 2])
    with pytest.raises(PredictionError, match="-1 is negative"):
        predict([-1])


def shift(numbers: list[int]) -> list[int]:
    """Subtract one from each."""
    return [number - 1 for number in numbers]


def largest_and_all(numbers: list[int]) -> tuple[int, list[int]]:
    """Give two outputs."""
    return max(numbers), numbers


def halves(numbers: list[int]) -> Iterator[list[int]]:
    """Give them in two chunks, of which the last one stays."""
    yield numbers[:1]
    yield numbers[1:]


@pytest.mark.parametrize("runner", [None, "ThreadRunner"])
@pytest.mark.parametrize(
    ("config", "expected"),
    [
        # Both times, as Kedro does.
        ("checks_of_shop.doubled", [0, 4, 8]),
        ({"class": "checks_of_shop.doubled", "on": ["save"]}, [0, 2, 4]),
        ({"class": "checks_of_shop.doubled", "on": ["load"]}, [0, 2, 4]),
        ({"class": "checks_of_shop.doubled", "skip_load_after_save": True}, [0, 2, 4]),
    ],
)
def test_what_nodes_hand_on_is_validated_as_kedro_does(
    tmp_path: Path, config: Any, expected: list[int], runner: str | None
) -> None:
    """What the validator returns goes on, at each save and each load; the answer is only saved."""
    pipeline = Pipeline([node(shift, "x", "shifted"), node(largest_and_all, "shifted", ["largest", "all"])])
    package = write_model_package(
        tmp_path / "package",
        pipeline,
        validators={"shifted": config, "all": {"class": "checks_of_shop.positive", "on": ["load", "save"]}},
        runner=runner,
    )

    assert {"largest": expected[-1], "all": [*expected, 0]} == predictor(package)([1, 2, 3])


def test_data_between_nodes_that_is_not_valid_is_refused_with_the_node(tmp_path: Path) -> None:
    """A note of the error names the node that wrote it."""
    pipeline = Pipeline([node(shift, "x", "shifted", name="shifting"), node(sum, "shifted", "y")])
    package = write_model_package(tmp_path / "package", pipeline, validators={"shifted": "checks_of_shop.positive"})

    with pytest.raises(PredictionError, match=r"'shifted' is not valid\. Correct the data: -1 is negative") as raised:
        predictor(package)([0])

    assert ["Node 'shifting' failed; its inputs are 'x'."] == vars(raised.value)["__notes__"]


def test_each_chunk_of_a_generator_is_validated(tmp_path: Path) -> None:
    """Kedro saves each chunk by itself: a bad one is refused, though it would not stay."""
    pipeline = Pipeline([node(halves, "x", "half"), node(sum, "half", "y")])
    config = {"class": "checks_of_shop.positive", "on": ["save"]}
    predict = predictor(write_model_package(tmp_path / "package", pipeline, validators={"half": config}))

    assert 5 == predict([1, 2, 3])
    with pytest.raises(PredictionError, match="-1 is negative"):
        predict([-1, 2])


def nothing(numbers: list[int]) -> None:
    """Give nothing."""


def test_a_node_that_gives_none_is_named_and_not_its_data(tmp_path: Path) -> None:
    """No validator is asked about None, which Kedro saves in no dataset."""
    pipeline = Pipeline([node(nothing, "x", "shifted", name="shifting"), node(sum, "shifted", "y")])
    package = write_model_package(tmp_path / "package", pipeline, validators={"shifted": "checks_of_shop.positive"})

    with pytest.raises(ExecutionError, match="it produced None for 'shifted'"):
        predictor(package)([1])


def test_a_node_without_validators_stays_as_it_is() -> None:
    """It pays nothing for those of another node."""
    pipeline = Pipeline([node(shift, "x", "shifted"), node(max, "shifted", "y"), node(abs, "y", "z")])
    plain = InferencePipeline(
        steps=[resolved_step(each) for each in pipeline.nodes],
        request=["x"],
        frames={},
        outputs=["z"],
        parameters={},
        datasets={},
        copy_modes={},
        runner=None,
        validators={"x": "checks_of_shop.positive"},
    )

    assert with_validators(plain, "package") is plain
    validating = with_validators(attrs.evolve(plain, validators={"shifted": "checks_of_shop.positive"}), "package")
    assert [False, False, True] == [a is b for a, b in zip(plain.steps, validating.steps, strict=True)]
