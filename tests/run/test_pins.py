"""Tests of run.pins."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, DatasetError, MemoryDataset
from kedro.io.data_catalog import SharedMemoryDataCatalog
from kedro.pipeline import Pipeline, node
from kedro.runner import SequentialRunner

from kedro_autolog_pipeline.config.schema import ModelConfig
from kedro_autolog_pipeline.datasets.sample import SAMPLE_ROWS
from kedro_autolog_pipeline.pairing.pair import Pair
from kedro_autolog_pipeline.run.kedro_run import KedroRun
from kedro_autolog_pipeline.run.pins import Pin, pin_datasets
from kedro_autolog_pipeline.serving.manifest import Origin


def ask() -> pd.DataFrame:
    """Give a request."""
    return pd.DataFrame({"x": np.arange(1000)})


def fit(request: pd.DataFrame) -> list[int]:
    """Give a model."""
    return [len(request)]


TRAINING = Pipeline([node(ask, None, "request"), node(fit, "request", "model"), node(len, "model", "score")])
INFERENCE = Pipeline([node(lambda *inputs: inputs, ["request", "model"], "answer", name="predict")])


def pinned(catalog: DataCatalog, origins: Sequence[dict[str, Origin]] | None = None) -> list[Pin]:
    """Pin what a pair of these pipelines reads."""
    run = KedroRun("1", ("training",), Path(), only_missing_outputs=False, pipeline=TRAINING, catalog=catalog)
    origins = origins or [{"request": Origin.REQUEST, "model": Origin.TRAINED}]
    pairs = [Pair(ModelConfig("m", "training", "inference"), TRAINING, INFERENCE, each) for each in origins]
    return pin_datasets(pairs, run)


@pytest.mark.parametrize("declared", [True, False])
def test_an_artifact_is_there_until_it_is_no_longer_needed(caplog: pytest.LogCaptureFixture, *, declared: bool) -> None:
    """The runner releases it after its last reader; its data are gone when the pin is, and not before."""
    model = MemoryDataset(copy_mode="assign")
    catalog = DataCatalog({"model": model} if declared else {})

    pins = pinned(catalog)
    SequentialRunner().run(TRAINING, catalog)

    assert [1000] == catalog.load("model")
    assert not declared or catalog["model"] is model
    for pin in pins:
        pin.detach()
    assert not catalog.exists("model")
    with pytest.raises(DatasetError, match="has not been saved yet"):
        catalog.load("model")
    assert [] == [record for record in caplog.records if record.levelname == "WARNING"]


def test_of_a_request_some_rows_stay() -> None:
    """A sample is enough, and it does not keep the memory of the whole."""
    catalog = DataCatalog()

    pins = pinned(catalog)
    SequentialRunner().run(TRAINING, catalog)

    sample = catalog.load("request")
    assert SAMPLE_ROWS == len(sample)
    assert vars(catalog["request"])["_data"]["x"].to_numpy().base.nbytes < 8 * 1000
    for pin in pins:
        pin.detach()
    assert not catalog.exists("request")


def test_what_is_an_artifact_of_another_pair_stays_whole() -> None:
    """One pair's request may be what another one was trained to give."""
    catalog = DataCatalog()

    pinned(catalog, [{"request": Origin.REQUEST}, {"request": Origin.TRAINED}])
    SequentialRunner().run(TRAINING, catalog)

    assert 1000 == len(catalog.load("request"))


def test_what_the_runner_does_not_release_is_left_alone() -> None:
    """The outputs of a run are the caller's, pinned or not."""
    catalog = DataCatalog()

    pins = pinned(catalog, [{"score": Origin.TRAINED, "other": Origin.REFERENCE}])
    SequentialRunner().run(TRAINING, catalog)
    for pin in pins:
        pin.detach()
        pin.detach()

    assert 1 == catalog.load("score")
    assert "other" not in catalog


def test_what_the_processes_of_a_runner_share_needs_no_pin() -> None:
    """ParallelRunner does not release it, and would have to send a pin to its processes."""
    catalog = SharedMemoryDataCatalog()

    assert [] == pinned(catalog)
    assert "model" not in catalog


class Odd:
    """Cannot be copied."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        raise RuntimeError


def test_a_request_of_which_no_sample_can_be_taken_is_released() -> None:
    """It is no reason to stop the training."""
    dataset = MemoryDataset(Odd(), copy_mode="assign")
    pin = Pin(dataset, sample_only=True)
    pin.attach()

    dataset.release()

    assert not dataset.exists()
