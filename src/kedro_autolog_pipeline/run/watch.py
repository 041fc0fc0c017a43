"""Watch a training: note what its nodes save, read, measure and compute."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import ExitStack
from typing import Any

import attrs
from kedro.pipeline.node import Node

from kedro_autolog_pipeline.datasets.noted_rows import NotedRows
from kedro_autolog_pipeline.pairing.pair import Pair
from kedro_autolog_pipeline.run.early_copies import EarlyCopies
from kedro_autolog_pipeline.run.inputs import InputNotes
from kedro_autolog_pipeline.run.journal import Journal
from kedro_autolog_pipeline.run.kedro_run import KedroRun
from kedro_autolog_pipeline.run.metrics import MetricNotes
from kedro_autolog_pipeline.run.pins import pin_datasets
from kedro_autolog_pipeline.run.reads import ReadNotes
from kedro_autolog_pipeline.run.saves import SaveNotes, SaveTap, tap_saves
from kedro_autolog_pipeline.run.staging import StagingDirectory
from kedro_autolog_pipeline.run.training_values import TrainingValues
from kedro_autolog_pipeline.run.writers import WriterNotes
from kedro_autolog_pipeline.serving.manifest import Origin, WritingRun


@attrs.frozen(eq=False)
class Watch:
    """What notes the doings of one training, from before its first node.

    Attributes:
        early: What copies artifacts while nodes run.
    """

    early: EarlyCopies
    _reads: ReadNotes
    _inputs: InputNotes
    _metrics: MetricNotes
    _values: TrainingValues
    _taps: Sequence[SaveTap]

    @classmethod
    def begin(  # noqa: PLR0913 - one for each thing that tells what to look at, and where to note it
        cls,
        run: KedroRun,
        pairs: Sequence[Pair],
        *,
        others: Collection[str],
        measured: Collection[str],
        staging: StagingDirectory,
        writing: WritingRun,
        opened: ExitStack,
    ) -> Watch:
        """Begin to watch a run.

        Args:
            run: The run, before its first node.
            pairs: The pairs that it completes.
            others: Further datasets whose saves are noted.
            measured: Datasets of metrics.
            staging: Where is noted what other processes have to know; it is made.
            writing: The run, as later runs are told of it.
            opened: Gets what is to be undone when the run ends.
        """
        early = EarlyCopies(staging.early if pairs else None)
        opened.callback(early.close)
        for pin in pin_datasets(pairs, run):
            opened.callback(pin.detach)
        journal = Journal(staging.journal)
        journal.begin()
        artifacts = {name for pair in pairs for name in pair.inputs_from(Origin.TRAINED, Origin.REFERENCE)}
        written = run.written_as(artifacts.union(others))
        notes = SaveNotes(journal, staging.in_progress, early, WriterNotes.of(run.project_path), writing)
        taps = tap_saves(written, run.catalog, notes)
        for tap in reversed(taps):
            opened.callback(tap.detach)
        reads = ReadNotes.of(artifacts, written, run.catalog, journal)
        reads.begin()
        return cls(
            early,
            reads,
            InputNotes.of(run.pipeline, measured, run.catalog, journal, run.project_path),
            MetricNotes(run.catalog, frozenset(measured), journal),
            TrainingValues.of(pairs),
            taps,
        )

    def before_load(self, dataset: str, node: str) -> None:
        """Look at what a node is about to load."""
        self._reads.before_load(dataset, node)

    def after_load(self, dataset: str, node: str) -> None:
        """Note what a node has loaded."""
        self._reads.after_load(dataset, node)

    def before_node(self, node: Node, inputs: dict[str, Any]) -> None:
        """Note what a node is about to get."""
        self._inputs.note(node, inputs)
        self._values.note(inputs)

    def after_node(self, node: Node, outputs: dict[str, Any]) -> None:
        """Note what a node has given, and the metrics in it."""
        self._metrics.note(node, outputs)
        self._values.note(outputs)

    def rows(self) -> dict[str, NotedRows]:
        """Return the rows that nodes got and gave, by dataset name; they are not kept any longer."""
        return self._values.taken()

    def end(self) -> None:
        """Look at no save any more."""
        for tap in self._taps:
            tap.detach()
