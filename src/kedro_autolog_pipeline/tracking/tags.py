"""Name the tags that we set on runs and logged models."""

from __future__ import annotations

TAG_PREFIX = "kedro_autolog_pipeline."
"""What the name of each of our tags begins with."""

TAG_LENGTH = 5000
"""Characters that a tag's value may have on every store of MLflow's."""

PROCESS_TAG = f"{TAG_PREFIX}process"
"""Tag of a PENDING model: the process that packages it, as ``abandoned.this_process`` names it."""

STATE_TAG = f"{TAG_PREFIX}state"
"""Tag of every model; MLflow's stores can be searched for it, and not for a model's own status."""

FAILURE_TAG = f"{TAG_PREFIX}failure"
"""Tag of a FAILED model: why it failed."""

VERIFICATION_TAG = f"{TAG_PREFIX}verification"
"""Tag of a READY model: what is proven of it, a value of ``Outcome``."""

PROMOTION_TAG = f"{TAG_PREFIX}promotion"
"""Tag of a registered version and of its logged model: whether the version has got the alias, or why not."""

DESCRIPTION_TAG = "mlflow.note.content"
"""MLflow's own tag of what its UI shows as the description, in Markdown."""

MANIFEST_TAG = f"{TAG_PREFIX}manifest_sha256"
"""Tag of a logged model and of a registered version: SHA-256 of its manifest, which lists every file."""


def failure_tag(model: str) -> str:
    """Name the tag of a run that says why one of its models failed.

    Args:
        model: The model's name.
    """
    return f"{FAILURE_TAG}.{model}"
