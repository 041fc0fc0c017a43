"""Say what packaging needs to know of a training that has ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from kedro_autolog_pipeline.datasets.noted_rows import NotedRows
from kedro_autolog_pipeline.package.kept_artifacts import KeptArtifact
from kedro_autolog_pipeline.run.early_copies import NO_EARLY_COPIES, EarlyCopies
from kedro_autolog_pipeline.run.kedro_run import KedroRun
from kedro_autolog_pipeline.run.record import RunRecord
from kedro_autolog_pipeline.run.staging import StagingDirectory
from kedro_autolog_pipeline.secret_values import Secret


@attrs.frozen
class FinishedRun:
    """A run that is to be packaged, for the first time or again.

    Attributes:
        run: The Kedro run.
        record: What is known of it: the parameters it had, and what it saved.
        staging: Where its models are put together.
        takes_unsaved: Whether a trained artifact that it was not seen to save is packaged as it was there before:
            Kedro skips nodes whose outputs exist, and a user may ask for it.
        secrets: What must not be in its models.
        kept: Artifacts of an earlier packaging of it by dataset name, which are taken before the catalog's.
        early: What was copied of it while it trained.
        objects: Value by dataset name of the parameters that its record cannot hold.
        values: Rows that its nodes read and wrote, by dataset name; empty where another process trained.
        is_retry: Whether another session trained.
    """

    run: KedroRun
    record: RunRecord
    staging: StagingDirectory
    takes_unsaved: bool
    secrets: Sequence[Secret]
    kept: Mapping[str, KeptArtifact] = attrs.field(factory=dict)
    early: EarlyCopies = NO_EARLY_COPIES
    objects: Mapping[str, Any] = attrs.field(factory=dict)
    values: Mapping[str, NotedRows] = attrs.field(factory=dict)
    is_retry: bool = False

    def packaged_with(self, digests: Mapping[str, str]) -> FinishedRun:
        """Return it with the digests of what was packaged, by dataset name."""
        record = attrs.evolve(self.record, digests={**self.record.digests, **digests})
        return attrs.evolve(self, record=record)

    def refused_for_skew(self, model: str, skew: str) -> FinishedRun:
        """Return it with the skew of a model that is FAILED for it, which a retry cannot find again."""
        return attrs.evolve(self, record=attrs.evolve(self.record, skew={**self.record.skew, model: skew}))
