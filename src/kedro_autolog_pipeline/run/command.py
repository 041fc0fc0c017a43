"""Write down the command that starts a Kedro run, from what Kedro says of the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# By what Kedro calls them: some names are another in its older versions.
_LISTS = {
    "tags": "--tags",
    "from_nodes": "--from-nodes",
    "to_nodes": "--to-nodes",
    "node_names": "--nodes",
    "from_inputs": "--from-inputs",
    "to_outputs": "--to-outputs",
    "namespaces": "--namespaces",
}


def run_options(run_params: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the options that say what is run, without the parameters, which may be secrets.

    Args:
        run_params: What Kedro gives to ``before_pipeline_run``.
    """
    options: list[str] = []
    if run_params.get("pipeline_names"):
        options += ["--pipelines", ",".join(run_params["pipeline_names"])]
    elif run_params.get("pipeline_name"):
        options += ["--pipeline", run_params["pipeline_name"]]
    if run_params.get("env"):
        options += ["--env", run_params["env"]]
    for name, option in _LISTS.items():
        if run_params.get(name):
            options += [option, ",".join(run_params[name])]
    if run_params.get("load_versions"):
        versions = run_params["load_versions"]
        options += ["--load-versions", ",".join(f"{name}:{version}" for name, version in versions.items())]
    return (*options, "--only-missing-outputs") if run_params.get("only_missing_outputs") else tuple(options)
