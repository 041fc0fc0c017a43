"""The modules of a pickle are those that loading it would import."""

from __future__ import annotations

import bz2
import collections
import copyreg
import datetime as dt
import decimal
import enum
import fractions
import functools
import gzip
import io
import json
import lzma
import os
import pathlib
import pickle
import tracemalloc
import uuid
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from joblib import numpy_pickle
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from kedro_autolog_pipeline.dependencies.pickles import pickle_modules

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
WRITERS: list[Callable[..., bytes]] = [
    pickle.dumps,
    pickle._dumps,  # type: ignore[attr-defined]  # noqa: SLF001 - Python's own picklers differ in what they memoise
    cloudpickle.dumps,
]

REFERENCES = [
    collections.OrderedDict,
    decimal.Decimal,
    json.JSONDecoder,
    dt.datetime.fromtimestamp,
    os.path.join,
    functools.reduce,
    len,
    enum.auto,
    pathlib.PurePosixPath,
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.complex_numbers()
    | st.text(st.characters(), max_size=600)
    | st.binary(max_size=600)
    | st.sampled_from(REFERENCES)
    | st.decimals()
    | st.fractions()
    | st.uuids()
    | st.datetimes()
    | st.timedeltas()
    | st.builds(range, st.integers(0, 9))
    | st.builds(pathlib.PurePosixPath, st.sampled_from(["a", "b/c"]))
    | st.builds(functools.partial, st.just(print), st.integers())
    | st.builds(bytearray, st.binary())
    | st.sampled_from(list(uuid.SafeUUID))
)
HASHABLE = st.integers() | st.text() | st.sampled_from(REFERENCES) | st.fractions() | st.tuples(st.text())


def _containers(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return (
        st.lists(children, max_size=5)
        | st.lists(children, max_size=5).map(tuple)
        | st.dictionaries(HASHABLE, children, max_size=5)
        | st.dictionaries(HASHABLE, children, max_size=5).map(collections.OrderedDict)
        | st.sets(HASHABLE, max_size=5)
        | st.frozensets(HASHABLE, max_size=5)
        | st.builds(lambda child: [child, child, (child, child)], children)
        | st.builds(collections.deque, st.lists(children, max_size=3))
    )


VALUES = st.recursive(SCALARS, _containers, max_leaves=20)


class _Recorder(pickle.Unpickler):
    """An unpickler that notes which modules it was asked for."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.modules: set[str] = set()

    def find_class(self, module_name: str, global_name: str) -> Any:
        self.modules.add(module_name)
        return super().find_class(module_name, global_name)


def _loaded_modules(*contents: bytes) -> set[str]:
    modules = set()
    for content in contents:
        recorder = _Recorder(io.BytesIO(content))
        recorder.load()
        modules |= recorder.modules
    return modules


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the path of a file that every test writes anew."""
    return tmp_path_factory.mktemp("pickles") / "value.pkl"


@given(VALUES, st.sampled_from(PROTOCOLS), st.sampled_from(WRITERS))
@example(["\ud800", fractions.Fraction(1)], 4, pickle.dumps)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_value(path: Path, value: Any, protocol: int, dumps: Callable[..., bytes]) -> None:
    """Exactly the modules are found that an unpickler asks for."""
    content = dumps(value, protocol)
    path.write_bytes(content)
    assert _loaded_modules(content) == pickle_modules(path)


@given(st.lists(VALUES, min_size=2, max_size=3), st.sampled_from(PROTOCOLS))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_several_pickles(path: Path, values: list[Any], protocol: int) -> None:
    """All pickles of a file are read."""
    contents = [pickle.dumps(value, protocol) for value in values]
    path.write_bytes(b"".join(contents))
    assert _loaded_modules(*contents) == pickle_modules(path)


@given(VALUES, st.sampled_from(PROTOCOLS), st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_cut_off(path: Path, value: Any, protocol: int, data: st.DataObject) -> None:
    """Of a file that ends early, what comes before its end counts."""
    content = pickle.dumps(value, protocol)
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    assert _loaded_modules(content) >= pickle_modules(path)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@example(b"NN\x93")
@settings(max_examples=300, deadline=None)
def test_no_pickle(path: Path, content: bytes) -> None:
    """Of a file that is no pickle, nothing is named that does not stand in it."""
    path.write_bytes(content)
    named = {module.encode("utf-8", "surrogatepass") for module in pickle_modules(path)}
    assert set() == {module for module in named if module not in content}


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there is an error, and no file without modules."""
    with pytest.raises(FileNotFoundError):
        pickle_modules(tmp_path / "missing.pkl")


class _Touch:
    """An object whose pickle creates a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.path,)


def test_nothing_is_executed(tmp_path: Path) -> None:
    """What a pickle would call is named, and not called."""
    (tmp_path / "value.pkl").write_bytes(pickle.dumps(_Touch(tmp_path / "created")))
    assert {os.mkdir.__module__} == pickle_modules(tmp_path / "value.pkl")
    assert not (tmp_path / "created").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"(ifractions\nFraction\n.",
        b"(cfractions\nFraction\nI1\no.",
        b"cfractions\nFraction\n)}\x92.",
        b"(cfractions\nFraction\nI1\nI2\nd0.",
        "cfrac­tions\nFraction\n.".encode(),
    ],
    ids=["INST", "OBJ", "NEWOBJ_EX", "DICT with items", "not ASCII"],
)
def test_rare_opcodes(path: Path, content: bytes) -> None:
    """Opcodes that Python reads and does not write, or hardly, are followed."""
    path.write_bytes(content)
    (module,) = pickle_modules(path)
    assert "fractions" == module.replace("­", "")


def test_name_that_is_no_text(path: Path) -> None:
    """A reference that no unpickler would follow ends the reading."""
    path.write_bytes(b"\x80\x04K\x01K\x02\x93cfractions\nFraction\n.")
    assert frozenset() == pickle_modules(path)


def test_extension_registry(path: Path) -> None:
    """A class that is registered under a number has no name in the pickle."""
    copyreg.add_extension("fractions", "Fraction", 240)
    try:
        path.write_bytes(pickle.dumps([fractions.Fraction, decimal.Decimal], 2))
    finally:
        copyreg.remove_extension("fractions", "Fraction", 240)
    assert {"decimal"} == pickle_modules(path)


def test_modules_of_a_pickled_function(path: Path) -> None:
    """The modules among the globals of a function that cloudpickle keeps are found."""
    namespace: dict[str, Any] = {"json": json, "__name__": "__main__"}
    exec("def dump(value):\n    return json.dumps(value)", namespace)  # noqa: S102 - a function without a module
    path.write_bytes(cloudpickle.dumps(namespace["dump"]))
    assert "json" in pickle_modules(path)


def test_modules_of_a_function_pickled_by_dill(path: Path) -> None:
    """The modules among the globals of a function that dill keeps are found."""
    path.write_bytes(b"\x80\x04cdill._dill\n_import_module\n\x8c\x04json\x85R.")
    assert {"dill._dill", "json"} == pickle_modules(path)


@pytest.mark.parametrize(
    "compress", [bytes, gzip.compress, bz2.compress, lzma.compress, zlib.compress], ids=lambda f: f.__module__
)
def test_compressed(path: Path, compress: Callable[[bytes], bytes]) -> None:
    """A compressed file is read like its content."""
    contents = [
        pickle.dumps([os.urandom(3_000_000), fractions.Fraction(1)]),
        pickle.dumps(decimal.Decimal(1)),
    ]
    path.write_bytes(compress(b"".join(contents)))
    assert _loaded_modules(*contents) == pickle_modules(path)


def test_cut_off_compressed(path: Path) -> None:
    """Of a compressed file that ends early, what comes before its end counts."""
    content = zlib.compress(pickle.dumps([fractions.Fraction(1), os.urandom(3_000_000), decimal.Decimal(1)]))
    path.write_bytes(content[:-100_000])
    assert {"fractions"} == pickle_modules(path)


@given(st.sampled_from([b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"]\x00\x00", b"x\x9c"]), st.binary(max_size=50))
@settings(max_examples=50, deadline=None)
def test_damaged_compressed(path: Path, magic: bytes, content: bytes) -> None:
    """A file that begins like a compressed one and goes on like none names nothing."""
    path.write_bytes(magic + content)
    assert frozenset() == pickle_modules(path)


def test_large_content_is_not_read(path: Path) -> None:
    """A file with large arrays needs little memory."""
    path.write_bytes(pickle.dumps([bytes(20_000_000), np.zeros(3_000_000), fractions.Fraction(1)], 5))
    tracemalloc.start()
    modules = pickle_modules(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "fractions" in modules
    assert peak < 1_000_000


ARRAYS = {
    "floats": np.arange(6.0).reshape(2, 3),
    "Fortran order": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "no dimension": np.array(1.5),
    "empty": np.zeros((0, 3)),
    "text": np.array(["a", "bcd"]),
    "bytes": np.array([b"a", b"bcd"]),
    "booleans": np.array([True, False]),
    "complex": np.array([1 + 2j]),
    "dates": np.array(["2026-01-01"], dtype="datetime64[ns]"),
    "other byte order": np.zeros(2, dtype=">f4"),
    "record": np.zeros(3, dtype=[("a", "f8"), ("b", "U3")]),
    "record with objects": np.zeros(3, dtype=[("a", "f8"), ("b", object)]),
    "objects": np.array([uuid.UUID(int=1), "cargparse\nArgumentParser\n."], dtype=object),
    "what reads as a pickle": np.frombuffer(b"cargparse\nArgumentParser\n.\x80\x04", dtype="u1"),
}


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_joblib(path: Path, array: np.ndarray[Any, Any], protocol: int) -> None:
    """What follows an array in a file of joblib is found, and the array's bytes are not mistaken for it."""
    values = [array, fractions.Fraction(1), {"again": array, array.dtype: array}, decimal.Decimal(1)]
    joblib.dump(values, path, protocol=protocol)
    modules = pickle_modules(path)
    assert {"fractions", "decimal"} <= modules
    assert "argparse" not in modules


@pytest.mark.parametrize("method", ["zlib", "gzip", "bz2", "lzma", "xz"])
def test_compressed_by_joblib(path: Path, method: str) -> None:
    """Each compression of joblib is read."""
    joblib.dump([*ARRAYS.values(), fractions.Fraction(1)], path, (method, 3))
    assert "fractions" in pickle_modules(path)


def test_objects_in_an_array_of_joblib(path: Path) -> None:
    """The objects of an array, which joblib writes as a pickle in the pickle, are followed."""
    joblib.dump(ARRAYS["objects"], path)
    assert "uuid" in pickle_modules(path)


def test_array_of_unknown_size(path: Path) -> None:
    """Where the size of an array is unknown, what comes before it counts."""
    content = pickle.dumps([fractions.Fraction(1), numpy_pickle.NumpyArrayWrapper(None, (2,), "C", None)])
    path.write_bytes(content + pickle.dumps(decimal.Decimal(1)))
    assert {"fractions", "joblib.numpy_pickle"} == pickle_modules(path)


def test_joblib_before_alignment(path: Path) -> None:
    """Files of joblib before 1.2, which did not align arrays, are read."""
    content = io.BytesIO()
    pickler = numpy_pickle.NumpyPickler(content, protocol=4)
    array = np.frombuffer(b"cargparse\nArgumentParser\n.", dtype="u1")
    wrapper = numpy_pickle.NumpyArrayWrapper(np.ndarray, array.shape, "C", array.dtype)
    del wrapper.numpy_array_alignment_bytes
    pickler.dump(wrapper)
    path.write_bytes(content.getvalue()[:-1] + array.tobytes() + b"0cdecimal\nDecimal\n.")
    assert {"decimal", "joblib.numpy_pickle", "numpy"} == pickle_modules(path)


@pytest.mark.parametrize("dump", [joblib.dump, lambda model, path: path.write_bytes(pickle.dumps(model))])
def test_trained_model(path: Path, dump: Callable[..., Any]) -> None:
    """Every step of a trained scikit-learn pipeline is found."""
    steps = make_pipeline(OneHotEncoder(sparse_output=False), StandardScaler(), RandomForestClassifier(3))
    dump(steps.fit(np.array([["a"], ["b"], ["a"]]), np.array(["x", "y", "x"])), path)
    assert {
        "sklearn.pipeline",
        "sklearn.preprocessing._encoders",
        "sklearn.preprocessing._data",
        "sklearn.ensemble._forest",
        "sklearn.tree._tree",
    } <= pickle_modules(path)
