"""The demo comes in; its model as we package it, and the same written by hand, go out."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import attrs
import pandas as pd

from benchmarks.surroundings import PYTHON, ROOT, environment

PEER = "by hand"

PENGUIN = {
    "island": "Torgersen",
    "bill_length_mm": 38.6,
    "bill_depth_mm": 18.9,
    "flipper_length_mm": 188.0,
    "body_mass_g": 3725.0,
    "sex": "male",
}


@attrs.frozen
class DemoModels:
    """Two directories that MLflow can load.

    Attributes:
        ours: As `kedro run` has packaged it.
        theirs: As somebody would have written it by hand.
    """

    ours: Path
    theirs: Path


def request() -> pd.DataFrame:
    """Give one penguin to be named."""
    return pd.DataFrame([PENGUIN])


def make_demo_models(directory: Path) -> DemoModels:
    """Train the demo in a copy of it, fetch its model, and save one by hand with the same artifacts.

    Args:
        directory: An empty one, for as long as the models are used.

    Raises:
        ChildProcessError: When the demo cannot be trained.
        ValueError: When the two models do not give the same answer.
    """
    import mlflow

    for name in ("demo", "conf_example"):
        shutil.copytree(ROOT / name, directory / name)
    demo = directory / "demo"
    trained = subprocess.run(
        [PYTHON, "-m", "kedro", "run"], cwd=demo, env=environment(), capture_output=True, text=True, check=False
    )
    if trained.returncode:
        msg = f"Cannot train the demo: {trained.stderr}"
        raise ChildProcessError(msg)
    mlflow.set_tracking_uri(f"sqlite:///{demo / 'mlflow.db'}")
    ours = Path(
        mlflow.artifacts.download_artifacts("models:/penguin_species@champion", dst_path=str(directory / "ours"))
    )
    theirs = directory / "by_hand"
    packaged = mlflow.models.Model.load(str(ours))
    manifest = json.loads((ours / "manifest.json").read_text(encoding="utf-8"))
    code = demo / "src"
    # MLflow runs what it saves.
    sys.path.insert(0, str(code))
    try:
        mlflow.pyfunc.save_model(
            path=str(theirs),
            python_model=str(Path(__file__).with_name("hand_written.py")),
            artifacts={entry["name"]: str(ours / entry["path"]) for entry in manifest["artifacts"]},
            code_paths=[str(code / "penguins")],
            signature=packaged.signature,
            pip_requirements=str(ours / "requirements.txt"),
        )
    finally:
        sys.path.remove(str(code))
    answers = [mlflow.pyfunc.load_model(str(path)).predict(request()) for path in (ours, theirs)]
    if not answers[0].equals(answers[1]):
        msg = f"Cannot compare two models that differ: {answers}."
        raise ValueError(msg)
    return DemoModels(ours, theirs)
