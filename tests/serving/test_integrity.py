"""Tests of serving.integrity: a real package, changed in every way."""

from __future__ import annotations

import json
import py_compile
import shutil
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from kedro.pipeline import Pipeline, node

from kedro_autolog_pipeline.errors import ModelLoadError
from kedro_autolog_pipeline.package.sealing import seal_package
from kedro_autolog_pipeline.serving.integrity import VERIFY_VARIABLE, check_files, find_faults
from kedro_autolog_pipeline.serving.manifest import MANIFEST_FILE, Manifest, read_manifest, write_manifest
from kedro_autolog_pipeline.serving.model import PackagedPipelineModel
from model_package import write_model_package

PACKAGES = Path(__file__).parent.parent / "data" / "packages"
SOURCE = "code/shop_of_format_2/inference.py"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Give a package of the newest format, without what Python has compiled of it."""
    return Path(shutil.copytree(PACKAGES / "format_2", tmp_path / "m", ignore=shutil.ignore_patterns("__pycache__")))


def faults(package: Path, *, reads: bool = True) -> list[str]:
    """Return what is wrong with a package."""
    return list(find_faults(package, read_manifest(package), reads=reads))


def edit(package: Path, change: Callable[[Manifest], Manifest]) -> None:
    """Change what a package says of itself."""
    write_manifest(change(read_manifest(package)), package)


def test_nothing_is_wrong_with_what_was_sealed(package: Path) -> None:
    """Neither when it is read nor where a link leads to it, nor with what MLflow adds to a download."""
    (package.parent / "link").symlink_to(package)
    (package / "registered_model_meta").write_text("model_name: prices\n")

    assert [] == faults(package)
    assert [] == faults(package.parent / "link")


def test_a_package_of_the_first_format_lists_no_files(tmp_path: Path) -> None:
    """Nothing is known of its files."""
    package = Path(shutil.copytree(PACKAGES / "format_1", tmp_path / "package"))
    (package / "more").write_text("")

    assert [] == faults(package)


def test_a_list_that_was_taken_out_is_missed(package: Path) -> None:
    """A package of the second format has files."""
    edit(package, lambda manifest: attrs.evolve(manifest, files={}))

    assert ["manifest.json lists no files"] == faults(package, reads=False)


def test_a_file_that_is_not_listed_is_found_when_files_are_read(package: Path) -> None:
    """Whatever it is, and wherever: a module beside those that were packaged would be imported before others."""
    (package / "code" / "pandas.py").write_text("")
    (package / "code" / "more").symlink_to(package.parent)

    assert ["'code/more' is not in manifest.json", "'code/pandas.py' is not in manifest.json"] == faults(package)
    assert [] == faults(package, reads=False)


@pytest.mark.parametrize("optimize", [0, 1, 2])
def test_what_python_compiles_is_of_no_harm(package: Path, optimize: int) -> None:
    """Loading a package where it is writes such files into it."""
    py_compile.compile(str(package / SOURCE), optimize=optimize, doraise=True)

    assert [] == faults(package)


def test_what_another_python_has_compiled_is_of_no_use(package: Path) -> None:
    """This one compiles the source again."""
    compiled = Path(str(py_compile.compile(str(package / SOURCE), doraise=True)))
    compiled.write_bytes(b"\0\0\0\0" + compiled.read_bytes()[4:])

    assert [] == faults(package)


@pytest.mark.parametrize("is_cut_off", [False, True])
def test_what_was_compiled_of_something_else_is_found(package: Path, *, is_cut_off: bool) -> None:
    """Python would run it in the place of the source."""
    compiled = Path(str(py_compile.compile(str(package / SOURCE), doraise=True)))
    if is_cut_off:
        compiled.write_bytes(compiled.read_bytes()[:20])
    else:
        other = package.parent / "other.py"
        other.write_text("x = 2")
        py_compile.compile(str(other), cfile=str(compiled), doraise=True)

    assert [f"'{compiled.relative_to(package).as_posix()}' is not in manifest.json"] == faults(package)


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "code/../../outside", "C:\\Windows", "a\0b"])
def test_a_path_that_leads_out_is_refused(package: Path, path: str) -> None:
    """Of an artifact, of a pickle, of a file: whatever is there is not looked at."""

    def all_of_it(manifest: Manifest) -> Manifest:
        files = {path: next(iter(manifest.files.values()))}
        artifacts = [attrs.evolve(manifest.artifacts[0], path=f"{path}x")]
        nodes = [attrs.evolve(manifest.nodes[0], function=f"{path}y", is_pickled=True)]
        return attrs.evolve(manifest, files=files, artifacts=artifacts, nodes=nodes)

    edit(package, all_of_it)

    assert [f"'{path}{end}' leads out of the package" for end in ("y", "x", "")] == faults(package, reads=False)


def test_a_path_of_the_first_format_that_leads_out_is_refused(tmp_path: Path) -> None:
    """What it lists is looked at, for no format had such paths."""
    package = Path(shutil.copytree(PACKAGES / "format_1", tmp_path / "package"))
    (package / "artifacts" / "model").rename(tmp_path / "model")
    (package / "artifacts" / "model").symlink_to(tmp_path / "model")

    with pytest.raises(ModelLoadError, match=r"'artifacts/model/model\.pkl' leads out of the package"):
        PackagedPipelineModel.from_package(package).load_context(None)  # type: ignore[arg-type]  # it needs none


def test_a_link_that_stays_inside_is_followed(package: Path) -> None:
    """As where a volume is mounted whose files are links to the newest of its versions."""
    artifact = package / "artifacts" / "scaler" / "scaler.json"
    artifact.rename(package / "artifacts" / "..data")
    artifact.symlink_to(Path("..", "..data"))

    assert [] == faults(package, reads=False)


def test_a_directory_in_the_place_of_a_file_is_found(package: Path) -> None:
    """It has a size too."""
    (package / "requirements.txt").unlink()
    (package / "requirements.txt").mkdir()

    assert ["'requirements.txt' is no file"] == faults(package)


def test_the_error_counts_what_it_does_not_show(package: Path) -> None:
    """Three faults are shown, and what to do."""
    for name in ("MLmodel", "conda.yaml", "model.py", "python_env.yaml"):
        (package / name).unlink()

    with pytest.raises(ModelLoadError) as raised:
        check_files(package, read_manifest(package))

    assert str(raised.value) == (
        f"Cannot load the model in '{package}': its files are not those that were packaged: 'MLmodel' is missing; "
        "'conda.yaml' is missing; 'model.py' is missing; and 1 more. Fetch its files again, or log the model again."
    )


@pytest.mark.parametrize(("setting", "is_refused"), [(None, False), ("0", False), ("1", True)])
def test_bytes_are_compared_where_the_environment_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str | None, *, is_refused: bool
) -> None:
    """Without it, an artifact of the same size is loaded as it is."""
    package = write_model_package(
        tmp_path / "package", Pipeline([node(max, ["x", "floor"], "y")]), artifacts={"floor": 12}
    )
    (package / "floor.json").write_text("99")
    monkeypatch.delenv(VERIFY_VARIABLE, raising=False)
    if setting is not None:
        monkeypatch.setenv(VERIFY_VARIABLE, setting)
    model = PackagedPipelineModel.from_package(package)

    if is_refused:
        with pytest.raises(ModelLoadError, match=r"'floor\.json' has other bytes than were packaged"):
            model.load_context(None)  # type: ignore[arg-type]  # it needs none
    else:
        model.load_context(None)  # type: ignore[arg-type]  # it needs none
        assert 99 == model.predict(None, 5)  # type: ignore[arg-type]  # nor here


def test_a_file_that_is_not_what_it_was_is_found_until_the_package_is_sealed_again(package: Path) -> None:
    """Whoever edits a package by hand seals it again."""
    (package / "requirements.txt").write_text("kedro\n")
    assert ["'requirements.txt' has 6 bytes, and 52 were packaged"] == faults(package, reads=False)

    seal_package(package)

    assert [] == faults(package)
    assert 6 == json.loads((package / MANIFEST_FILE).read_text())["files"]["requirements.txt"]["size"]
