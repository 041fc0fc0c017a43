"""Tests of the pairs that are found among the registered pipelines."""

from __future__ import annotations

from typing import Any

from kedro.pipeline import Pipeline, node

from kedro_autolog_pipeline.proposal.pairs import ProposedPair, find_training, propose_pairs
from public_like import batches, separate_prediction, spaceflights


def ask(model: Any, rows: Any) -> Any:
    """Predict."""
    return model.predict(rows)


def asking(rows: str, name: str = "ask") -> Pipeline:
    """Give a pipeline that asks the model of spaceflights."""
    return Pipeline([node(ask, ["regressor", rows], "prices", name=name)])


def test_the_sums_of_small_pipelines_are_paired() -> None:
    """Only they produce all that is read, and read all that is needed."""
    assert [
        ProposedPair(
            training="production_full_train_process",
            inference="production_full_prediction_process",
            trained=("encoder", "production_columns", "production_model", "scaler"),
            request=("ana_data",),
            metrics=("production_metrics",),
        )
    ] == propose_pairs(batches.registered(), {"ana_data", "ref_data"}.__contains__)


def test_what_another_pipeline_fits_is_named() -> None:
    """The model would take it as the catalog has it."""
    small = {name: pipeline for name, pipeline in batches.registered().items() if "full_train" not in name}
    (pair,) = propose_pairs(small, lambda _: True)

    assert ("preprocess_train", ("encoder", "scaler")) == (pair.training, pair.trained)
    assert (("production_model", "model_train"),) == pair.elsewhere


def test_a_pipeline_that_evaluates_is_no_inference() -> None:
    """It reads the model too, and predicts with it."""
    science = spaceflights.data_science()
    parts = {
        "training": science.only_nodes("split_data_node", "train_model_node"),
        "evaluation": science.only_nodes("evaluate_model_node"),
        "processing": spaceflights.data_processing(),
        "__default__": science,
    }

    assert [] == propose_pairs(parts, lambda _: True)
    assert ["training"] == find_training(parts)


def test_rows_kept_from_the_training_may_be_the_request() -> None:
    """Where nothing else is left to be given."""
    registered = {"science": spaceflights.data_science(), "ask": asking("X_test"), "same": asking("X_test")}
    (pair,) = propose_pairs(registered, lambda _: False)

    assert (("science", "ask"), ("X_test",), ("regressor",), ("metrics",)) == (
        (pair.training, pair.inference),
        pair.request,
        pair.trained,
        pair.metrics,
    )


def test_several_candidates_are_left_to_the_user() -> None:
    """A lookup table and rows look alike when both are in the catalog."""
    lookup = Pipeline([node(lambda *inputs: inputs, ["rows", "names"], "named", name="lookup")])
    registered = {"science": spaceflights.data_science(), "ask": lookup + asking("named")}

    assert [("names", "rows")] == [pair.request for pair in propose_pairs(registered, lambda _: True)]
    assert [("rows",)] == [pair.request for pair in propose_pairs(registered, "names".__eq__)]


def test_pipelines_that_have_nothing_to_do_with_each_other_are_not_paired() -> None:
    """A model comes from somewhere."""
    assert [] == propose_pairs({"ask": asking("rows"), "other": separate_prediction.training()}, lambda _: True)


def test_the_smallest_pipeline_that_fits_is_the_training() -> None:
    """The default pipeline is only one where there is no other."""
    science, processing = spaceflights.data_science(), spaceflights.data_processing()

    assert ["science"] == find_training({"science": science, "all": science + processing, "__default__": science})
    assert ["__default__"] == find_training({"__default__": science})
    assert [] == find_training({"processing": processing})
