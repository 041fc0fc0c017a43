"""Note what a run saves, whenever it does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from uuid import uuid4

import attrs
from kedro.io import AbstractDataset, DataCatalog

from kedro_autolog_pipeline.datasets.locations import Location, find_location, saved_version, unwrapped
from kedro_autolog_pipeline.loggers import get_logger
from kedro_autolog_pipeline.run.early_copies import EarlyCopies
from kedro_autolog_pipeline.run.journal import Journal
from kedro_autolog_pipeline.run.overlaps import SavesInProgress
from kedro_autolog_pipeline.run.saved_state import SavedState, how_changed, look
from kedro_autolog_pipeline.run.writers import WriterNotes
from kedro_autolog_pipeline.serving.manifest import WritingRun

_LOGGER = get_logger(__name__)

# A generator node saves in chunks, of which each makes the look at a directory longer: when these seconds are used up,
# looks may take a hundredth of the time.
_FREE_LOOKS = 0.5
_LOOK_SHARE = 0.01


@attrs.frozen
class SaveNotes:
    """Where the saves of one run are noted.

    Attributes:
        journal: What the run has saved.
        in_progress: The directory of what is being saved, by any run of the project.
        early: What may copy it at once.
        writers: Where other runs find which run has saved it.
        writing: The run, as they are told of it.
        run: What tells the run from others.
    """

    journal: Journal
    in_progress: Path
    early: EarlyCopies
    writers: WriterNotes
    writing: WritingRun
    run: str = attrs.field(factory=lambda: uuid4().hex)


@attrs.define(eq=False)
class SaveTap:
    """Notes what one dataset's data are each time that a run has saved it.

    It goes along when ParallelRunner sends its dataset to another process.

    Attributes:
        dataset: The dataset in the run's catalog, which stays what it is.
        name: Its name there.
        notes: Where to note it.
    """

    dataset: AbstractDataset[Any, Any]
    name: str
    notes: SaveNotes
    _shadowed: Callable[[Any], None] | None = None
    _in_progress: SavesInProgress | None = None
    _last: SavedState | None = None
    _is_mixed: bool = False
    _seconds_spent: float = 0.0
    _next_look: float = 0.0
    _is_due: bool = False

    def attach(self) -> None:
        """Answer for the dataset from here on when it is saved."""
        # Whoever saves goes through this method; what it does is decided for this one object.
        own = vars(self.dataset)
        self._shadowed = own.get("save")
        own["save"] = self.save

    def save(self, data: Any) -> None:
        """Stand in for the dataset's own ``save``.

        Raises:
            Exception: Whatever that raises.
        """
        is_looking = time.monotonic() >= self._next_look
        # What is not looked at after each chunk counts as one long save.
        if is_looking or not self._is_due:
            self._begin(is_looking=is_looking)
        try:
            if self._shadowed is None:
                type(self.dataset).save(self.dataset, data)
            else:
                self._shadowed(data)
        except BaseException:
            self._end()
            raise
        if is_looking:
            self._note()
        elif not self._is_due:
            # What was noted after an earlier chunk is no longer true.
            self._is_due = True
            self._last = None
            self._write(self._state(is_looking=False))

    def detach(self) -> None:
        """Put the dataset's own ``save`` back; a second time does nothing.

        Where there were too many chunks to look at each, it looks once more.
        """
        own = vars(self.dataset)
        if own.get("save") != self.save:
            return
        del own["save"]
        if self._shadowed is not None:
            own["save"] = self._shadowed
        if self._is_due:
            self._note()
        try:
            in_progress = self._saves_in_progress()
        except Exception:
            _LOGGER.debug("Cannot see where '%s' was saved.", self.name, exc_info=True)
            return
        # Another process may have saved it.
        if in_progress is not None:
            in_progress.forget()

    def _begin(self, *, is_looking: bool) -> None:
        started = time.monotonic()
        try:
            if is_looking and self._last is not None:
                location, _ = self._located()
                # Another run has saved between two chunks of this one.
                self._is_mixed |= location is not None and how_changed(self._last, location.filesystem) is not None
            self._in_progress = self._saves_in_progress()
            if self._in_progress is not None:
                self._in_progress.begin()
        except Exception:
            # Whatever a file system raises, the training goes on.
            _LOGGER.debug("Cannot see what '%s' is before it is saved.", self.name, exc_info=True)
        self._seconds_spent += time.monotonic() - started

    def _end(self) -> None:
        try:
            if self._in_progress is not None:
                self._is_mixed |= self._in_progress.end()
        except OSError:
            _LOGGER.debug("Cannot see who else has saved '%s'.", self.name, exc_info=True)

    def _note(self) -> None:
        started = time.monotonic()
        self._is_due = False
        self._end()
        self._last = state = self._state(is_looking=True)
        self._write(state)
        if state.path is not None and state.file is not None:
            self.notes.early.begin(state.path, state.file)
        seconds = time.monotonic() - started
        self._seconds_spent += seconds
        if self._seconds_spent > _FREE_LOOKS:
            self._next_look = started + seconds / _LOOK_SHARE

    def _saves_in_progress(self) -> SavesInProgress | None:
        if self._in_progress is not None:
            return self._in_progress
        location, _ = self._located()
        if location is None:
            return None
        return SavesInProgress.at(location.path, self.notes.in_progress, self.notes.run)

    def _located(self) -> tuple[Location | None, str | None]:
        inner = unwrapped(self.dataset)
        version = saved_version(inner)
        return find_location(inner, version), version

    def _state(self, *, is_looking: bool) -> SavedState:
        path = version = files = None
        try:
            location, version = self._located()
            if location is not None:
                path = location.path
                files = look(location) if is_looking else None
        except Exception:
            # Whatever a file system raises, the data are saved, and the training goes on.
            _LOGGER.debug("Cannot see what '%s' has saved.", self.name, exc_info=True)
        return SavedState(path, version, files, self._is_mixed)

    def _write(self, state: SavedState) -> None:
        try:
            self.notes.journal.note_save(self.name, state)
            self.notes.writers.note(state, self.notes.writing)
        except OSError as error:
            _LOGGER.warning(
                "'%s' is saved, but that cannot be noted, so the model cannot be packaged (%s).", self.name, error
            )


def tap_saves(names: Iterable[str], catalog: DataCatalog, notes: SaveNotes) -> list[SaveTap]:
    """Have datasets noted when they are saved.

    Args:
        names: Their names, as the run's nodes write them.
        catalog: The run's own catalog, before its first node.
        notes: Where to note them.

    Returns:
        The taps, to be detached in this order when the run has ended.
    """
    taps: list[SaveTap] = []
    for name in sorted(names):
        # The runner, too, has the catalog make what it does not know.
        dataset = catalog.get(name, fallback_to_runtime_pattern=True)
        if dataset is not None:
            taps.append(SaveTap(dataset, name, notes))
            taps[-1].attach()
    # Two names may be one object: what came last shadows the others.
    return taps[::-1]
