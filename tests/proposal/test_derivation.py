"""Tests of deriving an inference pipeline: from the demo, from Kedro's starter, and from pipelines like public ones."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kedro.pipeline import Pipeline, node

from kedro_autolog_pipeline.proposal.derivation import derive
from public_like import (
    boosted,
    encoded,
    lagged,
    namespaced,
    one_node,
    rating,
    scaled_first,
    separate_prediction,
    spaceflights,
)

DEMO = Path(__file__).parents[2] / "demo" / "src"


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipeline]:
    """Give the demo's training pipeline."""
    monkeypatch.syspath_prepend(DEMO)
    from penguins.pipelines.training import create_pipeline

    yield create_pipeline()
    for name in [name for name in sys.modules if name.partition(".")[0] == "penguins"]:
        del sys.modules[name]


def shape(pipeline: Pipeline) -> dict[str, tuple[object, ...]]:
    """Give what was derived: each node by its name with its inputs and outputs; the request; what training gives."""
    derivation = derive(pipeline)
    nodes = {each.name: (each.read, each.outputs) for each in derivation.nodes}
    return {**nodes, "request": derivation.request, "fitted": derivation.fitted}


def test_the_demo_predicts_with_its_features(demo: Pipeline) -> None:
    """Its evaluation builds them of the test set."""
    assert {
        "inference_predict": (("test_set", "imputer", "encoder", "classifier"), ("predictions",)),
        "request": ("test_set",),
        "fitted": ("classifier", "encoder", "imputer"),
    } == shape(demo)
    assert ("'evaluate' reads 'label_encoder' too, and its prediction does not. Should the model apply it?",) == derive(
        demo
    ).questions


def test_spaceflights_predicts_where_it_evaluates() -> None:
    """The split and the fit are dropped, and the user is told what a request looks like."""
    derivation = derive(spaceflights.data_science())

    assert {
        "inference_predict": (("regressor", "X_test"), ("predictions",)),
        "request": ("X_test",),
        "fitted": ("regressor",),
    } == shape(spaceflights.data_science())
    (cut,) = derivation.cuts
    assert cut.startswith("'evaluate_model_node' predicts and evaluates at once: its prediction is copied from ")
    assert cut.endswith("spaceflights.py:52.")
    assert (
        "A request has the columns of 'X_test', as 'split_data_node' leaves them. If a request comes with other "
        "columns, have a node make these of them, and read it here.",
    ) == derivation.questions


def test_a_node_that_predicts_is_used_as_it_is() -> None:
    """With what something fitted makes of the prediction; the rest is asked about."""
    assert {
        "inference_make_predictions": (("model", "X_test"), ("inference_numbers",)),
        "inference_decode": (("inference_numbers", "labels"), ("inference_names",)),
        "request": ("X_test",),
        "fitted": ("labels", "model"),
    } == shape(separate_prediction.training())
    assert (
        "'draw' reads the predictions and is left out. Does a caller need what it returns?"
        in derive(separate_prediction.training()).questions
    )


def test_an_evaluation_may_prepare_its_rows() -> None:
    """What it does to them before it predicts by a helper comes along."""
    assert {
        "inference_predict": (("model", "test_dataset"), ("predictions",)),
        "request": ("test_dataset",),
        "fitted": ("model",),
    } == shape(rating.data_science())


def test_what_is_learned_of_the_rows_is_no_request() -> None:
    """Medians come from the training, and a split by date is a split."""
    assert {
        "inference_add_test_features": (("test", "medians"), ("inference_test_features",)),
        "inference_forecast": (("booster", "inference_test_features"), ("inference_forecasts",)),
        "request": ("test",),
        "fitted": ("booster", "medians"),
    } == shape(boosted.modelling())
    (question,) = derive(boosted.modelling()).questions
    assert "The nodes before it ('clean') are left out too." in question


def test_a_node_that_fits_and_transforms_has_to_be_cut_first() -> None:
    """A model that needs scaled rows would be of no use; the line is named."""
    derivation = derive(scaled_first.modelling())

    assert () == derivation.nodes
    (cut,) = derivation.cuts
    assert "'preprocess' fits and transforms at once (" in cut
    assert "scaled_first.py:18 `scaler.fit_transform(churn)`). Make it two nodes" in cut


def test_a_namespace_stays_in_the_names() -> None:
    """Of two namespaces that train, the first is taken, and the other one is asked about."""
    expected = {
        "inference_predict": (("active.regressor", "active.X_test"), ("predictions",)),
        "request": ("active.X_test",),
        "fitted": ("active.regressor",),
    }

    assert expected == shape(namespaced.modelling("active")) == shape(namespaced.both())
    question = (
        "'active.evaluate' is not the only node that predicts: 'candidate.evaluate' does too. Is it the right one?"
    )
    assert question in derive(namespaced.both()).questions
    assert question not in derive(namespaced.modelling("active")).questions


def test_an_encoder_comes_along_whatever_the_pipelines_are_called() -> None:
    """The test set is encoded as the training set was; the fit and the preparation are left out."""
    expected = {
        "inference_encode_test": (("test", "encoder"), ("inference_test_features",)),
        "inference_predict": (("classifier", "inference_test_features"), ("predictions",)),
        "request": ("test",),
        "fitted": ("classifier", "encoder"),
    }

    assert expected == shape(encoded.ml()) == shape(encoded.etl() + encoded.ml())
    assert () == derive(encoded.etl()).nodes


def test_lags_that_are_scaled_where_they_are_made_have_to_be_cut_first() -> None:
    """Also where the node returns what it has fitted; the line is named."""
    derivation = derive(lagged.forecasting())

    assert () == derivation.nodes
    (cut,) = derivation.cuts
    assert cut.startswith("'make_lags' fits and transforms at once (")
    assert "lagged.py:25 `scaler.fit_transform(table[columns])`). Make it two nodes" in cut


def test_a_node_that_does_everything_has_to_be_cut_first() -> None:
    """Nothing is derived of it; its lines are named."""
    derivation = derive(one_node.modelling())

    assert () == derivation.nodes
    (cut,) = derivation.cuts
    assert "'machine_learning' fits and predicts at once (" in cut
    assert "`Ridge().fit(" in cut


def test_a_function_that_cannot_be_imported_is_named() -> None:
    """The new pipeline could not import it either."""
    rows = node(lambda raw: raw, "raw", "X_test", name="rows")
    nodes = [each for each in spaceflights.data_science().nodes if each.name != "split_data_node"]
    derivation = derive(Pipeline([rows, *nodes]))

    assert ((), ("The function of 'rows' cannot be imported. Make it a function of a module.",)) == (
        derivation.nodes,
        derivation.cuts,
    )


def test_a_name_that_is_taken_is_not_taken_again() -> None:
    """One dataset has one node that writes it."""
    (predict,) = derive(spaceflights.data_science(), {"predictions"}).nodes

    assert ("inference_predictions",) == predict.outputs
