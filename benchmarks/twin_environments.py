"""The environment of this process comes in; the same with us and without us, and nothing else changed, goes out."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import attrs

import kedro_autolog_pipeline

_OURS = "kedro_autolog_pipeline"


@attrs.frozen
class Twins:
    """Two environments that share all files.

    Attributes:
        with_us: The interpreter of the one in which this project is installed.
        without_us: The interpreter of the other one.
    """

    with_us: Path
    without_us: Path


def make_twins(directory: Path) -> Twins:
    """Make two environments of links to what is installed here, one of them with us as an index installs us.

    Args:
        directory: An empty one, for as long as they are used.
    """
    twins = Twins(*(_environment(directory / name) for name in ("with", "without")))
    package = Path(kedro_autolog_pipeline.__file__).parent
    (editable,) = _installed().glob(f"{_OURS}-*.dist-info")
    libraries = _libraries(twins.with_us)
    (libraries / package.name).symlink_to(package)
    # What is editable adds a directory to all that Python searches, and its code to all models.
    metadata = libraries / editable.name
    metadata.mkdir()
    for name in ("METADATA", "entry_points.txt"):
        (metadata / name).symlink_to(editable / name)
    files = [f"{package.name}/{file.relative_to(package).as_posix()}" for file in package.rglob("*.py")]
    (metadata / "RECORD").write_text("".join(f"{file},,\n" for file in files), encoding="utf-8")
    return twins


def _environment(directory: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", directory], check=True)
    python = directory / "bin" / "python"
    libraries = _libraries(python)
    for source in _installed().iterdir():
        # A finder or a path of an editable installation leads to us, too.
        if _OURS not in source.name and source.suffix != ".pth":
            (libraries / source.name).symlink_to(source)
    return python


def _libraries(python: Path) -> Path:
    return python.parents[1] / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"


def _installed() -> Path:
    return Path(sysconfig.get_path("purelib"))
