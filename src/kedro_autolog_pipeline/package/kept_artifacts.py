"""Note which artifacts are staged, and find those of a packaging that failed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import attrs
import cattrs
from fsspec.implementations.local import LocalFileSystem

from kedro_autolog_pipeline.datasets.copies import copy_data
from kedro_autolog_pipeline.package.artifacts import Artifact
from kedro_autolog_pipeline.progress import progress, size_of
from kedro_autolog_pipeline.serving.manifest import ArtifactEntry
from kedro_autolog_pipeline.serving.stored_dataset import StoredDataset

_LIST_FILE = "artifacts.jsonl"

_CONVERTER = cattrs.Converter()


@attrs.frozen
class KeptArtifact:
    """An artifact of a packaging that failed.

    Attributes:
        entry: What the manifest would have said of it.
        file: Its file or directory.
    """

    entry: ArtifactEntry
    file: Path

    def stage(self, staging: Path) -> Artifact:
        """Stage it once more.

        Args:
            staging: Where it goes, under the path that it will have in the package.

        Raises:
            ValueError: When it is no longer what it was.
        """
        target = staging / self.entry.path
        target.parent.mkdir(parents=True)
        with progress(f"Copying '{self.entry.name}'", self.entry.size, lambda: size_of(target)):
            measure = copy_data(LocalFileSystem(), str(self.file), target)
        if measure.sha256 != self.entry.sha256:
            raise ValueError(f"'{self.file}' was changed since it was staged. Remove it, and train again.")
        dataset = StoredDataset(self.entry.dataset, self.entry.argument, self.entry.snapshot)
        return Artifact(self.entry, target, partial(dataset.load, self.entry.name, self.file))


@contextmanager
def artifact_list(staging: Path) -> Iterator[Callable[[Artifact], None]]:
    """Yield a function that notes a staged artifact at once, for this process may not get any further."""
    staging.mkdir(parents=True, exist_ok=True)
    # Each line is written when it ends.
    with (staging / _LIST_FILE).open("a", encoding="utf-8", buffering=1) as file:

        def note(artifact: Artifact) -> None:
            file.write(f"{json.dumps(_CONVERTER.unstructure(artifact.entry))}\n")

        yield note


def find_kept(directories: Iterable[Path]) -> dict[str, KeptArtifact]:
    """Find what was kept, by dataset name.

    Args:
        directories: Where models were put together; what the first ones hold counts.
    """
    found: dict[str, KeptArtifact] = {}
    for staging in directories:
        for entry in _listed(staging):
            # They are moved into the package when all of it is known.
            for file in (staging / "package" / entry.path, staging / entry.path):
                if file.exists():
                    found.setdefault(entry.name, KeptArtifact(entry, file))
    return found


def _listed(staging: Path) -> list[ArtifactEntry]:
    file = staging / _LIST_FILE
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True) if file.exists() else []
    # The process may have ended in the middle of the last line.
    whole = [line for line in lines if line.endswith("\n")]
    return [_CONVERTER.structure(json.loads(line), ArtifactEntry) for line in whole]
