"""Export credentials as the environment variables that MLflow reads, for as long as a run needs them."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


class _ExportedCredentials:
    """The environment variables of this process's runs.

    The environment is the whole process's, and a Kedro server has several runs at once: the last one out restores
    what was there before the first one, so that no run uses the credentials of an earlier one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._before: dict[str, str | None] = {}

    def enter(self, credentials: Mapping[str, object]) -> None:
        """Export the credentials of a run."""
        with self._lock:
            self._users += 1
            for name, value in credentials.items():
                self._before.setdefault(name, os.environ.get(name))
                os.environ[name] = str(value)

    @contextmanager
    def exported(self, credentials: Mapping[str, object]) -> Iterator[None]:
        """Export credentials for a while."""
        self.enter(credentials)
        try:
            yield
        finally:
            self.leave()

    def leave(self) -> None:
        """Restore the environment of before the first ``enter``, when the last one leaves."""
        with self._lock:
            self._users -= 1
            if self._users == 0:
                for name, value in self._before.items():
                    if value is None:
                        os.environ.pop(name, None)
                    else:
                        os.environ[name] = value
                self._before.clear()


EXPORTED_CREDENTIALS = _ExportedCredentials()
