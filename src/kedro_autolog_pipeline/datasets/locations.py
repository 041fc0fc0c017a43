"""Find where a dataset keeps its data, and the configuration that loads them from elsewhere.

The only reader of a dataset's internals: Kedro has no public way to ask where a dataset keeps its data.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import attrs
from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem
from kedro.io import AbstractDataset, AbstractVersionedDataset, CachedDataset, DataCatalog
from kedro.io.core import get_filepath_str, parse_dataset_definition

from kedro_autolog_pipeline.secret_values import Secret, find_secrets, holds_secret, is_doubtful
from kedro_autolog_pipeline.serving.manifest import PathArgument

# How to get to where the data was; a packaged file is beside its model.
_ACCESS = frozenset({"credentials", "fs_args", "storage_options"})

# What a dataset's constructor takes and loading does not need.
_NOT_FOR_LOADING = frozenset(
    {"filepath", "path", "metadata", "overwrite", "save_args", "save_lazily", "version", "versioned"}
)

# What of a dataset belongs to the place where its data are.
_OF_A_PLACE = frozenset({"credentials", "version"})

# What may be needed for loading, by the names that Kedro's datasets give it. Of any other argument nobody can tell
# what it is for: only a number, or whether something is so, travels with the model.
_FOR_LOADING = frozenset(
    {
        "backend",
        "dataset",
        "encoding",
        "engine",
        "file_format",
        "filename_suffix",
        "filepath_arg",
        "load_args",
        "load_lazily",
        "table_name",
    }
)
_HDF_KEY = ("kedro_datasets", "key")

_PLAIN = (type(None), bool, int, float, str)


class _NotPortableError(Exception):
    """A dataset's configuration has something that is only right, or only to be known, where it was written."""


@attrs.frozen
class Location:
    """The file or directory that holds a dataset's data.

    Attributes:
        filesystem: What it is on, with whatever credentials that takes.
        path: It, as ``filesystem`` names it.
        argument: The argument of the dataset's constructor that takes it.
        config: The rest of the dataset's configuration, as in ``ArtifactEntry.dataset``.
    """

    filesystem: AbstractFileSystem
    path: str
    argument: PathArgument
    config: dict[str, Any]

    @property
    def uri(self) -> str:
        """What MLflow takes: a path on this machine, or a URI."""
        is_local = isinstance(self.filesystem, LocalFileSystem)
        return self.path if is_local else str(self.filesystem.unstrip_protocol(self.path))

    @property
    def name(self) -> str:
        """Its own name; of a URL, without the query, which may hold a signature."""
        path = urlsplit(self.path).path if "://" in self.path else self.path
        return path.rstrip("/").rpartition("/")[2]


def find_location(dataset: AbstractDataset[Any, Any], version: str | None) -> Location | None:
    """Find the file or directory that a dataset loads.

    That is what its constructor demands as ``filepath`` or ``path``. Where it is optional it is something else, as
    the file with the query of a ``SQLQueryDataset``.

    Args:
        dataset: A dataset, not a ``CachedDataset``.
        version: The version that is meant; None for a dataset without versions.

    Returns:
        None when there is no such file, or when it is not enough: where the class cannot be imported, or loading
        needs what must not leave this machine.
    """
    argument = _path_argument(type(dataset))
    if argument is None:
        return None
    given = _arguments(dataset)
    try:
        config = _portable_dataset(type(dataset), given)
    except _NotPortableError:
        return None
    if _demanded(type(dataset)) - {argument.value} - set(config):
        return None
    filesystem, path = _place(dataset, str(given[argument.value]), _storage_options(given))
    if version is not None:
        path = f"{path}/{version}/{path.rpartition('/')[2]}"
    return Location(filesystem, path, argument, config)


def relocated(dataset: AbstractDataset[Any, Any], directory: Path) -> AbstractDataset[Any, Any] | None:
    """Make a dataset that saves and loads as another one does, at a place of its own on this machine.

    Args:
        dataset: The other one, which is left alone; a ``CachedDataset`` counts as what it wraps.
        directory: Where the new one keeps its data, under the name that they have.

    Returns:
        None for a dataset whose constructor demands no file or directory, or cannot make another one.
    """
    inner = unwrapped(dataset)
    kind = type(inner)
    argument = _path_argument(kind)
    if argument is None:
        return None
    given: dict[str, Any] = {}
    positional: tuple[Any, ...] = ()
    for name, value in _arguments(inner).items():
        if _parameters(kind)[name].kind is inspect.Parameter.VAR_KEYWORD:
            given |= value
        elif _parameters(kind)[name].kind is inspect.Parameter.VAR_POSITIONAL:
            positional = value
        elif name not in _OF_A_PLACE:
            given[name] = value
    if given.get("fs_args"):
        # The rest of them says how to reach another place.
        given["fs_args"] = {key: value for key, value in given["fs_args"].items() if key.startswith("open_args_")}
    name = str(given[argument.value]).rstrip("/").rpartition("/")[2].partition("?")[0]
    try:
        return kind(*positional, **{**given, argument.value: (directory / name).as_posix()})
    except Exception:  # noqa: BLE001 - a constructor may demand what it had, and raises whatever it likes
        return None


def unwrapped(dataset: AbstractDataset[Any, Any]) -> AbstractDataset[Any, Any]:
    """Return what a ``CachedDataset`` wraps, and any other dataset itself."""
    # Kedro gives no access to it.
    return dataset._dataset if isinstance(dataset, CachedDataset) else dataset  # noqa: SLF001 - see above


def is_in_memory(dataset: AbstractDataset[Any, Any]) -> bool:
    """Tell whether a dataset loses its data when it is released, as a ``MemoryDataset`` does."""
    # The flag is how Kedro has the author of a dataset say so. A CachedDataset sets it, and has its data elsewhere.
    return not isinstance(dataset, CachedDataset) and dataset._EPHEMERAL  # noqa: SLF001 - see above


def has_data(dataset: AbstractDataset[Any, Any]) -> bool | None:
    """Tell whether a dataset has anything to load; None when only loading it can tell.

    Raises:
        Exception: What the dataset or its file system raises, where it cannot be reached.
    """
    # Kedro's own answer for a dataset without this method, which its author may write, is that it has nothing.
    asks = type(dataset)._exists is not AbstractDataset._exists  # noqa: SLF001 - see above
    return dataset.exists() if asks else None


def public_uri(uri: str) -> str:
    """Return a URI as it may be shown: without a user, a password and a query, which may hold a signature."""
    parts = urlsplit(uri)
    if not parts.netloc:
        return uri.partition("?")[0]
    # A database may be reached by a socket that its query names: it has a user and no host.
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def saved_version(dataset: AbstractDataset[Any, Any]) -> str | None:
    """Return the version that a run saves a dataset under; None for a dataset that is not versioned."""
    return dataset.resolve_save_version() if isinstance(dataset, AbstractVersionedDataset) else None


def loaded_version(dataset: AbstractDataset[Any, Any]) -> str | None:
    """Return the version that a run has loaded of a dataset, or would load; None for one that is not versioned.

    Raises:
        DatasetError: When there is no version.
    """
    return dataset.resolve_load_version() if isinstance(dataset, AbstractVersionedDataset) else None


def catalog_secrets(names: Iterable[str], catalog: DataCatalog) -> list[Secret]:
    """Find the secrets that a catalog holds, whether files or code have made its datasets.

    Args:
        names: Those of its datasets that are made by now.
        catalog: The catalog.
    """
    made = {name: unwrapped(catalog[name]) for name in names if name in catalog}
    return [
        *(secret for name, dataset in made.items() for secret in dataset_secrets(name, dataset)),
        *find_secrets(catalog.config_resolver.config, "the catalog:"),
    ]


def dataset_secrets(name: str, dataset: AbstractDataset[Any, Any]) -> list[Secret]:
    """Find the secrets that a dataset was made with.

    Args:
        name: Its name in the catalog.
        dataset: The dataset.
    """
    return find_secrets(_arguments(dataset), f"'{name}' in the catalog,")


def _arguments(dataset: AbstractDataset[Any, Any]) -> Mapping[str, Any]:
    """Return what a dataset's constructor was given, defaults included."""
    # Kedro's own `to_config` gives a copy of it, and so demands that all of it can be copied.
    arguments: Mapping[str, Any] = dataset._init_args  # type: ignore[attr-defined]  # noqa: SLF001 - see above
    if arguments.keys() != {"args", "kwargs"}:
        return arguments
    # Of a class that inherits its constructor, Kedro keeps them as they were given.
    bound = inspect.signature(type(dataset)).bind(*arguments["args"], **arguments["kwargs"])
    bound.apply_defaults()
    return bound.arguments


@lru_cache(maxsize=256)
def _parameters(kind: type) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(kind).parameters


def _demanded(kind: type) -> set[str]:
    variadic = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
    return {
        name
        for name, parameter in _parameters(kind).items()
        if parameter.default is inspect.Parameter.empty and parameter.kind not in variadic
    }


def _path_argument(kind: type) -> PathArgument | None:
    demanded = _demanded(kind)
    return next((argument for argument in PathArgument if argument.value in demanded), None)


def _portable_dataset(kind: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """Reduce a dataset's configuration to what loads it anywhere, but for its path.

    Raises:
        _NotPortableError: When something in it is needed and must not leave this machine.
    """
    # Not so for a class of a notebook, or one that a function makes.
    if kind.__module__ == "__main__" or vars(sys.modules[kind.__module__]).get(kind.__name__) is not kind:
        raise _NotPortableError
    config: dict[str, Any] = {"type": f"{kind.__module__}.{kind.__name__}"}
    parameters = _parameters(kind)
    for name, value in given.items():
        parameter = parameters[name]
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            config |= _portable_mapping(value)
        elif name == "dataset" and "path" in parameters:
            config[name] = _portable_partition(value)
        elif name not in _NOT_FOR_LOADING and not _is_default(value, parameter):
            config |= _portable_mapping({name: value})
    unknown = [name for name in config if name != "type" and not _may_travel(name, config[name], kind)]
    if unknown:
        raise _NotPortableError
    return config


def _may_travel(name: str, value: Any, kind: type) -> bool:
    """Tell whether an argument of a dataset's constructor is for loading, or cannot be a secret."""
    is_known = name in _FOR_LOADING or (kind.__module__.partition(".")[0], name) == _HDF_KEY
    return is_known or isinstance(value, bool | int | float | None)


def _portable_partition(value: Any) -> dict[str, Any]:
    """Reduce what a partitioned dataset is told of its partitions: a class, its name, or a configuration."""
    kind, given = parse_dataset_definition(dict(value) if isinstance(value, Mapping) else {"type": value})
    config = _portable_dataset(kind, given)
    return {**config, "versioned": True} if "version" in given else config


def _is_default(value: Any, parameter: inspect.Parameter) -> bool:
    # What is no plain data may compare in a way of its own.
    return type(value) is type(parameter.default) and isinstance(value, (*_PLAIN, tuple)) and value == parameter.default


def _portable_mapping(values: Mapping[Any, Any]) -> dict[str, Any]:
    opened = values.get("fs_args")
    # They say how a file's bytes are read, but in a place where only access belongs.
    if isinstance(opened, Mapping) and opened.get("open_args_load"):
        raise _NotPortableError
    return {key: _portable_value(key, value) for key, value in values.items() if key not in _ACCESS}


def _portable_value(key: Any, value: Any) -> Any:
    # JSON would turn a number among the keys into a string.
    if not isinstance(key, str) or (value is not None and _is_doubtful(key)):
        raise _NotPortableError
    if isinstance(value, Mapping):
        return _portable_mapping(value)
    if isinstance(value, list):
        return [_portable_value("", item) for item in value]
    if type(value) not in _PLAIN or (isinstance(value, str) and _must_stay(value)):
        raise _NotPortableError
    return value


def _is_doubtful(key: str) -> bool:
    # "key" by itself is where an HDF5 file has the data, and how rows are sorted or grouped.
    return is_doubtful(key) and key != "key"


def _must_stay(value: str) -> bool:
    """Tell whether a string is a path on this machine, or has a secret in it."""
    if holds_secret(value):
        return True
    if "://" in value:
        return urlsplit(value).scheme == "file"
    if "\0" in value:
        return False
    path = Path(value)
    # A key in an HDF5 file begins with a slash, too.
    return path.is_absolute() and path.parent != Path(path.anchor) and path.parent.exists()


def _place(
    dataset: AbstractDataset[Any, Any], given: str, storage_options: Mapping[str, Any]
) -> tuple[AbstractFileSystem, str]:
    filesystem = getattr(dataset, "_fs", None)
    filepath = getattr(dataset, "_filepath", None)
    if filesystem is not None and filepath is not None:
        # By convention Kedro's file datasets have these, with their own idea of what is the path in a URL.
        return filesystem, get_filepath_str(PurePosixPath(filepath), getattr(dataset, "_protocol", "file"))
    filesystem, path = url_to_fs(given, **storage_options)
    return filesystem, str(path).rstrip("/")


def _storage_options(given: Mapping[str, Any]) -> dict[str, Any]:
    options = {**(given.get("credentials") or {}), **(given.get("fs_args") or {})}
    return {key: value for key, value in options.items() if key not in {"open_args_load", "open_args_save"}}
