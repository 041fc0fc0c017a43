"""shape.json comes in, what the pipelines are made of goes out."""

import json
from pathlib import Path

_SHAPE = json.loads(Path(__file__).with_name("shape.json").read_text(encoding="utf-8"))

SECONDS: float = _SHAPE["seconds"]
"""How long the training keeps a processor busy."""

NODES: int = _SHAPE["nodes"]
"""Nodes of the inference pipeline."""

ARTIFACTS: int = _SHAPE["artifacts"]
"""Artifacts that the inference pipeline reads beside the model."""

ARTIFACT_BYTES: int = _SHAPE["artifact_bytes"]
"""How large each of them is."""

BLOB_BYTES: int = _SHAPE["blob_bytes"]
"""How large one more is, of which nobody reads more than its size; 0 for none."""

IS_BLOB_LAST: bool = _SHAPE["is_blob_last"]
"""Whether the last node saves that one, and not the first."""

NAMES = [*(["blob"] if BLOB_BYTES else []), *(f"artifact_{i}" for i in range(ARTIFACTS))]
"""Names of all of them."""
