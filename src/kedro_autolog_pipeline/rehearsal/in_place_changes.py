"""Find what one call of a pipeline changes in place.

The fresh process runs this file by its path: it imports cloudpickle, and nothing of this package.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from typing import Any

import cloudpickle

_PROTOCOL = 5
"""The pickle protocol that gives the bytes of arrays without copying them."""


class InPlaceChanges:
    """The artifacts that nodes load in one call, each compared by its pickle with what it was when it was loaded.

    A value whose pickle differs although nothing changed it counts as changed, which costs a copy for each call of the
    model. One that cannot be pickled counts as unchanged, since it could not be copied either.
    """

    def __init__(self) -> None:
        self._loaded: list[tuple[str, Any, bytes | None]] = []

    def watching(self, name: str, load: Callable[[], Any]) -> Callable[[], Any]:
        """Make a function that loads as ``load`` does, and remembers what it has loaded."""

        def load_and_remember() -> Any:
            value = load()
            self._loaded.append((name, value, digest(value)))
            return value

        return load_and_remember

    def names(self) -> tuple[str, ...]:
        """Return the names of the artifacts that are no longer what they were, sorted."""
        changed = {name for name, value, before in self._loaded if before is not None and before != digest(value)}
        return tuple(sorted(changed))


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

    def result(self) -> bytes:
        return self._sha256.digest()


def digest(value: Any) -> bytes | None:
    """Digest all that makes up a value, without a second copy of it in memory; None when it cannot be pickled."""
    sink = _Sink()
    try:
        cloudpickle.Pickler(sink, protocol=_PROTOCOL, buffer_callback=sink.write_buffer).dump(value)
    except Exception:  # noqa: BLE001 - a type's own code decides what it raises
        return None
    return sink.result()
