"""Tests of serving.validators: what Kedro 1.6+ does to a dataset that it loads, done to a request."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from kedro.pipeline import Pipeline, node

from kedro_autolog_pipeline.errors import ModelLoadError, PredictionError
from kedro_autolog_pipeline.serving.validators import RequestValidation
from kedro_project import KEDRO_VERSION
from model_package import predictor, write_model_package

pytestmark = pytest.mark.skipif(KEDRO_VERSION < (1, 6), reason="This Kedro has no validators.")

CHECKS = """
def positive(numbers):
    if min(numbers) < 0:
        raise ValueError(f"{min(numbers)} is negative")
    numbers.append(0)
    return numbers
"""


@pytest.fixture(autouse=True)
def _checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a module with a validator."""
    (tmp_path / "checks_of_shop.py").write_text(CHECKS)
    monkeypatch.syspath_prepend(tmp_path)


def validated(values: dict[str, Any], config: Any) -> dict[str, Any]:
    """Validate a request whose dataset x has a validator."""
    return RequestValidation({"x": config}, "package")(values)


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
        RequestValidation({"x": "checks_of_nobody.positive"}, "package")


def test_a_package_validates_its_requests(tmp_path: Path) -> None:
    """The manifest's validator is applied to each request."""
    pipeline = Pipeline([node(sum, "x", "y")])
    package = write_model_package(tmp_path / "package", pipeline, validators={"x": "checks_of_shop.positive"})
    predict = predictor(package)

    assert 3 == predict([1, 2])
    with pytest.raises(PredictionError, match="-1 is negative"):
        predict([-1])
