"""Start the fresh processes that prove the models of a run, few at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kedro_autolog_pipeline.verification.verifier import Verifier

AT_ONCE = 2
"""How many processes there are: each holds MLflow in memory, and one is enough to be ready for the next model."""


class Verifiers:
    """The process of each model, started before it is needed.

    Args:
        preload: By model name, the modules that its process imports beside MLflow; in the order of the packaging.
            A model that the user wants no proof of is not there.
    """

    def __init__(self, preload: Mapping[str, Sequence[str]]) -> None:
        self._waiting = dict(preload)
        self._started: dict[str, Verifier] = {}

    def start(self) -> None:
        """Start as many as there may be at once.

        Raises:
            VerificationError: When no process can be started.
        """
        for name in [*self._waiting][: AT_ONCE - len(self._started)]:
            self._start(name)

    def started(self) -> Iterator[tuple[str, Verifier]]:
        """Yield the processes that there are, by model name."""
        yield from self._started.items()

    def get(self, name: str) -> Verifier | None:
        """Return the process of a model, started where it is not; None for one that the user wants no proof of.

        Raises:
            VerificationError: When no process can be started.
        """
        if name in self._waiting:
            self._start(name)
        return self._started.get(name)

    def end(self, name: str) -> None:
        """End the process of a model; a second time does nothing."""
        if name in self._started:
            self._started.pop(name).close()

    def close(self) -> None:
        """End all processes, and start no more; a second time does nothing."""
        self._waiting.clear()
        for name in [*self._started]:
            self.end(name)

    def _start(self, name: str) -> None:
        self._started[name] = Verifier(name, preload=self._waiting[name])
        del self._waiting[name]
