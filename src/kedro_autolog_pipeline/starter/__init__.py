"""Offer the demo as a starter: ``kedro new --starter autolog-penguins``."""

from __future__ import annotations

from pathlib import Path

from kedro.framework.cli.starters import KedroStarterSpec

# The build puts the demo's files into the template; in a checkout of the repository there are none.
starters = [KedroStarterSpec("autolog-penguins", template_path=str(Path(__file__).parent / "template"))]
