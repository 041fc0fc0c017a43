"""What an installer leaves in a directory, written for a test."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_modules(directory: Path, modules: Mapping[str, str]) -> None:
    """Write sources, by their path in a directory."""
    for path, source in modules.items():
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source, encoding="utf-8")


def install(
    site: Path,
    distribution: str,
    modules: Mapping[str, str],
    *,
    version: str = "1.0",
    direct_url: Mapping[str, Any] | None = None,
) -> Path:
    """Write sources and the metadata of a distribution that lists them.

    Returns:
        The directory of the metadata.
    """
    write_modules(site, modules)
    metadata = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
    record = "".join(f"{path},sha256=abc,1\n" for path in modules)
    write_modules(
        metadata,
        {
            "METADATA": f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n\nName: Nobody\n",
            "INSTALLER": "pip\n",
            "RECORD": f"{record}{metadata.name}/RECORD,,\n",
        },
    )
    if direct_url is not None:
        (metadata / "direct_url.json").write_text(json.dumps(direct_url), encoding="utf-8")
    return metadata
