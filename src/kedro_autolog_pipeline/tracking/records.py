"""Keep what must be known of a run for a retry in the run itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from kedro_autolog_pipeline.loggers import get_logger
from kedro_autolog_pipeline.tracking.run import TrackedRun
from kedro_autolog_pipeline.tracking.tags import TAG_LENGTH

_LOGGER = get_logger(__name__)

_DIRECTORY = "kedro_autolog_pipeline"


def keep_record(run: TrackedRun, name: str, record: str, tags: Mapping[str, str | None]) -> bool:
    """Keep in a run what is to be known of it: a document among its artifacts, and tags of ours.

    A server that does not take it is a WARNING: whatever has happened before is more important.

    Args:
        run: The run.
        name: What to call the document.
        record: JSON.
        tags: By name; None removes a tag.

    Returns:
        Whether the server has taken it.
    """
    from mlflow.exceptions import MlflowException

    if not run.store.answers():
        _LOGGER.warning(
            "Run '%s' has no record of what it gave: '%s' does not answer.", run.run_id, run.store.tracking_uri
        )
        return False
    client = run.store.client()
    try:
        known = client.get_run(run.run_id).data.tags
        for tag, value in tags.items():
            if value is not None:
                client.set_tag(run.run_id, tag, value[:TAG_LENGTH])
            elif tag in known:
                client.delete_tag(run.run_id, tag)
        file_name = re.sub(r"[^\w.-]", "_", name)
        client.log_text(run.run_id, record, f"{_DIRECTORY}/{file_name}.json")
    except (MlflowException, OSError) as error:
        _LOGGER.warning("Run '%s' has no record of what it gave: %s", run.run_id, error)
        return False
    return True


def read_records(run: TrackedRun) -> list[str]:
    """Read the documents that ``keep_record`` has kept, in the order of their names; none when there are none.

    Raises:
        MlflowException: When the server does not give them.
    """
    client = run.store.client()
    with TemporaryDirectory() as directory:
        files = client.list_artifacts(run.run_id, _DIRECTORY)
        paths = [Path(client.download_artifacts(run.run_id, file.path, directory)) for file in files]
        return [path.read_text(encoding="utf-8") for path in sorted(paths)]
