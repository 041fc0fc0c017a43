"""A pipeline, its constants and a sample come in, the names of the constants that a call changes go out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import cloudpickle
from kedro.pipeline import Pipeline

from kedro_autolog_pipeline.serving.executor import Executor
from kedro_autolog_pipeline.serving.inference_pipeline import resolved_step

if TYPE_CHECKING:
    import pickle

_PROTOCOL = 5
"""The pickle protocol that gives the bytes of arrays without copying them."""


def changed_constants(pipeline: Pipeline, constants: Mapping[str, Any], sample: Mapping[str, Any]) -> list[str]:
    """Find the constants that a call changes in place, wherever a node gets at them.

    A node may change what it reads, what another node has put into a new object, or an array of which another node has
    made a view: it is the constant that is compared, before one call and after it.

    Two cases are decided without proof. A constant whose pickle differs although nothing changed it counts as changed,
    which costs a copy per call. One that cannot be pickled counts as unchanged, since it could not be copied either.

    Args:
        pipeline: The pipeline as the project has it.
        constants: Value by dataset name; nobody else may hold them, as the call changes them.
        sample: Request data by dataset name; it stays as it is.

    Returns:
        Names of ``constants``, sorted.

    Raises:
        Exception: Whatever a node raises.
    """
    call = Executor(
        [resolved_step(node) for node in pipeline.nodes],
        constants=constants,
        request=list(sample),
        outputs=sorted(pipeline.outputs()),
    )
    before = {name: _digest(value) for name, value in constants.items()}
    call(sample)
    return sorted(name for name, digest in before.items() if digest is not None and digest != _digest(constants[name]))


class _Sink:
    """A file that keeps of what is written to it no more than the digest."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()

    def write(self, data: bytes | memoryview) -> int:
        self._sha256.update(data)
        return len(data)

    def write_buffer(self, buffer: pickle.PickleBuffer) -> None:
        """Take an array's own bytes; returning nothing says that they need not be in the pickle as well."""
        self._sha256.update(buffer.raw())

    def digest(self) -> bytes:
        return self._sha256.digest()


def _digest(value: Any) -> bytes | None:
    """Digest all that makes up a value, without a second copy of it in memory; None when it cannot be pickled."""
    sink = _Sink()
    try:
        cloudpickle.Pickler(sink, protocol=_PROTOCOL, buffer_callback=sink.write_buffer).dump(value)
    except Exception:  # noqa: BLE001 - a type's own code decides what it raises
        return None
    return sink.digest()
