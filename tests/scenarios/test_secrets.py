"""Secrets of a project are in nothing that packaging leaves, wherever they were planted."""

from __future__ import annotations

import base64
import gzip
import stat
import subprocess
from collections.abc import Iterator

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient

from kedro_autolog_pipeline.errors import NotPackagedError
from kedro_project import CATALOG, KedroProject
from mlflow_store import models

PLACES = [
    "s3", "sql", "api", "header", "url", "load_args", "argument", "connection", "globals", "environment", "code",
    "remote", "tracking",
]  # fmt: skip
CANARIES = {place: f"c4nary-{number:02}-{place}-Zq8" for number, place in enumerate(PLACES)}

DATASETS = """
import json
import requests
from kedro.io import AbstractDataset

class Answer(AbstractDataset):
    def __init__(self, url, credentials, headers=None, load_args=None):
        request = requests.Request("GET", url, auth=tuple(credentials), headers=headers, params=load_args["params"])
        self._answer = requests.Response()
        self._answer.request = request.prepare()
        self._answer.url = self._answer.request.url
        self._answer.status_code = 200
        self._answer._content = b'{"bonus": 1.0}'

    def load(self):
        return self._answer

    def save(self, data):
        raise NotImplementedError

    def _describe(self):
        return {}

class Lookup(AbstractDataset):
    def __init__(self, filepath, passkey=None, conn=None, load_args=None, credentials=None):
        self._filepath = filepath

    def load(self):
        with open(self._filepath) as file:
            return json.load(file)

    def save(self, data):
        raise NotImplementedError

    def _describe(self):
        return {}
"""

INFERENCE = """
from kedro.pipeline import Pipeline, node

def predict(instances, model, answer, lookup):
    return (instances["x"] * model["slope"] + answer.json()["bonus"] + lookup["offset"]).to_frame("prediction")

def create_pipeline(**kwargs):
    return Pipeline([node(predict, ["instances", "model", "answer", "lookup"], "predictions")])
"""


@pytest.fixture
def canaries(project: KedroProject, monkeypatch: pytest.MonkeyPatch) -> KedroProject:
    """Plant a secret in each place."""
    project.write("datasets.py", DATASETS)
    project.write("service_account.json", f'{{"token": "{CANARIES["code"]}"}}')
    project.write_pipeline("inference", INFERENCE)
    project.write_config("globals", {"token": CANARIES["globals"]})
    project.write_config(
        "credentials",
        {
            "s3": {"key": "public", "secret": CANARIES["s3"]},
            "sql": {"con": f"postgresql://u:{CANARIES['sql']}@h/d"},
            "api": ["user", CANARIES["api"]],
        },
        env="local",
    )
    project.write_config(
        "catalog",
        {
            **CATALOG,
            "answer": {
                "type": f"{project.package}.datasets.Answer",
                "url": f"https://h/x?sig={CANARIES['url']}",
                "credentials": "api",
                "headers": {"X-Key": CANARIES["header"], "X-Other": "${globals:token}"},
                "load_args": {"params": {"page": CANARIES["load_args"]}},
            },
            "lookup": {
                "type": f"{project.package}.datasets.Lookup",
                "filepath": "data/lookup.json",
                "passkey": CANARIES["argument"],
                "conn": f"host=h password={CANARIES['connection']}",
                "credentials": "s3",
            },
            "orders": {"type": "pandas.SQLTableDataset", "table_name": "orders", "credentials": "sql"},
        },
    )
    (project.path / "data" / "lookup.json").write_text('{"offset": 2.0}')
    monkeypatch.setenv("SHOP_TOKEN", CANARIES["environment"])
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", CANARIES["tracking"])
    for command in (
        ["init", "--quiet"],
        ["remote", "add", "origin", f"https://user:{CANARIES['remote']}@h/shop.git"],
        ["-c", "user.name=n", "-c", "user.email=n@h", "commit", "--quiet", "--allow-empty", "--message", "first"],
    ):
        subprocess.run(["git", *command], cwd=project.path, check=True)  # noqa: S607 - whichever git there is
    return project


def traces(content: bytes) -> set[str]:
    """Find the planted secrets in bytes."""
    return {place for place, canary in CANARIES.items() if any(form in content for form in _forms(canary.encode()))}


def _forms(canary: bytes) -> Iterator[bytes]:
    yield canary
    for before in (b"", b"u", b"u:"):
        # What stands before and behind it has a part in the first digits and in the last ones.
        yield base64.b64encode(before + canary)[4:-4]


def left_behind(project: KedroProject) -> dict[str, set[str]]:
    """Find the planted secrets in all that packaging has left."""
    planted = ("conf", "src", ".git", "data")
    files = [
        file
        for file in project.path.rglob("*")
        if file.is_file() and file.relative_to(project.path).parts[0] not in planted
    ]
    assert {"mlflow.db", "manifest.json"} <= {file.name for file in files}
    return {f"{file}": found for file in files if (found := traces(file.read_bytes()))}


def test_no_secret_is_in_what_packaging_leaves(canaries: KedroProject) -> None:
    """The model is READY and answers; the project's secrets are in no byte of package, run, record, staging and log."""
    done = canaries.run_command()
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    client = MlflowClient(f"sqlite:///{canaries.path / 'mlflow.db'}")
    (model,) = models(client)

    assert model.status == "READY"
    assert {} == left_behind(canaries)
    assert set() == traces(said.encode())
    assert f"may give away: '{canaries.package}/service_account.json'" in " ".join(said.split())
    loaded = mlflow.pyfunc.load_model(model.artifact_location)
    slope = loaded.predict(pd.DataFrame({"x": [0, 1]}))["prediction"]
    assert 3.0 == slope[0]


WITHOUT_ANSWER = INFERENCE.replace(', "answer"', "").replace("answer, ", "").replace('answer.json()["bonus"] + ', "")


def test_a_model_that_holds_a_secret_is_never_ready(canaries: KedroProject) -> None:
    """Data may hold it too: the message names the file and where the secret comes from, and nothing is left of it."""
    canaries.write("datasets.py", DATASETS.replace("open(", "gzip.open(").replace("import json", "import gzip, json"))
    content = f'{{"offset": 2.0, "why": "{CANARIES["s3"]}"}}'.encode()
    (canaries.path / "data" / "lookup.json").write_bytes(gzip.compress(content))
    lookup = {"type": f"{canaries.package}.datasets.Lookup", "filepath": "data/lookup.json"}
    canaries.write_config("catalog", {**CATALOG, "lookup": lookup})
    canaries.write_pipeline("inference", WITHOUT_ANSWER)

    with pytest.raises(NotPackagedError) as caught:
        canaries.run()

    assert "artifacts/lookup/lookup.json' holds the secret of credentials.yml: s3.secret." in str(caught.value)
    assert set() == traces(str(caught.value).encode())
    (model,) = models(MlflowClient(f"sqlite:///{canaries.path / 'mlflow.db'}"))
    assert model.status == "FAILED"
    staged = [file for file in (canaries.path / ".autolog_pipeline").rglob("*") if file.is_file()]
    assert [] == [file for file in staged if b"\x1f\x8b" in file.read_bytes() or traces(file.read_bytes())]
    directories = [canaries.path / ".autolog_pipeline", *canaries.path.glob(".autolog_pipeline/*/")]
    assert {stat.S_IRWXU} == {stat.S_IMODE(directory.stat().st_mode) for directory in directories}


def test_a_parameter_that_may_be_a_secret_is_remarked(project: KedroProject) -> None:
    """It is a parameter of the run and of the model, for all to see; the manifest says so, too."""
    project.write_config("parameters", {"training": {"factor": 1.0}, "offset": 0.5, "api_key": "S3CRET"})
    project.write_pipeline("inference", WITH_A_KEY)

    said = project.run_command()

    assert said.returncode == 0, said.stderr
    remark = "Everybody who can read the run or the model can read the value of 'api_key': if it is secret, have a node"
    assert remark in " ".join((said.stdout + said.stderr).split())


WITH_A_KEY = """
from kedro.pipeline import Pipeline, node

def predict(instances, model, key, offset):
    return (instances["x"] * model["slope"] + offset).to_frame("prediction")

def create_pipeline(**kwargs):
    return Pipeline([node(predict, ["instances", "model", "params:api_key", "params:offset"], "predictions")])
"""
