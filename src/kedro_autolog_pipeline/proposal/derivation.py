"""Derive an inference pipeline from a training pipeline: keep what transforms and predicts, drop the rest."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import attrs
from kedro.pipeline import Pipeline

from kedro_autolog_pipeline.package.functions import import_path
from kedro_autolog_pipeline.proposal.calls import Action, Call
from kedro_autolog_pipeline.proposal.cutting import Cut, cut_prediction
from kedro_autolog_pipeline.proposal.nodes import ReadNode, fitted_datasets, read_nodes, splits

PREFIX = "inference_"
"""Begins the names of what the derived pipeline computes, since one dataset has one node that writes it."""


@attrs.frozen
class DerivedNode:
    """A node of the derived pipeline.

    Attributes:
        origin: The training's node.
        cut: The part of its function that predicts; None when the whole function is used.
        inputs: Names of its inputs in the derived pipeline, in the form in which the function takes them.
        outputs: Names of its outputs there, likewise.
        name: Its name there.
    """

    origin: ReadNode
    cut: Cut | None
    inputs: tuple[str, ...] | Mapping[str, str]
    outputs: tuple[str, ...]
    name: str

    @property
    def read(self) -> tuple[str, ...]:
        """The datasets and parameters that it reads."""
        return tuple(self.inputs.values()) if isinstance(self.inputs, Mapping) else self.inputs


@attrs.frozen
class Derivation:
    """An inference pipeline that was found in a training pipeline, or why none was.

    Attributes:
        nodes: Its nodes, in the order in which they run; empty when there is something to cut first.
        request: The datasets that are given at predict time.
        fitted: The datasets that training produces for it.
        cuts: What has to be cut before it can be derived, or what was cut, one sentence each.
        questions: What reading the code leaves open, one sentence each.
    """

    nodes: tuple[DerivedNode, ...] = ()
    request: tuple[str, ...] = ()
    fitted: tuple[str, ...] = ()
    cuts: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()


def derive(training: Pipeline, taken: Collection[str] = ()) -> Derivation:
    """Derive an inference pipeline.

    Args:
        training: The training pipeline.
        taken: Names of datasets that other pipelines write.
    """
    return _Search(read_nodes(training), frozenset(taken)).derive()


class _Search:
    """One search through the nodes of a training pipeline."""

    def __init__(self, nodes: list[ReadNode], taken: frozenset[str]) -> None:
        self._nodes = nodes
        self._taken = taken | {name for each in nodes for name in each.node.outputs}
        self._producers = {name: each for each in nodes for name in each.node.outputs}
        self._fitted = fitted_datasets(nodes)
        self._learned_from = self._sources([each for each in nodes if each.does(Action.FIT)])
        self._tested_on = self._sources([each for each in nodes if each.does(Action.PREDICT, Action.EVALUATE)])
        self._cuts: list[str] = []
        self._questions: list[str] = []
        self._starts: list[str] = []
        self._splits_before: dict[str, ReadNode] = {}

    def derive(self) -> Derivation:
        asking = [each for each in self._nodes if self._prediction_calls(each)]
        whole = [each for each in asking if not each.does(Action.EVALUATE, Action.FIT)]
        chosen = self._choose(whole or [each for each in asking if not each.does(Action.FIT)])
        if chosen is None:
            self._name_what_hides_the_prediction()
            return Derivation(cuts=tuple(self._cuts))
        return self._derive_from(chosen)

    def _derive_from(self, chosen: ReadNode) -> Derivation:
        cut = None
        if chosen.does(Action.EVALUATE):
            cut = self._cut(chosen)
            if cut is None:
                return Derivation(cuts=tuple(self._cuts))
        reads = self._inputs_of_cut(chosen, cut) if cut else chosen.data
        kept = self._walk([name for name in reads if name not in self._fitted])
        if kept is None:
            return Derivation(cuts=tuple(self._cuts))
        after = [] if cut else self._after(chosen, kept)
        whole = [*kept, *after] if cut else [*kept, chosen, *after]
        self._cuts.extend(
            f"The function of '{each.node.name}' cannot be imported. Make it a function of a module."
            for each in whole
            if import_path(each.node.func) is None
        )
        if any(import_path(each.node.func) is None for each in whole):
            return Derivation(cuts=tuple(self._cuts))
        return self._assembled(chosen, cut, kept, after)

    def _prediction_calls(self, each: ReadNode) -> list[Call]:
        """Return the calls that ask a dataset of the pipeline for a prediction."""
        return [call for call in each.calls if call.action is Action.PREDICT and call.receiver in each.dataset_of]

    def _choose(self, candidates: list[ReadNode]) -> ReadNode | None:
        """Choose one that does not read what was learned from, where there are several."""
        if not candidates:
            return None
        unseen = [each for each in candidates if not self._learned_from.intersection(each.data)] or candidates
        if len(unseen) > 1:
            others = ", ".join(f"'{each.node.name}'" for each in unseen[1:])
            self._questions.append(
                f"'{unseen[0].node.name}' is not the only node that predicts: {others} does too. Is it the right one?"
            )
        return unseen[0]

    def _cut(self, chosen: ReadNode) -> Cut | None:
        assert chosen.source is not None  # noqa: S101 - its calls were read from it
        data = {parameter for parameter, name in chosen.dataset_of.items() if name in chosen.data}
        data -= {parameter for parameter, name in chosen.dataset_of.items() if name in self._fitted}
        for call in self._prediction_calls(chosen):
            cut = cut_prediction(chosen.source, call, data)
            if cut is not None:
                return cut
        self._cuts.append(
            f"'{chosen.node.name}' predicts and evaluates at once ({chosen.lines(Action.PREDICT, Action.EVALUATE)}). "
            "Make it two nodes: one that returns the predictions, one that evaluates them."
        )
        return None

    def _inputs_of_cut(self, chosen: ReadNode, cut: Cut) -> list[str]:
        return [name for parameter, name in chosen.dataset_of.items() if parameter in cut.names and name in chosen.data]

    def _walk(self, wanted: list[str]) -> list[ReadNode] | None:
        """Walk from the prediction's rows towards where they come from; None when a node on the way has to be cut."""
        kept: list[ReadNode] = []
        while wanted:
            name = wanted.pop(0)
            producer = self._producers.get(name)
            if producer in kept or name in self._starts or name in self._fitted:
                continue
            if producer is None:
                self._starts.append(name)
            elif self._splits(producer):
                if not self._may_transform(self._before([producer])):
                    return None
                self._starts.append(name)
                self._splits_before[name] = producer
            elif not self._may_transform([producer]):
                return None
            else:
                kept.append(producer)
                wanted.extend(producer.data)
        return self._without_what_is_learned(kept)

    def _before(self, nodes: list[ReadNode]) -> list[ReadNode]:
        """Return the nodes that the data of these come from, what is fitted left out."""
        found: list[ReadNode] = []
        wanted = [name for each in nodes for name in each.data]
        while wanted:
            name = wanted.pop(0)
            producer = self._producers.get(name)
            if producer is not None and producer not in found and name not in self._fitted:
                found.append(producer)
                wanted.extend(producer.data)
        return found

    def _sources(self, nodes: list[ReadNode]) -> set[str]:
        """Return the rows that these nodes read, and all that those come from."""
        return {name for each in (*nodes, *self._before(nodes)) for name in each.data} - self._fitted

    def _may_transform(self, nodes: list[ReadNode]) -> bool:
        """Tell whether none of these fits what it transforms with; name those that do as what has to be cut."""
        fitting = [each for each in nodes if each.does(Action.FIT)]
        self._cuts.extend(
            f"'{each.node.name}' fits and transforms at once ({each.lines(Action.FIT, Action.TRANSFORM)}). Make it two "
            "nodes: one that returns what is fitted, one that transforms with it."
            for each in fitting
        )
        return not fitting

    def _splits(self, each: ReadNode) -> bool:
        return splits(each, self._learned_from, self._tested_on)

    def _without_what_is_learned(self, kept: list[ReadNode]) -> list[ReadNode]:
        """Leave out what is computed from the rows that training learns from: it is an artifact, not a request."""
        rows = [name for name in self._starts if name not in self._learned_from]
        if not rows or len(rows) == len(self._starts):
            return self._in_order(kept)
        reached = set(rows)
        on_the_way = []
        for each in self._in_order(kept):
            if reached.intersection(each.data):
                reached |= set(each.node.outputs)
                on_the_way.append(each)
        learned = {name for each in on_the_way for name in each.data} - reached
        self._fitted |= learned
        self._starts = rows
        return on_the_way

    def _in_order(self, kept: list[ReadNode]) -> list[ReadNode]:
        return [each for each in self._nodes if each in kept]

    def _after(self, chosen: ReadNode, kept: list[ReadNode]) -> list[ReadNode]:
        """Follow the prediction to what something fitted makes of it, as names of classes; ask about the rest."""
        after: list[ReadNode] = []
        made = {name for each in (*kept, chosen) for name in each.node.outputs}
        answers = set(chosen.node.outputs)
        for each in self._nodes:
            if each is chosen or each in kept or not answers.intersection(each.data):
                continue
            is_computed = set(each.data) <= made | self._fitted
            if not is_computed or each.does(Action.EVALUATE, Action.FIT):
                continue
            if each.asked() & self._fitted:
                after.append(each)
                made |= set(each.node.outputs)
                answers |= set(each.node.outputs)
            elif each.node.outputs:
                self._questions.append(
                    f"'{each.node.name}' reads the predictions and is left out. Does a caller need what it returns?"
                )
        return after

    def _assembled(self, chosen: ReadNode, cut: Cut | None, kept: list[ReadNode], after: list[ReadNode]) -> Derivation:
        renamed: dict[str, str] = {}
        for each in kept:
            renamed |= {name: _prefixed(name) for name in each.node.outputs}
        nodes = [self._derived(each, renamed) for each in kept]
        if cut is not None:
            lines = ", ".join(map(str, cut.lines))
            self._cuts.append(
                f"'{chosen.node.name}' predicts and evaluates at once: its prediction is copied from "
                f"{cut.path}:{lines}."
            )
            unused = sorted(self._fitted.intersection(chosen.data) - set(self._inputs_of_cut(chosen, cut)))
            self._questions.extend(
                f"'{chosen.node.name}' reads '{name}' too, and its prediction does not. Should the model apply it?"
                for name in unused
            )
            inputs = tuple(renamed.get(chosen.dataset_of[name], chosen.dataset_of[name]) for name in cut.names)
            nodes.append(DerivedNode(chosen, cut, inputs, (self._free("predictions"),), f"{PREFIX}predict"))
        else:
            for each in (chosen, *after):
                renamed |= {name: _prefixed(name) for name in each.node.outputs}
                nodes.append(self._derived(each, renamed))
        for name in self._starts:
            if name in self._splits_before:
                split = self._splits_before[name]
                self._questions.append(_question_of_split(name, split, self._before([split])))
        if len(self._starts) > 1:
            starts = ", ".join(f"'{name}'" for name in self._starts)
            self._questions.append(f"A request has {starts}. Is each of them given at predict time?")
        reads = {name for each in nodes for name in each.read}
        return Derivation(
            nodes=tuple(nodes),
            request=tuple(self._starts),
            fitted=tuple(sorted(reads & self._fitted)),
            cuts=tuple(self._cuts),
            questions=tuple(self._questions),
        )

    def _derived(self, each: ReadNode, renamed: Mapping[str, str]) -> DerivedNode:
        step = each.step
        given = step.inputs
        inputs: tuple[str, ...] | dict[str, str]
        if isinstance(given, Mapping):
            inputs = {parameter: renamed.get(name, name) for parameter, name in given.items()}
        else:
            inputs = tuple(renamed.get(name, name) for name in each.node.inputs)
        outputs = tuple(renamed[name] for name in each.node.outputs)
        return DerivedNode(each, None, inputs, outputs, f"{PREFIX}{each.node.name.rpartition('.')[2]}")

    def _free(self, name: str) -> str:
        return f"{PREFIX}{name}" if name in self._taken else name

    def _name_what_hides_the_prediction(self) -> None:
        for each in self._nodes:
            if each.source is None:
                self._cuts.append(f"The code of '{each.node.name}' cannot be read. Make it a function of a module.")
            elif each.does(Action.FIT) and each.does(Action.PREDICT, Action.EVALUATE):
                self._cuts.append(
                    f"'{each.node.name}' fits and predicts at once ({each.lines(Action.FIT, Action.PREDICT)}). Make "
                    "it two nodes: one that returns the model, one that predicts with it."
                )
            elif each.does(Action.PREDICT):
                self._cuts.append(
                    f"'{each.node.name}' predicts with a model that is no input of it ({each.lines(Action.PREDICT)}). "
                    "Have the training node return the model, and read it as an input."
                )


def _question_of_split(name: str, split: ReadNode, before: list[ReadNode]) -> str:
    which = ", ".join(f"'{each.node.name}'" for each in before)
    earlier = f" The nodes before it ({which}) are left out too." if before else ""
    return (
        f"A request has the columns of '{name}', as '{split.node.name}' leaves them.{earlier} If a request comes with "
        f"other columns, have a node make these of them, and read it here."
    )


def _prefixed(name: str) -> str:
    """Return another name for a dataset, in the same namespace."""
    namespace, dot, last = name.rpartition(".")
    return f"{namespace}{dot}{PREFIX}{last}"
