"""Hold what a training has measured, until its models are logged."""

from __future__ import annotations

import attrs

from kedro_autolog_pipeline.tracking.metrics import MetricValue


@attrs.frozen
class NotedMetrics:
    """The numbers of one dataset; plain JSON with ``cattrs``.

    Attributes:
        values: What can be logged.
        faults: What cannot, one sentence each.
        read_with: Datasets that the node which gave them has read, without a transcoding suffix.
    """

    values: list[MetricValue]
    faults: list[str]
    read_with: list[str]
