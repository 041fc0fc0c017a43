"""Tests of datasets.validators."""

from __future__ import annotations

from typing import Any

import pytest
from kedro.io import DataCatalog

from kedro_autolog_pipeline.datasets.validators import declared_validators, validator_path
from kedro_project import KEDRO_VERSION

CHECK = "builtins.len"


def catalog(**validators: Any) -> DataCatalog:
    """Give a catalog of datasets with validators, as Kedro makes it from catalog.yml; x is made by a factory."""
    entries = {name: {"type": "MemoryDataset", "validator": config} for name, config in validators.items()}
    return DataCatalog.from_config({("{name}_x" if name == "x" else name): entry for name, entry in entries.items()})


@pytest.mark.skipif(KEDRO_VERSION < (1, 6), reason="This Kedro has no validators.")
def test_validators_that_kedro_applies_at_load_are_declared() -> None:
    """A validator for saves, one that is switched off and one of another dataset are left out."""
    made = catalog(
        a=CHECK,
        b={"class": CHECK, "on": ["load"], "severity": "warn"},
        saved={"class": CHECK, "on": ["save"]},
        off={"class": CHECK, "enabled": False},
        other=CHECK,
        x=CHECK,
    )

    assert declared_validators(made, ["a", "b", "saved", "off", "the_x", "absent"]) == {
        "a": CHECK,
        "b": {"class": CHECK, "on": ["load"], "severity": "warn"},
        "the_x": CHECK,
    }
    assert {"a", "saved", "the_x"} == set(declared_validators(made, ["a"], ["saved", "off", "the_x"]))
    made.validation_enabled = False
    assert {} == declared_validators(made, ["a"])


def test_a_catalog_without_validators_declares_none() -> None:
    """An older Kedro has none, a newer one may have none."""
    assert {} == declared_validators(DataCatalog(), ["a"])


def test_the_path_of_a_validator_is_found_in_both_forms() -> None:
    """Kedro takes a path, or a dictionary with the path under class."""
    assert CHECK == validator_path(CHECK) == validator_path({"class": CHECK, "on": ["load"]})
