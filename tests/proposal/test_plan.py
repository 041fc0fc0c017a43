"""Tests of the plan of what is written into a project: what stops it, and the names that it gives."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from kedro.pipeline import Pipeline, node

from kedro_autolog_pipeline.errors import ProposalError
from kedro_autolog_pipeline.proposal.plan import ProjectAsFound, make_plan
from public_like import spaceflights


def clean(raw: Any) -> Any:
    """Change some rows."""
    return raw.dropna()


def ask(model: Any, rows: Any, more: Any) -> Any:
    """Predict of two tables."""
    return model.predict(rows.join(more))


CLEANING = {"cleaning": Pipeline([node(clean, "raw", "table")])}
PAIRED = {
    "data_science": spaceflights.data_science(),
    "asking": Pipeline([node(ask, ["regressor", "rows", "more"], "prices")]),
}


def project(directory: Path, pipelines: Mapping[str, Pipeline], **options: Any) -> ProjectAsFound:
    """Give a project as it is found, with an empty configuration."""
    (directory / "conf" / "base").mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {
        "package": "shop",
        "package_directory": directory / "src" / "shop",
        "pipelines": pipelines,
        "in_catalog": lambda _: True,
        "register": None,
        "paired": (),
        "models": (),
        "mlflow_yml": directory / "conf" / "base" / "mlflow.yml",
    }
    return ProjectAsFound(**{**found, **options})


@pytest.mark.parametrize(
    ("pipelines", "training", "message"),
    [
        (CLEANING, "fit", "No pipeline is registered as 'fit'. There are: 'cleaning'."),
        (
            CLEANING,
            None,
            "No registered pipeline fits a model, as far as its code shows. Name the one that does: --training NAME.",
        ),
        (CLEANING, "cleaning", "No node of 'cleaning' predicts, so there is nothing to derive."),
        (
            {"one": spaceflights.data_science(), "other": spaceflights.data_science()},
            None,
            "Several pipelines fit a model: 'one', 'other'. Choose one: --training NAME.",
        ),
        (
            PAIRED,
            None,
            "'asking' reads 'more', 'rows'. Name the one that a request supplies: --input NAME, once for each.",
        ),
    ],
    ids=["no such pipeline", "none fits", "none predicts", "several fit", "several inputs"],
)
def test_what_has_to_be_decided_first_is_told(
    tmp_path: Path, pipelines: Mapping[str, Pipeline], training: str | None, message: str
) -> None:
    """The message says by which option."""
    with pytest.raises(ProposalError) as raised:
        make_plan(project(tmp_path, pipelines), training)

    assert message in str(raised.value)


def test_a_pipeline_of_that_name_is_left_alone(tmp_path: Path) -> None:
    """Its code may be somebody's unfinished work."""
    (tmp_path / "src" / "shop" / "pipelines" / "inference").mkdir(parents=True)

    with pytest.raises(ProposalError, match=r"There is a pipeline 'inference' already, and nothing in"):
        make_plan(project(tmp_path, {"data_science": spaceflights.data_science()}))


def test_the_input_that_the_user_names_and_a_free_name_are_taken(tmp_path: Path) -> None:
    """Models that are there keep their names."""
    plan = make_plan(project(tmp_path, PAIRED, models=("shop", "shop_2")), request=("rows",))

    (row,) = plan.rows
    assert ("shop_3", ("rows",)) == (row.pair.model, row.pair.request)


def test_a_project_whose_pairs_are_all_configured_gets_nothing(tmp_path: Path) -> None:
    """A second run writes no file."""
    first = make_plan(project(tmp_path, PAIRED), request=("rows", "more"))

    plan = make_plan(project(tmp_path, PAIRED, paired=[row.pair.inference for row in first.rows]))

    assert ((), {}) == (plan.rows, plan.files)
