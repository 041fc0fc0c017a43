"""Tests of secret_values."""

from __future__ import annotations

import builtins
import keyword
import re
import sys
from encodings.aliases import aliases
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedro_autolog_pipeline.secret_values import (
    Secret,
    environment_secrets,
    find_secrets,
    holds_secret,
    is_doubtful,
    searchable,
    without_secrets,
)


@pytest.mark.parametrize(
    "name",
    [
        "auth", "api_key", "apiKey", "API-KEY", "X-API-Key", "sas", "sas_url", "sig", "signature", "signed_url", "hmac",
        "cookie", "dsn", "conn", "connection_string", "pin", "secret", "client_secret", "access_token", "accesstoken",
        "pass", "passkey", "passphrase", "dbPassword", "pwd", "Authorization", "bq_credentials", "jwt",
    ],
)  # fmt: skip
def test_a_name_that_may_stand_for_a_secret_is_doubtful(name: str) -> None:
    """In any spelling."""
    assert is_doubtful(name)


@pytest.mark.parametrize(
    "name",
    ["tokenizer", "author", "authors", "passenger_count", "keyword", "sep", "signal", "design", "encoding", "pinned"],
)
def test_a_name_that_only_sounds_like_one_is_not(name: str) -> None:
    """It is the words of a name that count."""
    assert not is_doubtful(name)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"db": {"con": "postgresql://u:S3CRET@h/d"}}, {"S3CRET"}),
        ({"db": {"con": "postgresql://u:S3%40RET@h/d"}}, {"S3%40RET", "S3@RET"}),
        ({"git": "https://t0ken@host/x.git"}, {"t0ken"}),
        ({"url": "https://h/x?X-Amz-Signature=abc123&page=2"}, {"abc123"}),
        ({"conn": "host=h password=p4ss; timeout=3"}, {"p4ss", "host=h password=p4ss; timeout=3", "3"}),
        ({"note": "pwd=p4ss"}, {"p4ss"}),
        ({"load_args": {"headers": {"Authorization": "Bearer abc.def"}}}, {"Bearer abc.def", "abc.def"}),
        ({"load_args": {"cookies": "session=a1b2; theme=dark"}}, {"session=a1b2; theme=dark", "a1b2", "dark"}),
        ({"load_args": {"auth": ["user", "S3CRET"], "params": {"q": "x1"}}}, {"S3CRET", "x1"}),
        ({"load_args": {"deep": {"er": [{"Authorization": "Bearer abc.def"}]}}}, {"Bearer abc.def", "abc.def"}),
        ({"load_args": {"dsn": "DSN=shop;UID=me;PWD=p4ss"}}, {"DSN=shop;UID=me;PWD=p4ss", "shop", "me", "p4ss"}),
        ({"load_args": {"where": "DefaultEndpointsProtocol=https;AccountKey=a1b2=="}}, {"a1b2=="}),
        ({"storage_options": {"sas_token": "sv=2&sig=a1%2B"}}, {"sv=2&sig=a1%2B", "2&sig=a1%2B", "a1%2B"}),
        ({"storage_options": {"client_kwargs": {"aws_session_token": "t0ken"}}}, {"t0ken"}),
        ({"fs_args": {"token": b"t0ken", "hmac": b"\xff\x00"}}, {"t0ken", "/wA="}),
        (
            {"tokens": {"one", "t0ken"}, "pin": [[1234, 5678]], "secrets": ("a", "b", "c")},
            {"one", "t0ken", "1234", "5678", *"abc"},
        ),
        ({"url": "postgresql://u@h/d", "client_id": "me"}, {"u"}),
        ({"pin": 123456, "flag": True, "rows": 5}, {"123456"}),
        ({"filepath": "data/a.csv", "load_args": {"sep": ";"}}, set()),
    ],
)
def test_secrets_are_found_by_where_they_are(config: Any, expected: set[str]) -> None:
    """Headers, URLs, pairs of names and values, and doubtful names."""
    assert expected == {secret.value for secret in find_secrets(config, "catalog.yml:")}


def test_credentials_are_secret_whatever_their_names() -> None:
    """But for what says who asks and whom; the place of each is as a user finds it."""
    credentials = {"shop": {"anything": ["one", 2, None], "username": "me", "host": "h"}, "plain": "three"}

    assert [
        Secret("one", "credentials.yml: shop.anything"),
        Secret("2", "credentials.yml: shop.anything"),
        Secret("three", "credentials.yml: plain"),
    ] == find_secrets(credentials, "credentials.yml:", is_secret=True)


def test_what_a_credential_is_called_tells_whether_words_are_a_secret() -> None:
    """A false alarm costs a model: what is not called a secret is one when it looks like one."""
    credentials = {
        "shop": {
            "project_id": "my-data-platform-production",
            "dataset": "my_production_dataset",
            "password": "correct horse battery staple",
            "api": ["service-account-shop", "the-password-of-it"],
            "client_email": "a1b2c3d4e5",
            "session_id": "a1b2c3d4e5-1",
            "dsn": {"anything": "purple monkey dishwasher"},
        }
    }

    found = searchable(find_secrets(credentials, "", is_secret=True))

    assert {
        "correct horse battery staple",
        "the-password-of-it",
        "a1b2c3d4e5-1",
        "purple monkey dishwasher",
    } == {secret.value for secret in found}


def test_secrets_of_the_environment_are_those_that_are_called_so_and_those_in_a_value() -> None:
    """What else is there may be anywhere."""
    variables = {
        "SHOP_TOKEN": "S3CRET-1",
        "AWS_SECRET_ACCESS_KEY": "S3CRET-2",
        "DATABASE_URL": "postgresql://u:S3CRET-3@h/d",
        "TOKENIZERS_PARALLELISM": "S3CRET-4",
        "HOME": "/home/me",
        "GITHUB_TOKEN": "",
    }

    assert [
        Secret("S3CRET-1", "the environment variable SHOP_TOKEN"),
        Secret("S3CRET-2", "the environment variable AWS_SECRET_ACCESS_KEY"),
        Secret("S3CRET-3", "the environment variable DATABASE_URL"),
    ] == environment_secrets(variables)


NAMES = [
    name
    for name in sorted({*sys.stdlib_module_names, *dir(builtins), *keyword.kwlist, *aliases})
    if len(name) < 12 and not re.search(r"\d", name)
]
COMMON = (
    st.from_regex(r"[A-Za-z]{1,15}", fullmatch=True)
    | st.from_regex(r"[a-z]{1,5}[-_. ][a-z]{1,5}", fullmatch=True)
    | st.from_regex(r"[a-z]{2,9}(-[a-z]{2,9}){1,3}-[0-9]{1,2}", fullmatch=True)
    | st.from_regex(r"([a-z0-9-]{1,9}\.){1,4}[a-z]{2,5}(:[0-9]{1,5})?", fullmatch=True)
    | st.from_regex(r"[a-z.]{1,12}@[a-z]{1,9}\.[a-z]{2,3}", fullmatch=True)
    | st.from_regex(r"(~|\.|\.\.|[A-Z]:)?/[a-z/]{1,30}\.[a-z]{2,4}", fullmatch=True)
    | st.integers(-(10**9) + 1, 10**9 - 1).map(str)
    | st.dates().map(str)
    | st.datetimes().map(lambda moment: moment.isoformat(timespec="seconds"))
    | st.ip_addresses().map(str)
    | st.sampled_from(NAMES)
    | st.text(max_size=5)
)


@given(value=COMMON, is_named=st.booleans())
def test_short_and_common_words_are_never_searched_for(value: str, is_named: bool) -> None:  # noqa: FBT001 - hypothesis gives it by name
    """Whatever the credential is called: a false alarm costs a model."""
    assert not Secret(value, "", is_named).is_searchable


@pytest.mark.parametrize(
    "value",
    [
        "S3CRET",
        "hidden-token",
        "hidden-token-1x",
        "AKIAIOSFODNN7EXAMPLE",
        "correct horse battery staple",
        "dXNlcjpTM0NSRVQ=",
        "pä55wort",
    ],
)
def test_a_secret_of_some_length_is_searched_for(value: str) -> None:
    """It does not occur by chance."""
    assert Secret(value, "").is_searchable


@pytest.mark.parametrize(
    "value",
    [
        "", "short", "secret", "localhost", "localhost:8080", "eu-west-1", "utf-8", "sha256", "123456", "2024-01-01",
        "2024-01-01T00:00:00Z", "1.2.3", "application/json", "db.example.org", "me@example.org", "/home/me/key.pem",
        "C:\\keys\\key", "127.0.0.1", "penguins", "postgresql",
    ],
)  # fmt: skip
def test_what_stands_in_any_file_is_not_searched_for(value: str) -> None:
    """A false alarm costs a model."""
    assert not Secret(value, "").is_searchable


def test_a_secret_is_never_shown() -> None:
    """Not by accident either."""
    assert "S3CRET" not in repr(Secret("S3CRET", "here"))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("https://u:p4ss@h/", "https://u:***@h/"),
        ("a; password=b4; c", "a; password=***; c"),
        ("https://h/?sig=a1b2&page=1", "https://h/?sig=***&page=1"),
    ],
)
def test_a_text_is_shown_without_its_secrets(value: str, shown: str) -> None:
    """A password, or a signature."""
    assert holds_secret(value)
    assert shown == without_secrets(value)


@pytest.mark.parametrize("value", ["https://h/?page=1", "https://[h", "password=${PASSWORD}", "https://${TOKEN}@h/"])
def test_a_text_without_a_secret_holds_none(value: str) -> None:
    """What is taken from the environment is none, and what is no URL has no password."""
    assert not holds_secret(value)
