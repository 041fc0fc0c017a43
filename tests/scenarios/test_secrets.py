"""Secrets of a project are in nothing that packaging leaves, wherever they were planted."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import lzma
import stat
import subprocess
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient

from kedro_autolog_pipeline.errors import NotPackagedError
from kedro_project import CATALOG, MODEL, KedroProject
from mlflow_store import models
from secret_forms import FORMS

PLACES = [
    "s3", "sql", "api", "header", "url", "load_args", "argument", "connection", "globals", "environment", "code",
    "remote", "tracking", "params", "requirement", "hook", "variable", "nested", "list",
]  # fmt: skip
CANARIES = {place: f"c4nary-{number:02}-{place}-Zq8" for number, place in enumerate(PLACES)}
"""A secret by where it is planted. No form in which a text is quoted or escaped changes any of its characters."""

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

SETTINGS = """
import os
from kedro.framework.hooks import hook_impl

class Vault:
    @hook_impl
    def after_context_created(self, context):
        known = context.config_loader["credentials"]
        context.config_loader["credentials"] = {**known, "vault": {"any": os.environ["VAULT"]}}

HOOKS = (Vault(),)
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
    project.write("settings.py", SETTINGS)
    project.write("service_account.json", f'{{"token": "{CANARIES["code"]}"}}')
    project.write_pipeline("inference", INFERENCE)
    project.write_config("globals", {"token": CANARIES["globals"]})
    project.write_config(
        "credentials",
        {
            "s3": {"key": "public", "secret": CANARIES["s3"]},
            "sql": {"con": f"postgresql://u:{CANARIES['sql']}@h/d"},
            "api": ["user", CANARIES["api"]],
            "database": {"con": "postgresql://u:${runtime_params:db_word,none}@h/d"},
            "variable": {"any": "${oc.env:SHOP_VARIABLE}"},
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
                "load_args": {
                    "params": {"page": CANARIES["load_args"]},
                    "retry": {"session": [{"headers": {"Authorization": f"Bearer {CANARIES['nested']}"}}]},
                },
            },
            "lookup": {
                "type": f"{project.package}.datasets.Lookup",
                "filepath": "data/lookup.json",
                "passkey": CANARIES["argument"],
                "conn": f"host=h password={CANARIES['connection']}",
                "credentials": "s3",
                "load_args": {"dsns": [f"DSN=shop;PWD={CANARIES['list']}"]},
            },
            "vaulted": {"type": "json.JSONDataset", "filepath": "s3://b/c.json", "credentials": "vault"},
            "prepared": {"type": "pandas.SQLTableDataset", "table_name": "a", "credentials": "database"},
            "various": {"type": "json.JSONDataset", "filepath": "s3://b/d.json", "credentials": "variable"},
            "orders": {"type": "pandas.SQLTableDataset", "table_name": "orders", "credentials": "sql"},
        },
    )
    (project.path / "data" / "lookup.json").write_text('{"offset": 2.0}')
    monkeypatch.setenv("SHOP_TOKEN", CANARIES["environment"])
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", CANARIES["tracking"])
    monkeypatch.setenv("PIP_WORD", CANARIES["requirement"])
    monkeypatch.setenv("VAULT", CANARIES["hook"])
    monkeypatch.setenv("SHOP_VARIABLE", CANARIES["variable"])
    index = "--extra-index-url https://user:\\${PIP_WORD}@h/simple"
    project.write_models({"prices": {**MODEL, "extra_pip_requirements": [index]}})
    for command in (
        ["init", "--quiet"],
        ["remote", "add", "origin", f"https://user:{CANARIES['remote']}@h/shop.git"],
        ["-c", "user.name=n", "-c", "user.email=n@h", "commit", "--quiet", "--allow-empty", "--message", "first"],
    ):
        subprocess.run(["git", *command], cwd=project.path, check=True)  # noqa: S607 - whichever git there is
    return project


def traces(content: bytes) -> set[str]:
    """Find the planted secrets in bytes, and in what is compressed in them."""
    found = {place for place, canary in CANARIES.items() if any(form in content for form in _forms(canary))}
    return found.union(*map(traces, _opened(content))) if content else found


def _forms(canary: str) -> Iterator[bytes]:
    plain = canary.encode()
    yield from (plain, plain.hex().encode(), canary.encode("utf-16-le"), canary.encode("utf-32-le"))
    for before in (b"", b"u", b"u:"):
        # What stands before and behind it has a part in the first digits and in the last ones.
        yield base64.b64encode(before + plain)[4:-4]


def _opened(content: bytes) -> Iterator[bytes]:
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    for module in (gzip, bz2, lzma, zlib):
        with suppress(OSError, EOFError, lzma.LZMAError, zlib.error):
            yield module.decompress(content)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_of_a_canary_would_be_seen(form: Callable[[str], bytes]) -> None:
    """What finds none is worth nothing unless it finds one."""
    assert {"api"} == traces(form(f"u:{CANARIES['api']}:x"))


def left_behind(project: KedroProject) -> dict[str, set[str]]:
    """Find the planted secrets in all that packaging has left."""
    files = files_of(project)
    return {f"{file}": found for file in files if (found := traces(file.read_bytes()))}


def files_of(project: KedroProject) -> list[Path]:
    """List the files but those in which the secrets are planted."""
    planted = ("conf", "src", ".git", "data")
    return [
        file
        for file in project.path.rglob("*")
        if file.is_file() and file.relative_to(project.path).parts[0] not in planted
    ]


def test_no_secret_is_in_what_packaging_leaves(canaries: KedroProject) -> None:
    """The model is READY and answers; the project's secrets are in no byte of package, run, record, staging and log."""
    done = canaries.command("run", f"--params=db_word={CANARIES['params']}")
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    client = MlflowClient(f"sqlite:///{canaries.path / 'mlflow.db'}")
    (model,) = models(client)

    assert model.status == "READY"
    assert {"mlflow.db", "manifest.json"} <= {file.name for file in files_of(canaries)}
    assert {} == left_behind(canaries)
    assert set() == traces(said.encode())
    assert set() == set().union(*(traces(str(file.relative_to(canaries.path)).encode()) for file in files_of(canaries)))
    assert f"may give away: '{canaries.package}/service_account.json'" in " ".join(said.split())
    loaded = mlflow.pyfunc.load_model(model.artifact_location)
    slope = loaded.predict(pd.DataFrame({"x": [0, 1]}))["prediction"]
    assert 3.0 == slope[0]


WITHOUT_ANSWER = INFERENCE.replace(', "answer"', "").replace("answer, ", "").replace('answer.json()["bonus"] + ', "")


def test_a_model_that_holds_a_secret_is_never_ready(canaries: KedroProject) -> None:
    """In any form: the message names each file and where the secret comes from, and nothing is left of it.

    It is in data, in a module, and in a value that a function was made with.
    """
    canaries.write("datasets.py", DATASETS.replace("open(self._filepath)", "open(self._filepath + '/offset.json')"))
    lookup = canaries.path / "data" / "lookup"
    lookup.mkdir()
    (lookup / "offset.json").write_text('{"offset": 2.0}')
    for number, form in enumerate(FORMS.values()):
        (lookup / f"{number}").write_bytes(form(CANARIES["s3"]))
    entry = {"type": f"{canaries.package}.datasets.Lookup", "filepath": "data/lookup"}
    canaries.write_config("catalog", {**CATALOG, "lookup": entry})
    canaries.write("secrets_of_ours.py", f'WORD = "{CANARIES["api"]}"')
    pickled = "def create_pipeline(**kwargs):\n    import os\n    token = os.environ['SHOP_TOKEN']\n"
    function = "lambda instances, model, lookup: predict(instances, model, lookup) if token else None"
    imported = f"from {canaries.package} import secrets_of_ours\n"
    canaries.write_pipeline(
        "inference",
        imported
        + WITHOUT_ANSWER.replace("def create_pipeline(**kwargs):\n", pickled).replace(
            "node(predict,", f"node({function},"
        ),
    )

    with pytest.raises(NotPackagedError) as caught:
        canaries.run()

    said = str(caught.value)
    for number, name in enumerate(FORMS):
        assert f"artifacts/lookup/lookup/{number}' holds the secret of credentials.yml: s3.secret." in said, name
    assert f"code/{canaries.package}/secrets_of_ours.py' holds the secret of credentials.yml: api." in said
    assert ".pkl' holds the secret of the environment variable SHOP_TOKEN." in said
    assert set() == traces(said.encode())
    (model,) = models(MlflowClient(f"sqlite:///{canaries.path / 'mlflow.db'}"))
    assert model.status == "FAILED"
    assert {} == left_behind(canaries)
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
