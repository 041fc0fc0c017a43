"""Tests of dependencies.shipping."""

from __future__ import annotations

from pathlib import Path

import pytest

from installed import write_modules
from kedro_autolog_pipeline.dependencies.search import Seed, find_environment
from kedro_autolog_pipeline.dependencies.shipping import copy_code, secret_files


def test_what_is_not_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests, caches, hidden files and secrets stay behind; the secrets are told."""
    source = tmp_path / "src"
    monkeypatch.syspath_prepend(source)
    kept = [
        "__init__.py",
        "conf/base/catalog.yml",
        "credentials.py",
        "local/nodes.py",
        "testing.py",
        "key.txt",
    ]
    left = [
        "tests/test_nodes.py",
        "nodes/test/__init__.py",
        "__pycache__/nodes.pyc",
        "nodes.pyc",
        ".git/config",
        ".ipynb_checkpoints/nodes.py",
        "conf/local/catalog.yml",
    ]
    secret = [
        ".env",
        "certificates/client.P12",
        "certificates/client.pfx",
        "conf/base/credentials.yml",
        "conf/base/credentials_aws.yaml",
        "credentials.json",
        "id_rsa",
        "my-service-account-prod.json",
        "server.key",
        "server.pem",
        "service_account.json",
    ]
    write_modules(source, {f"secretive/{path}": "" for path in (*kept, *left, *secret)})
    write_modules(source, {"secretive/prod.json": '{"private_key": "-----BEGIN PRIVATE KEY-----\\nMII"}'})
    (source / "secretive/gone").symlink_to(source / "nowhere")
    code = find_environment([Seed("secretive", "test")]).code

    copy_code(code, tmp_path / "code")

    copied = [file for file in (tmp_path / "code").rglob("*") if file.is_file()]
    assert sorted(kept) == sorted(file.relative_to(tmp_path / "code/secretive").as_posix() for file in copied)
    assert sorted(f"secretive/{name}" for name in [*secret, "prod.json"]) == secret_files(code)
