"""What is said of a stored model whose files were changed, one at a time, by `kedro autolog verify` and on loading."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient

from kedro_autolog_pipeline.serving.integrity import VERIFY_VARIABLE, manifest_digest
from kedro_autolog_pipeline.tracking.tags import MANIFEST_TAG
from kedro_autolog_pipeline.verification.stored_package import check_package
from kedro_project import MODEL, KedroProject
from mlflow_store import models

PAGE = Path(__file__).parents[2] / "docs" / "security.md"

INFERENCE = """
from kedro.pipeline import Pipeline, node

def create_pipeline(**kwargs):
    def predict(instances, scaler, model):
        return ((instances["x"] - scaler["mean"]) * model["slope"]).to_frame("prediction")

    return Pipeline([node(predict, ["instances", "scaler", "model"], "predictions", name="predict")])
"""


def flip_a_bit(file: Path) -> None:
    """Change one bit in the middle of a file."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def replace(file: Path) -> None:
    """Put other bytes in the place of a file, as many."""
    file.write_bytes(b"#" * file.stat().st_size)


def truncate(file: Path) -> None:
    """Cut off the second half of a file."""
    os.truncate(file, file.stat().st_size // 2)


def link_out(file: Path) -> None:
    """Put a link to the same bytes elsewhere in the place of a file."""
    target = next(parent for parent in file.parents if parent.name == "package").parent / "outside"
    shutil.move(file, target)
    file.symlink_to(target)


CHANGES: dict[str, Callable[[Path], None]] = {
    "one bit flipped": flip_a_bit,
    "other bytes, as many": replace,
    "cut off": truncate,
    "removed": Path.unlink,
    "a link out of the package": link_out,
}

CHANGES_OF_BYTES = {"one bit flipped", "other bytes, as many", "cut off"}


@pytest.fixture
def packaged(project: KedroProject) -> KedroProject:
    """Give a project whose model has a pickled function, an example, and a registered version with an alias."""
    project.write_pipeline("inference", INFERENCE)
    model = {**MODEL, "input_example": True, "registered_model_name": "prices", "alias": "champion"}
    project.write_models({"prices": model})
    project.run()
    return project


def package_of(client: MlflowClient) -> tuple[Path, str]:
    """Return where the only model's files are, and its id."""
    (model,) = models(client)
    return Path(model.artifact_location.removeprefix("file://")), model.model_id


def is_loaded(package: Path) -> bool:
    """Tell whether MLflow loads a package; what it raises when it reads a broken file of its own is of any kind."""
    try:
        mlflow.pyfunc.load_model(str(package), suppress_warnings=True)
    except Exception:  # noqa: BLE001 - as above
        return False
    return True


def table(rows: dict[str, dict[str, set[tuple[str, str]]]]) -> str:
    """Write what was found in the form of the page."""
    lines = [f"| file | {' | '.join(CHANGES)} |", "|---" * (len(CHANGES) + 1) + "|"]
    for kind, found in sorted(rows.items()):
        cells = [" / ".join(*found[change]) if len(found[change]) == 1 else f"{found[change]}" for change in CHANGES]
        lines.append(f"| `{kind}` | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def test_every_file_that_is_changed_is_found(
    packaged: KedroProject, client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page shows what verify says, what load_model says, and that load_model asked to verify refuses all of it."""
    stored, _ = package_of(client)
    digests = {"the logged model": manifest_digest(stored)}
    rows: dict[str, dict[str, set[tuple[str, str]]]] = defaultdict(lambda: defaultdict(set))
    files = sorted(file.relative_to(stored) for file in stored.rglob("*") if file.is_file())
    for number, relative in enumerate(files):
        for change, apply in CHANGES.items():
            if not (stored / relative).stat().st_size and change in CHANGES_OF_BYTES:
                continue
            package = tmp_path / f"{number} {change}" / "package"
            shutil.copytree(stored, package)
            apply(package / relative)
            kind = relative.parts[0] + ("/" if len(relative.parts) > 1 else "")
            check = check_package(package, digests, timeout=0.001)
            assert check.faults != ()
            assert not any("A fresh process" in fault for fault in check.faults)
            monkeypatch.setenv(VERIFY_VARIABLE, "1")
            is_manifest = relative == Path("manifest.json")
            assert is_manifest or not is_loaded(package), (relative, change)
            monkeypatch.delenv(VERIFY_VARIABLE)
            if change in {"one bit flipped", "other bytes, as many"}:
                # What becomes of it depends on the bytes.
                said = "not looked at"
            else:
                said = "as it is" if is_loaded(package) else "refused"
            rows[kind][change].add(("refused", said))
            shutil.rmtree(package.parent)

    assert table(rows) in PAGE.read_text(encoding="utf-8"), table(rows)


@pytest.mark.parametrize("as_module", [False, True])
def test_a_model_that_is_as_packaged_answers_its_example(
    packaged: KedroProject, client: MlflowClient, tmp_path: Path, *, as_module: bool
) -> None:
    """By its id, its version or its alias, in the project or without it; bytecode that loading left does no harm."""
    package, model_id = package_of(client)
    version = client.get_model_version("prices", "1")
    (model,) = models(client)
    assert {manifest_digest(package)} == {model.tags[MANIFEST_TAG], version.tags[MANIFEST_TAG]}
    mlflow.pyfunc.load_model(str(package), suppress_warnings=True).predict(pd.DataFrame({"x": [1]}))
    uri = "models:/prices@champion" if as_module else f"models:/{model_id}"

    done = verify(packaged, tmp_path, uri, "--json", as_module=as_module)

    files = len(json.loads((package / "manifest.json").read_text())["files"])
    assert {"uri": uri, "faults": [], "files": files, "has_answered": True} == json.loads(done.stdout.splitlines()[-1])
    assert 0 == done.returncode


def test_a_model_that_was_changed_is_named_with_its_fault(
    packaged: KedroProject, client: MlflowClient, tmp_path: Path
) -> None:
    """The exit code is 1; what is wrong is a line each, and nothing of the package has run."""
    package, _ = package_of(client)
    (package / "code" / "pandas.py").write_text(f"open({str(tmp_path / 'has run')!r}, 'w')")
    (package / "model.py").unlink()

    done = verify(packaged, tmp_path, "models:/prices/1", as_module=True)

    assert (
        "'models:/prices/1' must not be used:\n"
        "  - 'model.py' is missing.\n"
        "  - 'code/pandas.py' is not in manifest.json.\n"
    ) == done.stderr[done.stderr.index("'models:") :]
    assert 1 == done.returncode
    assert not (tmp_path / "has run").exists()


def test_a_model_that_cannot_be_found_is_a_fault(packaged: KedroProject, tmp_path: Path) -> None:
    """The document of a program has the fault too."""
    done = verify(packaged, tmp_path, "models:/prices", "--json", as_module=True)

    assert (
        "Cannot find 'models:/prices': it is not the URI of one logged model or registered version. "
        "Name it as models:/<model id>, models:/<name>/<version> or models:/<name>@<alias>."
    ) == json.loads(done.stdout.splitlines()[-1])["faults"][0]
    assert 1 == done.returncode


def verify(
    project: KedroProject, directory: Path, *arguments: str, as_module: bool
) -> subprocess.CompletedProcess[str]:
    """Run the command, in the project or in an empty directory."""
    if not as_module:
        return project.command("autolog", "verify", *arguments)
    (directory / "empty").mkdir()
    server = f"sqlite:///{project.path / 'mlflow.db'}"
    return subprocess.run(
        [sys.executable, "-m", "kedro_autolog_pipeline", "verify", *arguments, "--tracking-uri", server],
        cwd=directory / "empty",
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
