"""A run whose training has ended: what its packaging needs to know, as one value."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from kedro_autolog_pipeline.package.kept_artifacts import KeptArtifact
from kedro_autolog_pipeline.run.early_copies import NO_EARLY_COPIES, EarlyCopies
from kedro_autolog_pipeline.run.kedro_run import KedroRun
from kedro_autolog_pipeline.run.record import RunRecord
from kedro_autolog_pipeline.run.staging import StagingDirectory


@attrs.frozen
class FinishedRun:
    """A run that is to be packaged, for the first time or again.

    Attributes:
        run: The Kedro run.
        record: What is known of it: the parameters it had, and what it saved.
        staging: Where its models are put together.
        kept: Artifacts of an earlier packaging of it by dataset name, which are taken before the catalog's.
        early: What was copied of it while it trained.
    """

    run: KedroRun
    record: RunRecord
    staging: StagingDirectory
    kept: Mapping[str, KeptArtifact] = attrs.field(factory=dict)
    early: EarlyCopies = NO_EARLY_COPIES
