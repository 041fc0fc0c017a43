"""Note which run has written data, for later runs that package them."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import attrs
import cattrs

from kedro_autolog_pipeline.datasets.locations import Location
from kedro_autolog_pipeline.loggers import get_logger
from kedro_autolog_pipeline.run.saved_state import SavedState, how_changed
from kedro_autolog_pipeline.run.staging import STAGING_DIRECTORY
from kedro_autolog_pipeline.serving.manifest import WritingRun

_LOGGER = get_logger(__name__)


@attrs.frozen
class WriterNotes:
    """The notes of all tracked runs of a project: a small file for each path, of the last one that has written there.

    Attributes:
        directory: Where they are; it need not exist, its parent does.
    """

    directory: Path

    @classmethod
    def of(cls, project_path: Path) -> WriterNotes:
        """Name the directory of a project's notes; nothing is made."""
        return cls(project_path / STAGING_DIRECTORY / "written")

    def note(self, state: SavedState, run: WritingRun) -> None:
        """Note that a run has saved data; does nothing where nobody could look at them, or two runs have saved them.

        Args:
            state: What they are.
            run: The run.

        Raises:
            OSError: When it cannot be written.
        """
        if state.path is None or state.files is None or state.is_mixed:
            return
        self.directory.mkdir(mode=0o700, exist_ok=True)
        file = self._file(state.path, state.version)
        # Runs may note at the same time: each writes a file of its own, and the last one stays as a whole.
        draft = file.with_name(f"{uuid4().hex}.draft")
        draft.write_text(json.dumps({"run": cattrs.unstructure(run), "state": cattrs.unstructure(state)}))
        draft.replace(file)

    def find(self, location: Location, version: str | None) -> WritingRun | None:
        """Find which run has written what is there; None where no run has noted it, or it was changed since.

        Args:
            location: Where the data are.
            version: The version that they are; None for a dataset without versions.
        """
        try:
            noted = json.loads(self._file(location.path, version).read_text())
            state = cattrs.structure(noted["state"], SavedState)
            if state.path != location.path or how_changed(state, location.filesystem) is not None:
                return None
            return cattrs.structure(noted["run"], WritingRun)
        except Exception:
            # Whatever a file system raises, and whatever somebody has written there: it is not known.
            _LOGGER.debug("Cannot see which run has written '%s'.", location.path, exc_info=True)
            return None

    def _file(self, path: str, version: str | None) -> Path:
        # Of the versions of a dataset, the last one is enough to know.
        place = path if version is None else path.rpartition(f"/{version}/")[0]
        return self.directory / sha256(place.encode("utf-8", "surrogatepass")).hexdigest()
