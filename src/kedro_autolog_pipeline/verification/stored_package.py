"""Check the package of a model that a tracking server holds: from the tag over the manifest to each file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs

from kedro_autolog_pipeline.errors import ModelLoadError
from kedro_autolog_pipeline.serving.integrity import VERIFY_VARIABLE, find_faults, manifest_digest
from kedro_autolog_pipeline.serving.manifest import read_manifest

# What it prints is the last line of its standard output, whatever the model prints before it.
_PROGRAM = """
import sys
import mlflow.pyfunc
from mlflow.models import Model

mlflow.tracing.disable()
model = mlflow.pyfunc.load_model(sys.argv[1], suppress_warnings=True)
has_example = model.metadata.saved_input_example_info is not None
if has_example:
    model.predict(model.metadata.load_input_example(sys.argv[1]))
print()
print("answered" if has_example else "loaded")
"""

_ANSWERED = "answered"


@attrs.frozen
class Check:
    """What a check of a package has found.

    Attributes:
        faults: What is wrong, a sentence each; empty when nothing is.
        files: How many files were compared with the manifest.
        has_answered: Whether a fresh process has answered the input example; False where there is none, and where
            something was wrong before.
    """

    faults: tuple[str, ...]
    files: int
    has_answered: bool


def check_package(package: Path, digests: Mapping[str, str | None], timeout: float) -> Check:
    """Check a package; nothing of it is run unless its files are those that were packaged.

    Args:
        package: Its directory.
        digests: SHA-256 of its manifest, by where it was noted; None where nothing is noted.
        timeout: How long a fresh process may take to load it and to answer, in seconds.
    """
    faults = tuple(_tag_faults(package, digests))
    if faults:
        return Check(faults, 0, has_answered=False)
    try:
        manifest = read_manifest(package)
        faults = tuple(f"{fault[0].upper()}{fault[1:]}." for fault in find_faults(package, manifest, reads=True))
    except ModelLoadError as error:
        return Check((error.cause,), 0, has_answered=False)
    if faults:
        return Check(faults, len(manifest.files), has_answered=False)
    fault, has_answered = _ask(package, timeout)
    return Check(() if fault is None else (fault,), len(manifest.files), has_answered)


def _tag_faults(package: Path, digests: Mapping[str, str | None]) -> Iterator[str]:
    try:
        found = manifest_digest(package)
    except OSError as error:
        yield f"Its manifest.json cannot be read ({error.strerror})."
        return
    for place, noted in digests.items():
        if noted is None:
            yield f"No tag of {place} has the digest of its manifest: it was packaged by an older version, or changed."
        elif noted != found:
            yield f"Its manifest.json is not the one that the tag of {place} has the digest of."


def _ask(package: Path, timeout: float) -> tuple[str | None, bool]:
    """Have a fresh process load a package, and answer its input example when it has one.

    Returns:
        What went wrong, None when nothing did; and whether there was an example.
    """
    with TemporaryDirectory(prefix="kedro-autolog-pipeline-") as directory:
        store = f"sqlite:///{Path(directory, 'mlflow.db').as_posix()}"
        environment = {
            **os.environ,
            VERIFY_VARIABLE: "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "MLFLOW_TRACKING_URI": store,
            "MLFLOW_REGISTRY_URI": store,
        }
        try:
            done = subprocess.run(  # noqa: S603 - it is our own program
                [sys.executable, "-c", _PROGRAM, str(package.resolve())],
                cwd=directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=timeout,
            )
        except subprocess.TimeoutExpired:
            return f"A fresh process has not loaded it and answered within {timeout:g} s.", False
    if done.returncode != 0:
        last = next(iter(done.stderr.strip().splitlines()[-1:]), f"exit code {done.returncode}")
        return f"A fresh process cannot load it and answer its input example: {last}", False
    return None, done.stdout.splitlines()[-1] == _ANSWERED
