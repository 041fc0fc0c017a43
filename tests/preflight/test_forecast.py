"""Tests of forecast."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kedro.io import AbstractDataset, CachedDataset, DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline, node
from kedro_datasets.pandas import CSVDataset
from kedro_datasets.pickle import PickleDataset

from kedro_autolog_pipeline.config.schema import ModelConfig
from kedro_autolog_pipeline.pairing.pair import Pair
from kedro_autolog_pipeline.preflight.forecast import (
    ExpectedInput,
    Presence,
    expect_environment,
    expect_inputs,
    expect_necessities,
    needing_nodes,
)
from kedro_autolog_pipeline.serving.manifest import Origin


class Silent(AbstractDataset[Any, Any]):
    """Cannot tell whether it has data."""

    def load(self) -> Any:
        """Load nothing."""

    def save(self, data: Any) -> None:
        """Save nothing."""

    def _describe(self) -> dict[str, Any]:
        return {}


class Unreachable(Silent):
    """Cannot be reached."""

    def _exists(self) -> bool:
        msg = "no route to the host"
        raise OSError(msg)


def predict(*values: Any) -> Any:
    """Predict."""
    return values


def explain() -> Any:
    """Import what predictions do without."""
    import hypothesis

    return hypothesis


def pair_of(**origins: Origin) -> Pair:
    """Return a pair whose inference pipeline has these inputs."""
    inference = Pipeline(
        [
            node(predict, list(origins), "scaled", name="importable"),
            node(lambda scaled: scaled, "scaled", "predictions", name="pickled"),
        ]
    )
    return Pair(ModelConfig("m", "training", "inference"), Pipeline([]), inference, origins)


def expected(name: str, origin: Origin, dataset: Any, *produced: str) -> ExpectedInput:
    """Return what is expected of one input; without a dataset it is not in the catalog."""
    catalog = DataCatalog({} if dataset is None else {name: dataset})
    (found,) = expect_inputs([name], pair_of(**{name: origin}), catalog, produced)
    return found


def test_what_the_training_writes_will_be_produced(tmp_path: Path) -> None:
    """A trained input will be produced where its dataset keeps it, whether or not it has data already."""
    found = expected("model", Origin.TRAINED, PickleDataset(filepath=str(tmp_path / "model.pkl")))

    assert found.presence is Presence.PRODUCED
    assert found.dataset == "kedro_datasets.pickle.pickle_dataset.PickleDataset"
    assert found.local_file == tmp_path / "model.pkl"
    assert found.path == str(tmp_path / "model.pkl")
    assert "kedro_datasets.pickle.pickle_dataset" in found.modules


@pytest.mark.parametrize("wrap", [lambda dataset: dataset, CachedDataset], ids=["plain", "cached"])
def test_a_reference_is_there_or_missing_or_written_before(tmp_path: Path, wrap: Any) -> None:
    """A reference exists, or is missing, unless a node writes it before it is packaged."""
    words = CSVDataset(filepath=str(tmp_path / "words.csv"))

    assert expected("words", Origin.REFERENCE, wrap(words)).presence is Presence.MISSING
    assert expected("words", Origin.REFERENCE, wrap(words), "words@pandas").presence is Presence.PRODUCED
    (tmp_path / "words.csv").touch()
    assert expected("words", Origin.REFERENCE, wrap(words)).presence is Presence.EXISTS


def test_what_cannot_tell_whether_it_has_data_is_not_missing() -> None:
    """Kedro's own answer for a dataset that cannot tell is that it has nothing; here it is not known."""
    assert expected("words", Origin.REFERENCE, Silent()).presence is Presence.UNKNOWN


def test_what_cannot_be_reached_says_why() -> None:
    """What a file system raises is kept as the cause."""
    found = expected("words", Origin.REFERENCE, Unreachable())

    assert "no route to the host" in f"{found.cause}"
    assert found.path is None
    assert found.local_file is None
    assert found.modules == []


def test_what_only_the_run_has_in_memory_has_no_dataset() -> None:
    """A trained input that the catalog does not know is kept by the run; one that it cannot make is told elsewhere."""
    assert expected("model", Origin.TRAINED, None) == ExpectedInput(
        "model", Origin.TRAINED, None, None, Presence.PRODUCED
    )
    broken = DataCatalog.from_config({"model": {"type": "no.such.Dataset"}})
    (found,) = expect_inputs(["model"], pair_of(model=Origin.TRAINED), broken, ())
    assert found.dataset is None


def test_a_remote_path_is_shown_without_its_secrets() -> None:
    """A URL is shown without what may be a signature, and is no file of this machine."""
    address = "https://me:secret@example.org/words.csv?signature=secret"
    found = expected("words", Origin.TRAINED, CSVDataset(filepath=address))

    assert found.path == "https://example.org/words.csv"
    assert found.local_file is None


def test_a_location_that_cannot_be_found_is_left_out() -> None:
    """A dataset on a file system that nobody has installed still has a class."""

    class Remote(Silent):
        def __init__(self, filepath: str) -> None:
            self.filepath = filepath

    found = expected("words", Origin.TRAINED, Remote("nosuchprotocol://words"))

    assert found.location is None
    assert f"{found.dataset}".endswith("Remote")


def test_what_a_model_needs_is_found_before_it_is_trained(tmp_path: Path) -> None:
    """The functions, the artifacts' datasets and the model itself say what is needed; a pickled function does not."""
    pair = pair_of(model=Origin.TRAINED, instances=Origin.REQUEST)
    catalog = DataCatalog({"model": PickleDataset(filepath=str(tmp_path / "model.pkl")), "instances": MemoryDataset()})
    artifacts = expect_inputs(["model"], pair, catalog, ())

    reasons = {each.distribution: each.reasons for each in expect_environment(pair, artifacts, catalog).requirements}
    necessities = {each.distribution for each in expect_necessities(pair, artifacts, catalog).requirements}

    assert "loads the artifact 'model'" in reasons["kedro-datasets"]
    assert {"kedro-datasets", "kedro", "attrs"} <= necessities <= reasons.keys() - {"hypothesis"}
    assert "hypothesis" in reasons
    assert needing_nodes("kedro-datasets", pair) == {"importable": f"imported by {__name__}"}
    assert needing_nodes("no-such-thing", pair) == {}
