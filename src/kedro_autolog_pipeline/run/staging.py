"""Name the directory for all that packaging a run needs on this machine."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import attrs

STAGING_DIRECTORY = ".autolog_pipeline"

_EARLY_DIRECTORY = "early"


@attrs.frozen
class StagingDirectory:
    """Where one MLflow run is packaged; it goes when all of its models are READY, and is kept for a retry otherwise.

    Attributes:
        path: The directory.
    """

    path: Path

    @classmethod
    def of(cls, project_path: Path, run_id: str) -> StagingDirectory:
        """Name the directory of a run; nothing is made."""
        return cls(project_path / STAGING_DIRECTORY / run_id)

    @property
    def record(self) -> Path:
        """The file with what must be known of the run."""
        return self.path / "run.json"

    @property
    def journal(self) -> Path:
        """The file to which each save of the run adds a line."""
        return self.path / "saves.jsonl"

    @property
    def in_progress(self) -> Path:
        """The directory of what is being saved, by any run of the project."""
        return self.path.parent / "saving"

    @property
    def early(self) -> Path:
        """Where files are copied to while the run trains."""
        return self.path / _EARLY_DIRECTORY

    @property
    def models(self) -> list[Path]:
        """Directories of models that were not packaged, the newest first."""
        found = self.path.iterdir() if self.path.exists() else ()
        models = [path for path in found if path.is_dir() and path != self.early]
        return sorted(models, key=lambda path: path.stat().st_mtime_ns, reverse=True)

    def make(self) -> None:
        """Make the directory, for its owner alone and unseen by git."""
        self.path.mkdir(parents=True, exist_ok=True)
        # For their owner alone: what is copied here may be for nobody else's eyes.
        self.path.parent.chmod(stat.S_IRWXU)
        self.path.chmod(stat.S_IRWXU)
        (self.path.parent / ".gitignore").write_text("*\n", encoding="utf-8")

    def model(self, model_id: str) -> Path:
        """Name the directory where one logged model is put together."""
        return self.path / model_id

    def remove(self) -> None:
        """Remove it with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
