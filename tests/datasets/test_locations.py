"""Tests of datasets.locations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kedro.io import AbstractDataset, CachedDataset, DataCatalog, MemoryDataset
from kedro.io.core import Version

from kedro_autolog_pipeline.datasets.locations import (
    Location,
    catalog_secrets,
    dataset_secrets,
    find_location,
    is_in_memory,
    loaded_version,
    saved_version,
    unwrapped,
)
from kedro_autolog_pipeline.serving.manifest import PathArgument

JSON = "kedro_datasets.json.json_dataset.JSONDataset"


def dataset(**config: Any) -> AbstractDataset[Any, Any]:
    """Make a dataset as Kedro does."""
    return AbstractDataset.from_config("data", config)


def location(made: AbstractDataset[Any, Any], version: str | None = None) -> Location:
    """Find the location of a dataset that has one."""
    found = find_location(made, version)
    assert found is not None
    return found


class Custom(AbstractDataset[Any, Any]):
    """A file of a kind of its own."""

    def __init__(self, filepath: Any, dialect: Any = "excel", scale: tuple[int, ...] = (1,), **options: Any) -> None:
        self.arguments = (filepath, dialect, scale, options)

    def load(self) -> Any:
        """Do nothing."""

    def save(self, data: Any) -> None:
        """Do nothing."""

    def _describe(self) -> dict[str, Any]:
        return {}


class Inheriting(Custom):
    """Has the constructor of what it extends."""


def test_a_class_that_inherits_its_constructor_has_a_location() -> None:
    """Kedro keeps its arguments in another form."""
    found = location(Inheriting("/data/table.csv", engine="tab", width=3))

    assert "/data/table.csv" == found.path
    assert {"engine": "tab", "width": 3} == {key: found.config[key] for key in found.config if key != "type"}


class Demanding(Custom):
    """Cannot be made without what must not travel."""

    def __init__(self, filepath: Any, credentials: dict[str, str]) -> None:
        super().__init__(filepath, credentials=credentials)


class Query(Custom):
    """Has a file that is not its data."""

    def __init__(self, sql: str | None = None, filepath: str | None = None) -> None:
        super().__init__(filepath, sql)


NAME = f"{__name__}.Custom"


def test_a_file_dataset_has_its_file_and_what_loading_it_needs() -> None:
    """Neither access nor what is only for writing is part of it, and no default."""
    found = location(
        dataset(
            type="pickle.PickleDataset",
            filepath="/data/model.pkl",
            backend="cloudpickle",
            load_args={"fix_imports": True, "storage_options": {"token": "hidden"}},
            save_args={"protocol": 2},
            credentials={"any": "hidden"},
            fs_args={"auto_mkdir": True, "open_args_save": {"mode": "xb"}},
            metadata={"team": "shop"},
        )
    )

    assert "/data/model.pkl" == found.path
    assert {
        "type": "kedro_datasets.pickle.pickle_dataset.PickleDataset",
        "backend": "cloudpickle",
        "load_args": {"fix_imports": True},
    } == found.config
    assert PathArgument.FILEPATH == found.argument


def test_a_version_is_its_own_file() -> None:
    """It is in a folder of its own, under the name of the dataset's file."""
    found = location(dataset(type="json.JSONDataset", filepath="/data/a.json", versioned=True), "2026")

    assert "/data/a.json/2026/a.json" == found.path
    assert "a.json" == found.name
    assert {"type": JSON} == found.config


def test_the_file_system_is_the_datasets_own() -> None:
    """It has the credentials that it was made with."""
    made = dataset(type="json.JSONDataset", filepath="memory://a.json", credentials={"asynchronous": False})

    assert vars(made)["_fs"] is location(made).filesystem


@pytest.mark.parametrize(
    ("url", "protocol", "path"),
    [
        ("/data/a.json", "file", "/data/a.json"),
        ("https://shop.example/a.json", "https", "https://shop.example/a.json"),
    ],
)
def test_kedros_file_datasets_say_what_is_the_path_in_their_url(url: str, protocol: str, path: str) -> None:
    """They keep its protocol, without which the path of one that is read over HTTP would be no path."""
    made = dataset(type="json.JSONDataset", filepath=url)

    assert {"_fs", "_filepath", "_protocol"} <= vars(made).keys()
    assert protocol == vars(made)["_protocol"]
    assert path == location(made).path


def test_a_dataset_without_a_file_system_has_that_of_its_url() -> None:
    """Its credentials and arguments are fsspec's."""
    found = location(Custom("memory://shop/a.csv", credentials=None, fs_args={"open_args_save": {}}))

    assert ("memory", "/shop/a.csv") == (found.filesystem.protocol, found.path)


def test_a_url_is_named_without_its_query() -> None:
    """A signed URL has a credential in it."""
    found = location(dataset(type="json.JSONDataset", filepath="https://shop.example/a.json?signature=hidden"))

    assert "https://shop.example/a.json?signature=hidden" == found.path
    assert "a.json" == found.name


@pytest.mark.parametrize("nested", ["json.JSONDataset", {"type": "json.JSONDataset"}])
def test_partitions_are_a_directory_and_the_dataset_of_each(nested: Any) -> None:
    """What the dataset of the partitions was told of access is gone, too."""
    if isinstance(nested, dict):
        nested |= {"credentials": {"any": "hidden"}, "fs_args": {"auto_mkdir": True}, "save_args": {"indent": 1}}
    found = location(dataset(type="partitions.PartitionedDataset", path="/data/parts/", dataset=nested))

    assert ("/data/parts", "parts") == (found.path, found.name)
    assert PathArgument.PATH is found.argument
    assert {
        "type": "kedro_datasets.partitions.partitioned_dataset.PartitionedDataset",
        "dataset": {"type": JSON},
    } == found.config


def test_versions_of_partitions_stay_versions() -> None:
    """Their directories have a folder for each version."""
    nested = {"type": "json.JSONDataset", "versioned": True}
    found = location(dataset(type="partitions.PartitionedDataset", path="/data/parts", dataset=nested))

    assert {"type": JSON, "versioned": True} == found.config["dataset"]


def test_arguments_without_names_in_the_signature_stay_arguments() -> None:
    """They are given as they were."""
    assert {"type": NAME, "engine": "c"} == location(Custom("/data/a", engine="c")).config


def made_of_a_local_class() -> AbstractDataset[Any, Any]:
    """Make a dataset of a class that no import finds."""

    class Local(Custom):
        """Is forgotten when the function returns."""

    return Local("/data/a")


@pytest.mark.parametrize(
    "made",
    [
        MemoryDataset(1),
        Query("select 1", "/data/query.sql"),
        Demanding("/data/a", {"any": "hidden"}),
        Custom("/data/a", dialect=NotImplemented),
        Custom("/data/a", scale=(2,)),
        Custom("/data/a", dialect={1: "number"}),
        Custom("/data/a", dialect={"list": [{"password": "hidden"}]}),
        Custom("/data/a", api_key="hidden"),
        Custom("/data/a", access_token="hidden"),  # noqa: S106 - an example
        Custom("/data/a", dialect="https://user:hidden@shop.example"),
        Custom("/data/a", dialect="file:///data/dialect"),
        Custom("/data/a", dialect=str(Path(__file__).parent / "none")),
        Custom("/data/a", dialect=Path("a")),
        dataset(type="text.TextDataset", filepath="/data/a", fs_args={"open_args_load": {"encoding": "utf-16"}}),
        made_of_a_local_class(),
    ],
)
def test_a_file_that_is_not_enough_is_none(made: AbstractDataset[Any, Any]) -> None:
    """Where loading needs what must not leave this machine, or what is no plain data, there is no location."""
    assert find_location(made, None) is None


@pytest.mark.parametrize("value", ["/", "/key", "a/b", "a\0b", "s3://shop/a", None, 1.5, ["a", True]], ids=repr)
def test_what_only_looks_like_a_path_is_no_path(value: Any) -> None:
    """A key in a file begins with a slash; a separator is one."""
    load_args = {"tokenizer": value}
    assert {"type": NAME, "load_args": load_args} == location(Custom("/data/a", load_args=load_args)).config


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("auth", "user:S3CRET"), ("dsn", "S3CRET"), ("sas", "S3CRET"), ("passkey", "S3CRET"), ("hmac", "S3CRET"),
        ("pin", 1234), ("conn", "host=h"), ("signed", True), ("headers", {"X-API-Key": "S3CRET"}), ("cookies", ["a"]),
        ("anything", "host=h password=S3CRET"), ("licence", "S3CRET"), ("options", {"licence": "S3CRET"}),
        ("load_args", {"headers": {"X-Session": "S3CRET"}}), ("load_args", {"url": "https://h/x?X-Amz-Signature=S3CRET"}),
        ("load_args", {"options": "password=S3CRET"}), ("load_args", {"params": ["S3CRET"]}),
    ],
    ids=str,
)  # fmt: skip
def test_an_argument_that_may_be_a_secret_does_not_travel(name: str, value: Any) -> None:
    """What an argument of somebody's own class is for, nobody can tell: what it loads is kept as a value."""
    assert find_location(Custom("/data/a", **{name: value}), None) is None


@pytest.mark.parametrize("value", [1, 1.5, True, None], ids=repr)
def test_a_number_is_no_secret(value: Any) -> None:
    """It travels with the model, unless its name makes it doubtful."""
    assert {"type": NAME, "rows": value} == location(Custom("/data/a", rows=value)).config


def test_a_cached_dataset_is_what_it_wraps() -> None:
    """Its own data is in memory, and yet not lost when it is released."""
    inner = dataset(type="json.JSONDataset", filepath="/data/a.json")

    assert inner is unwrapped(CachedDataset(inner))
    assert inner is unwrapped(inner)
    assert [False, False, True] == [is_in_memory(each) for each in (CachedDataset(inner), inner, MemoryDataset())]


def test_versions_are_those_of_the_run(tmp_path: Path) -> None:
    """A dataset without versions has none."""
    versioned = AbstractDataset.from_config(
        "data", {"type": "json.JSONDataset", "filepath": f"{tmp_path}/a.json", "versioned": True}, "2025", "2026"
    )

    assert ("2026", "2025") == (saved_version(versioned), loaded_version(versioned))
    assert (None, None) == (saved_version(MemoryDataset()), loaded_version(MemoryDataset()))
    assert Version("2025", "2026") == vars(versioned)["_version"]


def test_a_catalog_has_the_secrets_of_its_files_and_of_the_datasets_that_code_has_added() -> None:
    """A hook may have added one; what is not made yet is found in the configuration."""
    catalog = DataCatalog.from_config(
        {"far": {"type": "json.JSONDataset", "filepath": "s3://b/far.json", "credentials": "s3"}},
        credentials={"s3": {"secret": "one"}},
    )
    catalog["added"] = Custom("/data/a", credentials={"any": "two"})

    found = {secret.value: secret.place for secret in catalog_secrets(["added", "gone"], catalog)}

    assert {
        "two": "'added' in the catalog, options.credentials.any",
        "one": "the catalog: far.credentials.secret",
    } == found


def test_secrets_are_the_strings_that_access_takes() -> None:
    """Wherever they are in the configuration."""
    made = Custom(
        "/data/a",
        dialect={"storage_options": {"account_key": ["one", 2]}, "api_key": "two", "other": "no"},
        credentials={"any": {"deep": "three"}},
    )

    found = {secret.value: secret.place for secret in dataset_secrets("model", made)}

    assert {"one", "2", "two", "three"} == found.keys()
    assert "'model' in the catalog, options.credentials.any.deep" == found["three"]
