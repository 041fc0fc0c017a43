"""Tests of run.training_values."""

from __future__ import annotations

import attrs
import pandas as pd
from kedro.pipeline import Pipeline, node

from kedro_autolog_pipeline.config.schema import ModelConfig, SkewMode
from kedro_autolog_pipeline.pairing.pair import Pair, resolve_pair
from kedro_autolog_pipeline.run.training_values import TrainingValues


def pair(skew: SkewMode) -> Pair:
    """Give a pair whose pipelines share a function."""
    training = Pipeline([node(len, "table", "size"), node(abs, "table", "sizes")])
    config = ModelConfig("prices", "training", "inference", skew=skew)
    resolved, mistakes = resolve_pair(config, training, Pipeline([node(abs, "rows", "answers")]), lambda _: False)
    assert [] == mistakes
    return resolved


def test_what_two_pipelines_share_is_noted_once_with_its_source() -> None:
    """A node that reads a table after another had it, and has changed it, does not count."""
    values = TrainingValues.of([pair(SkewMode.WARN)])
    table = pd.DataFrame({"x": [1, -2]})

    values.note({"table": table, "params:low": 1})
    values.note({"table": table * 0, "size": pd.Series([2])})
    values.note({"sizes": table.abs()})

    noted = values.taken()
    assert {"table": [1, -2], "sizes": [1, 2]} == {name: each.rows["x"].tolist() for name, each in noted.items()}


def test_nothing_is_noted_where_nothing_is_compared() -> None:
    """The user does not want it."""
    values = TrainingValues.of([pair(SkewMode.OFF)])

    values.note({"table": pd.DataFrame({"x": [1]})})

    assert {} == values.taken()


@attrs.frozen
class _Unreadable:
    """A value of which nothing can be told."""

    @property
    def index(self) -> None:
        """Raise."""
        raise ValueError


def test_a_value_that_cannot_be_kept_stops_no_training() -> None:
    """It is as if it were not there."""
    values = TrainingValues(["table"])

    values.note({"table": _Unreadable()})

    assert {} == values.taken()
