"""Propose pairs of the registered pipelines: one that trains, and one that predicts with what it has trained."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

import attrs
from kedro.io.core import is_parameter
from kedro.pipeline import Pipeline

from kedro_autolog_pipeline.pairing.pair import dataset_of
from kedro_autolog_pipeline.proposal.calls import Action
from kedro_autolog_pipeline.proposal.nodes import ReadNode, fitted_datasets, read_nodes

_DEFAULT = "__default__"
"""The pipeline that ``kedro run`` runs when none is named; it is most often the sum of the others."""

_METRIC_WORDS = frozenset(("accuracy", "auc", "mae", "metric", "metrics", "rmse", "score", "scores"))


@attrs.frozen
class ProposedPair:
    """Two registered pipelines that belong together.

    Attributes:
        training: Name of the pipeline that trains.
        inference: Name of the pipeline that predicts.
        trained: Datasets that the training produces for the inference, sorted.
        request: Datasets that may be what is given at predict time, sorted; the user decides where there are several.
        metrics: Datasets of the training that look like metrics, sorted.
        elsewhere: Fitted datasets that other pipelines than the training write, each with one of these, sorted.
    """

    training: str
    inference: str
    trained: tuple[str, ...]
    request: tuple[str, ...]
    metrics: tuple[str, ...]
    elsewhere: tuple[tuple[str, str], ...] = ()


def propose_pairs(pipelines: Mapping[str, Pipeline], in_catalog: Callable[[str], bool]) -> list[ProposedPair]:
    """Propose a pair for each pipeline that predicts with what another one produces, and neither fits nor evaluates.

    Args:
        pipelines: The registered pipelines by name.
        in_catalog: Whether the catalog can provide a dataset of this name.
    """
    read = {name: read_nodes(pipeline) for name, pipeline in sorted(pipelines.items())}
    proposed: list[ProposedPair] = []
    for name, nodes in read.items():
        if name == _DEFAULT or not _only_predicts(nodes):
            continue
        if any(_is_part(pipelines[name], pipelines[other]) for other in _predicting(read) if other != name):
            continue
        pair = _paired(name, pipelines, read, in_catalog)
        is_new = all(set(pipelines[other.inference].nodes) != set(pipelines[name].nodes) for other in proposed)
        if pair is not None and is_new:
            proposed.append(pair)
    return proposed


def find_training(pipelines: Mapping[str, Pipeline]) -> list[str]:
    """Return the smallest registered pipelines that fit, sorted; those that contain one of them are left out."""
    fitting = {
        name: pipeline
        for name, pipeline in pipelines.items()
        if any(each.does(Action.FIT) for each in read_nodes(pipeline))
    }
    named = {name: pipeline for name, pipeline in fitting.items() if name != _DEFAULT} or fitting
    predicting = [
        name for name, pipeline in named.items() if any(each.does(Action.PREDICT) for each in read_nodes(pipeline))
    ]
    candidates = predicting or list(named)
    return sorted(
        name
        for name in candidates
        if not any(_is_part(named[other], named[name]) for other in candidates if other != name)
    )


def find_metrics(pipeline: Pipeline) -> tuple[str, ...]:
    """Return the datasets that look like metrics, sorted: by the node that writes them, or by their names."""
    nodes = read_nodes(pipeline)
    evaluated = {
        name for each in nodes if each.does(Action.EVALUATE) and not each.does(Action.FIT) for name in each.node.outputs
    }
    named = {name for name in pipeline.all_outputs() if _METRIC_WORDS.intersection(re.split(r"[^a-z]+", name.lower()))}
    return tuple(sorted(evaluated | named))


def _predicting(read: Mapping[str, list[ReadNode]]) -> list[str]:
    return [name for name, nodes in read.items() if name != _DEFAULT and _only_predicts(nodes)]


def _only_predicts(nodes: list[ReadNode]) -> bool:
    predicts = any(each.does(Action.PREDICT) for each in nodes)
    return predicts and not any(each.does(Action.FIT, Action.EVALUATE, Action.SPLIT) for each in nodes)


def _is_part(part: Pipeline, whole: Pipeline) -> bool:
    """Tell whether a pipeline is a smaller part of another one."""
    return set(part.nodes) < set(whole.nodes)


def _paired(
    inference: str,
    pipelines: Mapping[str, Pipeline],
    read: Mapping[str, list[ReadNode]],
    in_catalog: Callable[[str], bool],
) -> ProposedPair | None:
    free = {name for name in pipelines[inference].inputs() if not is_parameter(name)}
    asked = {dataset_of(name) for each in read[inference] for name in each.asked()}
    candidates = {
        name: {dataset_of(output) for output in pipeline.all_outputs()}
        for name, pipeline in pipelines.items()
        if name != inference and not set(pipelines[inference].nodes) & set(pipeline.nodes)
    }
    fitted = {name for name in free if dataset_of(name) in asked | _fitted_by_any(read, candidates)}
    by_coverage = sorted(
        candidates,
        key=lambda name: (
            -len({dataset_of(each) for each in fitted} & candidates[name]),
            len(pipelines[name].nodes),
            name,
        ),
    )
    training = next(iter(by_coverage), None)
    if training is None or not {dataset_of(each) for each in fitted} & candidates[training]:
        return None
    produced = {name for name in free if dataset_of(name) in candidates[training]}
    # Where all the rest is produced too, the request is among it: rows that were kept from the training.
    request = _request(free - fitted - produced or free - fitted, in_catalog)
    trained = produced - set(request)
    elsewhere = sorted(
        (name, other)
        for name in fitted - produced
        for other in by_coverage[1:]
        if dataset_of(name) in candidates[other] and other != _DEFAULT
    )
    return ProposedPair(
        training=training,
        inference=inference,
        trained=tuple(sorted(trained)),
        request=request,
        metrics=find_metrics(pipelines[training]),
        elsewhere=tuple(elsewhere),
    )


def _fitted_by_any(read: Mapping[str, list[ReadNode]], candidates: Collection[str]) -> set[str]:
    return {dataset_of(name) for each in candidates for name in fitted_datasets(read[each])}


def _request(candidates: Collection[str], in_catalog: Callable[[str], bool]) -> tuple[str, ...]:
    """Return the only candidate that the catalog lacks, as a pair without ``input_name`` has it; else all of them."""
    unprovided = [name for name in candidates if not in_catalog(name)]
    return tuple(sorted(unprovided if len(unprovided) == 1 else candidates))
