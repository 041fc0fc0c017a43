"""The project's settings: Kedro's defaults, and the configuration next to the project."""

from pathlib import Path

# The repository's example configuration, so that what the example documents is what the demo runs.
CONF_SOURCE = str(Path(__file__).resolve().parents[3] / "conf_example")

CONFIG_LOADER_ARGS = {"base_env": "base", "default_run_env": "local"}
