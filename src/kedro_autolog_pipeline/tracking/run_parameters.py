"""Log the parameters of a training."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from kedro_autolog_pipeline.tracking.names import is_plain_path
from kedro_autolog_pipeline.tracking.run import TrackedRun

# The most parameters that one request of MLflow's protocol takes.
_PARAMETERS_PER_REQUEST = 100

_LONGEST_NAME = 250
_DIGEST_LENGTH = 8


def log_parameters(run: TrackedRun, parameters: Mapping[str, Any]) -> None:
    """Log parameters, nested ones under their dotted path; those that the run has already are left as they are.

    Args:
        run: The run.
        parameters: Value by name. One whose path MLflow refuses as a name is logged under the nearest legal one.
    """
    from mlflow.entities import Param

    client = run.store.client()
    known = client.get_run(run.run_id).data.params
    named = _under_legal_names(dict(_flattened(parameters)))
    new = [Param(name, str(value)) for name, value in named.items() if name not in known]
    for start in range(0, len(new), _PARAMETERS_PER_REQUEST):
        client.log_batch(run.run_id, params=new[start : start + _PARAMETERS_PER_REQUEST])


def _flattened(parameters: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in parameters.items():
        if isinstance(value, Mapping) and value:
            yield from _flattened(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _under_legal_names(parameters: Mapping[str, Any]) -> dict[str, Any]:
    legal = {path: legal_name(path) for path in parameters}
    times = Counter(legal.values())
    return {
        name if name == path or times[name] == 1 else _with_digest(name, path): parameters[path]
        for path, name in legal.items()
    }


def legal_name(path: str) -> str:
    """Replace by underscores what MLflow refuses in a name, which it takes for the path of a file."""
    name = re.sub(r"[^\w\-./: ]", "_", path)
    steps = [f"_{step[1:]}" if step in {"", ".", ".."} else step for step in name.split("/")]
    name = "/".join(steps)
    if not is_plain_path(name):
        name = f"_{name[1:]}"
    return name if len(name) <= _LONGEST_NAME else _with_digest(name, path)


def _with_digest(name: str, path: str) -> str:
    """Tell apart the names of parameters whose paths differ only in what MLflow refuses, or far behind."""
    digest = sha256(path.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_LENGTH]
    return f"{name[: _LONGEST_NAME - _DIGEST_LENGTH - 1]}-{digest}"
