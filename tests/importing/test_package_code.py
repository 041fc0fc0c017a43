"""Tests of what a package's modules are to the process, and the process's to them."""

from __future__ import annotations

import importlib
import logging
import pickle
import shutil
import sys
import threading
import typing
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any
from uuid import uuid4

import kedro.io
import pytest

from kedro_autolog_pipeline.importing.package_code import PackageCode

LAZY = {
    "import shop.late": "shop.late.VERSION",
    "import shop.late as late": "late.VERSION",
    "from shop import late": "late.VERSION",
    "from shop.late import VERSION": "VERSION",
    "from . import late": "late.VERSION",
    "from .late import VERSION": "VERSION",
    "late = __import__('shop.late', fromlist=['VERSION'])": "late.VERSION",
}
"""Import statements for a function, each with what it has imported."""


MODELS: list[PackageCode] = []
"""What a test has loaded, until it ends."""


@pytest.fixture
def shop() -> Iterator[str]:
    """Give a name that no other test uses, and leave nothing of it in the process."""
    name = f"shop_{uuid4().hex[:8]}"
    path, finders = list(sys.path), list(sys.meta_path)
    yield name
    MODELS.clear()
    sys.path[:], sys.meta_path[:] = path, finders
    for imported in modules_of(name):
        del sys.modules[imported]


@pytest.fixture
def package(tmp_path: Path, shop: str) -> Callable[..., PackageCode]:
    """Give what writes a package of the shop's code and prepares it as MLflow does."""

    def write(files: Mapping[str, str], *names: str) -> PackageCode:
        directory = tmp_path / uuid4().hex
        write_code(directory / "code", shop, files)
        directory.mkdir(exist_ok=True)
        for name in ("MLmodel", "manifest.json"):
            (directory / name).touch()
        # MLflow makes a new list.
        sys.path = [str(directory / "code"), *sys.path]
        return PackageCode(directory, "prices", names or [shop])

    return write


def write_code(directory: Path, shop: str, files: Mapping[str, str]) -> None:
    """Write modules, in whose source the package is called ``shop``."""
    for name, text in files.items():
        file = directory / name.replace("shop", shop)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text).replace("shop", shop), encoding="utf-8")
    importlib.invalidate_caches()


def version(number: int, **more: str) -> dict[str, str]:
    """Give the files of one version of the shop."""
    return {
        "shop/__init__.py": "",
        "shop/nodes.py": """
            from shop.constants import VERSION
            from . import constants
            import shop.constants

            def versions():
                return VERSION, constants.VERSION, shop.constants.VERSION
            """,
        "shop/constants.py": f"VERSION = {number}",
        "shop/late.py": f"VERSION = {number}",
        **{f"shop/{name}.py": text for name, text in more.items()},
    }


def own_module(name: str) -> Any:
    """Import a module, and give it without the signpost that may lead to it."""
    found = importlib.import_module(name)
    modules = (module for module in list(sys.modules.values()) if type(module) is ModuleType)
    return next(module for module in modules if vars(module) is found.__dict__)


class PackageModel:
    """A module, and as long as there is this object a model that has it."""

    def __init__(self, code: PackageCode, module: str) -> None:
        self.module = code.load(own_module, module)
        self._code = code


def loaded(code: PackageCode, module: str) -> Any:
    """Load a module as a model does."""
    MODELS.append(code)
    return code.load(own_module, module)


def modules_of(name: str) -> dict[str, ModuleType]:
    """Give what the process has by a name."""
    return {each: module for each, module in sys.modules.items() if each.partition(".")[0] == name}


def imported_by_the_process(directory: Path, shop: str, number: int) -> ModuleType:
    """Have the process import its own version of the shop."""
    write_code(directory, shop, version(number))
    sys.path.insert(0, str(directory))
    return importlib.import_module(f"{shop}.nodes")


def test_each_package_runs_its_own_modules(shop: str, package: Callable[..., PackageCode]) -> None:
    """Two packages that ship modules of the same names give each its own, whichever comes first."""
    first = loaded(package(version(1)), f"{shop}.nodes")
    second = loaded(package(version(2)), f"{shop}.nodes")

    assert (1, 1, 1) == first.versions()
    assert (2, 2, 2) == second.versions()
    assert f"{shop}.nodes" == first.__name__ == first.__spec__.name


def test_names_are_free_when_the_last_model_is_gone(shop: str, package: Callable[..., PackageCode]) -> None:
    """Of models that are gone nothing is in `sys.modules`, on `sys.path`, `sys.meta_path` or in its caches."""
    path, finders, modules, caches = (
        list(sys.path),
        list(sys.meta_path),
        set(sys.modules),
        set(sys.path_importer_cache),
    )

    for number in (1, 2, 1, 3):
        loaded(package(version(number)), f"{shop}.nodes")
    assert modules < set(sys.modules)
    MODELS.clear()

    assert (path, finders, modules, caches) == (
        sys.path,
        sys.meta_path,
        set(sys.modules),
        set(sys.path_importer_cache),
    )


def test_code_that_is_the_same_is_one_set_of_modules(shop: str, package: Callable[..., PackageCode]) -> None:
    """Models whose packages hold the same files share their modules, until the last of them is gone."""
    first, second = (PackageModel(package(version(1)), f"{shop}.nodes") for _ in range(2))
    nodes = sys.modules[f"{shop}.nodes"]

    assert first.module is second.module is nodes
    del first
    assert nodes is sys.modules[f"{shop}.nodes"]
    assert (1, 1, 1) == second.module.versions()
    del second
    assert {} == modules_of(shop)


def test_the_second_version_has_the_names_when_the_first_is_gone(
    shop: str, package: Callable[..., PackageCode]
) -> None:
    """A server that loads a new version, and lets the old one go, is as one that has loaded the new one alone."""
    first, second = (PackageModel(package(version(number)), f"{shop}.nodes") for number in (1, 2))
    assert (1, 1, 1) == sys.modules[f"{shop}.nodes"].versions()
    place = second.module.__file__

    del first

    assert second.module is sys.modules[f"{shop}.nodes"]
    assert place == str(Path(sys.path[-1], shop, "nodes.py"))


def test_shared_modules_are_read_from_where_there_still_is_a_model(
    shop: str, package: Callable[..., PackageCode]
) -> None:
    """The directory of a model that is gone may be removed: the others read the same files from their own."""
    functions = """
        from pathlib import Path

        def call():
            from .late import VERSION
            return VERSION, Path(__file__).with_name("late.py").read_text()
        """
    first, second = (PackageModel(package(version(1, functions=functions)), f"{shop}.functions") for _ in range(2))
    place = Path(first.module.__file__).parents[2]

    del first
    shutil.rmtree(place)

    assert (1, "VERSION = 1") == second.module.call()
    third = PackageModel(package(version(1, functions=functions)), f"{shop}.functions")
    assert third.module is second.module
    shutil.rmtree(Path(second.module.__file__).parents[2])
    fourth = PackageModel(package(version(1, functions=functions)), f"{shop}.functions")
    assert (1, "VERSION = 1") == fourth.module.call()


def test_an_object_that_outlives_its_model_still_imports(shop: str, package: Callable[..., PackageCode]) -> None:
    """A function of a model that is gone imports its own modules, and holds no name afterwards."""
    functions = "def call():\n    from . import late\n    return late.VERSION"
    function = PackageModel(package(version(1, functions=functions)), f"{shop}.functions").module.call
    assert {} == modules_of(shop)

    assert 1 == function()

    assert {} == modules_of(shop)


def test_the_modules_of_the_process_stay(shop: str, package: Callable[..., PackageCode], tmp_path: Path) -> None:
    """In a process with its own version, a package runs its own, and `sys.modules` is unchanged."""
    own = imported_by_the_process(tmp_path, shop, 0)
    before, path = modules_of(shop), list(sys.path)

    nodes = loaded(package(version(1)), f"{shop}.nodes")

    assert ((1, 1, 1), (0, 0, 0)) == (nodes.versions(), own.versions())
    assert before == modules_of(shop)
    assert path == sys.path


def test_what_the_process_has_not_imported_yet_stays_its_own(
    shop: str, package: Callable[..., PackageCode], tmp_path: Path
) -> None:
    """A process that can import a version of its own gets that one, after a model was loaded."""
    write_code(tmp_path, shop, version(0))
    sys.path.append(str(tmp_path))

    nodes = loaded(package(version(1)), f"{shop}.nodes")

    assert {} == modules_of(shop)
    assert (0, 0, 0) == importlib.import_module(f"{shop}.nodes").versions()
    assert (1, 1, 1) == nodes.versions()


@pytest.mark.parametrize("statement", LAZY)
def test_an_import_statement_in_a_function_finds_the_packages_module(
    shop: str, package: Callable[..., PackageCode], tmp_path: Path, statement: str
) -> None:
    """Whatever its form, it is executed when the function is called, and leaves `sys.modules` unchanged."""
    imported_by_the_process(tmp_path, shop, 0)
    before = modules_of(shop)
    functions = f"""
        def call():
            {statement}
            return {LAZY[statement]}
        """
    first = loaded(package(version(1, functions=functions)), f"{shop}.functions")
    second = loaded(package(version(2, functions=functions)), f"{shop}.functions")

    assert [1, 2, 1, 2] == [first.call(), second.call(), first.call(), second.call()]
    assert before == modules_of(shop)


def test_a_module_that_is_imported_late_imports_as_the_others(shop: str, package: Callable[..., PackageCode]) -> None:
    """An import statement in a module that a function has imported finds the package's modules, too."""
    more = {
        "functions": "def call():\n    from .between import call\n    return call()",
        "between": """
            def call():
                from json import dumps
                from shop.late import VERSION
                return dumps(VERSION)
            """,
    }
    first, second = (loaded(package(version(number, **more)), f"{shop}.functions") for number in (1, 2))

    assert ["1", "2"] == [first.call(), second.call()]


def test_modules_that_are_imported_late_may_import_one_another(shop: str, package: Callable[..., PackageCode]) -> None:
    """A circle of imports is what it is to Python: each module is executed once."""
    more = {
        "functions": "def call():\n    from .there import VERSION\n    return VERSION",
        "there": "from . import back\nfrom .back import VERSION",
        "back": "from . import there\nfrom .late import VERSION",
    }
    first, second = (loaded(package(version(number, **more)), f"{shop}.functions") for number in (1, 2))

    assert [1, 2] == [first.call(), second.call()]


def test_an_import_that_fails_says_what_python_says(shop: str, package: Callable[..., PackageCode]) -> None:
    """A relative import above the package, and a module that is not there, raise the usual errors."""
    functions = "def above():\n    from ... import late\n\ndef missing():\n    from . import nowhere"
    for number in (1, 2):
        module = loaded(package(version(number, functions=functions)), f"{shop}.functions")

        with pytest.raises(ImportError, match="attempted relative import beyond top-level package"):
            module.above()
        with pytest.raises(ImportError, match="cannot import name 'nowhere'"):
            module.missing()


def test_threads_may_import_late_at_the_same_time(shop: str, package: Callable[..., PackageCode]) -> None:
    """Functions of two models that import in many threads find each its own module."""
    more = {f"late_{i}": "import time\ntime.sleep(0.001)\nfrom .constants import VERSION" for i in range(8)}
    lines = ["import importlib"] + [
        f"def call_{i}():\n    from .late_{i} import VERSION\n    return VERSION" for i in range(8)
    ]
    first, second = (
        loaded(package(version(number, functions="\n".join(lines), **more)), f"{shop}.functions") for number in (1, 2)
    )
    calls = [
        (number, getattr(module, f"call_{i}")) for i in range(8) for number, module in ((1, first), (2, second))
    ] * 8

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda call: call[1](), calls))

    assert [number for number, _ in calls] == answers


def test_threads_may_import_while_a_model_is_loaded(shop: str, package: Callable[..., PackageCode]) -> None:
    """What loads artifacts in threads of its own gets the package's modules there."""
    for number in (1, 2):
        code = package(version(number))

        def load(code: PackageCode = code) -> Any:
            with ThreadPoolExecutor(1) as pool:
                return pool.submit(importlib.import_module, f"{shop}.nodes").result(timeout=30)

        assert (number,) * 3 == code.load(load).versions()


def test_classes_that_ask_for_their_module_while_it_is_imported_find_it(
    shop: str, package: Callable[..., PackageCode], tmp_path: Path
) -> None:
    """A dataclass with annotations as text looks its module up in `sys.modules`."""
    imported_by_the_process(tmp_path, shop, 0)
    types = """
        from __future__ import annotations
        from dataclasses import InitVar, dataclass

        @dataclass
        class Price:
            amount: float
            factor: InitVar[int] = 2

            def __post_init__(self, factor: int) -> None:
                self.amount *= factor
        """

    module = loaded(package(version(1, types=types)), f"{shop}.types")

    assert 6.0 == module.Price(3.0).amount


def test_a_pickle_is_read_with_the_packages_classes(shop: str, package: Callable[..., PackageCode]) -> None:
    """An object whose class the package ships is of its class, where the process has another one."""
    price = "class Price:\n    def version(self):\n        from .late import VERSION\n        return VERSION"
    codes = [package(version(number, price=price)) for number in (1, 2)]
    pickled = f"c{shop}.price\nPrice\n)\x81.".encode("latin-1")

    objects = [code.load(pickle.loads, pickled) for code in codes]

    assert [1, 2] == [each.version() for each in objects]


def test_the_names_belong_to_the_only_model_of_a_process(shop: str, package: Callable[..., PackageCode]) -> None:
    """Where nobody else claims them, what finds modules by name finds the model's, as after any import."""
    types = """
        from __future__ import annotations

        class Price:
            next: Price
        """
    functions = "def call():\n    from . import late\n    return late"
    module = loaded(package(version(1, types=types, functions=functions)), f"{shop}.types")
    price = module.Price()

    assert module is sys.modules[f"{shop}.types"]
    assert module.Price is type(pickle.loads(pickle.dumps(price)))
    assert {"next": module.Price} == typing.get_type_hints(module.Price)
    by_name = importlib.import_module(f"{shop}.functions")
    assert by_name.call() is importlib.import_module(f"{shop}.late")
    assert module.__file__ == str(Path(sys.path[-1], shop, "types.py"))


def test_threads_may_import_by_name_and_by_statement_at_the_same_time(
    shop: str, package: Callable[..., PackageCode]
) -> None:
    """A thread that imports a module by its name, and one whose statement does, do not wait for each other."""
    functions = """
        import importlib, threading
        meeting = threading.Barrier(2)

        def by_name():
            return importlib.import_module("shop.slow").VERSION

        def by_statement():
            meeting.wait(30)
            from .slow import VERSION
            return VERSION
        """
    slow = """
        import time
        from .functions import meeting

        meeting.wait(30)
        time.sleep(0.2)
        from .late import VERSION
        """
    module = loaded(package(version(1, functions=functions, slow=slow)), f"{shop}.functions")

    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(call) for call in (module.by_name, module.by_statement)]

        assert [1, 1] == [answer.result(timeout=30) for answer in answers]


def test_the_names_are_those_of_the_oldest_of_several_versions(shop: str, package: Callable[..., PackageCode]) -> None:
    """To whoever is no function of a model, the names stand for what they stood for before there was a second one."""
    functions = "def call():\n    from . import late\n    return late.VERSION"
    first = loaded(package(version(1, functions=functions)), f"{shop}.nodes")
    by_name = importlib.import_module(f"{shop}.functions")

    second = loaded(package(version(2, functions=functions)), f"{shop}.functions")

    assert [(1, 1, 1), 1, 2] == [first.versions(), by_name.call(), second.call()]
    assert 1 == importlib.import_module(f"{shop}.late").VERSION
    assert by_name.call is importlib.import_module(f"{shop}.functions").call


ESTIMATOR = """
    from __future__ import annotations
    import dataclasses
    from .late import VERSION

    class Estimator:
        next: Estimator
        version = VERSION

    @dataclasses.dataclass
    class Price:
        amount: float = VERSION
        currency: dataclasses.InitVar[str] = "EUR"

    def version_of(estimator):
        return estimator.version
    """

BY_NAME = {
    "pickle": "type(pickle.loads(pickle.dumps(Estimator()))).version",
    "pickle of a function": "pickle.loads(pickle.dumps(version_of))(Estimator())",
    "pickle of text": "pickle.loads(b'cshop.estimator\\nEstimator\\n.').version",
    "pickle in Python": "type(pickle._loads(pickle._dumps(Estimator()))).version",
    "cloudpickle": "type(pickle.loads(cloudpickle.dumps(Estimator()))).version",
    "joblib": "joblib_round_trip(Estimator()).version",
    "joblib's hash": "joblib.hash(Estimator()) and VERSION",
    "joblib's threads": "joblib.Parallel(2, prefer='threads')([joblib.delayed(dumped)(Estimator())])[0]",
    "deepcopy": "copy.deepcopy(Estimator()).version",
    "get_type_hints": "typing.get_type_hints(Estimator)['next'].version",
    "get_annotations": "inspect.get_annotations(Estimator, eval_str=True)['next'].version",
    "dataclasses": "dataclasses.replace(Price(), currency='USD').amount",
    "make_dataclass": "dataclasses.make_dataclass('Sum', [('x', int, 0)], bases=(Price,))().amount",
    "import_module": "importlib.import_module('shop.late').VERSION",
    "import_module, relative": "importlib.import_module('.late', __package__).VERSION",
    "import_module, of none": "importlib.import_module('.late', __package__) and missing() or VERSION",
    "sys.modules": "sys.modules[__name__].VERSION",
    "resources": "int(importlib.resources.files('shop').joinpath('late.py').read_text().split()[-1])",
    "find_spec": "int(importlib.util.find_spec('shop.late').loader.get_source('shop.late').split()[-1])",
    "a thread": "ThreadPoolExecutor(1).submit(dumped, Estimator()).result()",
}
"""What looks modules up by name in a function, each as an expression that gives the version."""

LOOKING_UP = """
    import copy, dataclasses, importlib.resources, importlib.util, inspect, io, pickle, sys, typing
    from concurrent.futures import ThreadPoolExecutor
    import cloudpickle, joblib
    from .estimator import VERSION, Estimator, Price, version_of

    def dumped(value):
        return type(pickle.loads(pickle.dumps(value))).version

    def joblib_round_trip(value):
        file = io.BytesIO()
        joblib.dump(value, file)
        return joblib.load(file)

    def missing():
        try:
            importlib.import_module("shop.nowhere")
        except ModuleNotFoundError as error:
            assert "No module named 'shop.nowhere'" == str(error)

    def call():
        return {expression}
    """


@pytest.mark.parametrize("how", BY_NAME)
def test_what_looks_a_module_up_by_name_finds_its_own_in_every_version(
    shop: str, package: Callable[..., PackageCode], how: str
) -> None:
    """A function of each of three versions finds what is its own, and so it does when the oldest is gone."""
    functions = LOOKING_UP.format(expression=BY_NAME[how])
    models = [
        PackageModel(package(version(number, estimator=ESTIMATOR, functions=functions)), f"{shop}.functions")
        for number in (1, 2, 3)
    ]

    assert [1, 2, 3] == [model.module.call() for model in models]
    del models[0]
    assert [2, 3] == [model.module.call() for model in models]
    del models[0]
    assert [3] == [model.module.call() for model in models]


def test_threads_of_two_versions_look_up_by_name_while_others_are_loaded(
    shop: str, package: Callable[..., PackageCode]
) -> None:
    """No thread finds another version's modules, while versions come and go."""
    functions = LOOKING_UP.format(expression="dumped(Estimator()), importlib.import_module('shop.late').VERSION")

    def model(number: int) -> PackageModel:
        return PackageModel(package(version(number, estimator=ESTIMATOR, functions=functions)), f"{shop}.functions")

    serving = [model(1), model(2)]
    stopped = threading.Event()

    def ask(number: int) -> int:
        asked = 0
        while not stopped.is_set():
            assert (number, number) == serving[number - 1].module.call()
            asked += 1
        return asked

    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(ask, number) for number in (1, 2) * 4]
        try:
            for number in (3, 1, 2, 4) * 5:
                assert (number, number) == model(number).module.call()
        finally:
            stopped.set()

    assert all(answer.result() for answer in answers)


DISTURBED_WHEN_EXECUTED = """
    from shop.constants import VERSION
    from shop.functions import disturb
    disturb()
    """

DISTURBED_WHEN_ASKED = """
    questions = []

    def __getattr__(name):
        questions.append(name)
        if len(questions) == 1:
            raise AttributeError(name)
        from shop.functions import disturb
        disturb()
        return 1
    """


@pytest.mark.parametrize("disturbed", [DISTURBED_WHEN_EXECUTED, DISTURBED_WHEN_ASKED])
def test_a_model_may_give_up_its_names_in_the_middle_of_an_import(
    shop: str, package: Callable[..., PackageCode], disturbed: str
) -> None:
    """A late import during which a second model is loaded gives the first model's module."""
    functions = "def call():\n    from .disturbed import VERSION\n    return VERSION"
    code = package({**version(1, functions=functions), "shop/disturbed/__init__.py": disturbed})
    module = loaded(code, f"{shop}.functions")
    if disturbed is DISTURBED_WHEN_ASKED:
        loaded(code, f"{shop}.disturbed")
    second: list[ModuleType] = []

    def load_second() -> None:
        if not second:
            second.append(loaded(package(version(2)), f"{shop}.nodes"))

    module.disturb = load_second

    assert 1 == module.call()
    assert (2, 2, 2) == second[0].versions()


def test_a_late_import_may_fail_in_the_only_model_of_a_process(shop: str, package: Callable[..., PackageCode]) -> None:
    """What a module raises when a function imports it comes through."""
    functions = "def call():\n    from . import broken"
    module = loaded(
        package(version(1, functions=functions, broken="raise RuntimeError('broken')")), f"{shop}.functions"
    )

    with pytest.raises(RuntimeError, match="broken"):
        module.call()


def test_a_process_that_takes_the_names_back_keeps_them(
    shop: str, package: Callable[..., PackageCode], tmp_path: Path
) -> None:
    """Kedro's `reload_kedro` forgets the project's modules: the model goes on with its own."""
    functions = "def call():\n    from . import late\n    return late.VERSION"
    module = loaded(package(version(1, functions=functions)), f"{shop}.functions")
    for name in modules_of(shop):
        del sys.modules[name]
    own = imported_by_the_process(tmp_path, shop, 0)
    before = modules_of(shop)

    assert 1 == module.call()
    assert (0, 0, 0) == own.versions()
    assert before == modules_of(shop)
    assert (2, 2, 2) == loaded(package(version(2)), f"{shop}.nodes").versions()
    assert before == modules_of(shop)


def test_a_package_that_cannot_be_loaded_leaves_the_process_as_it_was(
    shop: str, package: Callable[..., PackageCode], tmp_path: Path
) -> None:
    """What a module raises comes through, and `sys.modules` is unchanged."""
    imported_by_the_process(tmp_path, shop, 0)
    before, path, finders = modules_of(shop), list(sys.path), list(sys.meta_path)

    with pytest.raises(RuntimeError, match="no shop"):
        loaded(package(version(1, nodes="raise RuntimeError('no shop')")), f"{shop}.nodes")

    assert before == modules_of(shop)
    assert path == sys.path
    assert finders == sys.meta_path


def test_a_portion_of_a_namespace_package_is_shipped_beside_those_of_the_environment(
    shop: str, package: Callable[..., PackageCode], tmp_path: Path
) -> None:
    """`shop` has no file of its own: the package ships `shop.prices`, and `shop.core` is installed."""
    write_code(tmp_path, shop, {"shop/core.py": "CORE = True"})
    sys.path.append(str(tmp_path))
    prices = """
        from shop.core import CORE

        def call():
            from shop.late import VERSION
            return VERSION, CORE
        """
    codes = [
        package({"shop/prices/__init__.py": prices, "shop/late.py": f"VERSION = {number}"}, f"{shop}.prices")
        for number in (1, 2)
    ]

    first = loaded(codes[0], f"{shop}.prices")
    assert first is sys.modules[f"{shop}.prices"]
    second = loaded(codes[1], f"{shop}.prices")

    assert [(1, True), (2, True)] == [first.call(), second.call()]


def test_the_program_itself_is_shared(shop: str, package: Callable[..., PackageCode]) -> None:
    """A package that ships Kedro, or us, gets what runs in the process."""
    code = package({**version(1), "kedro/__init__.py": ""}, shop, "kedro", "kedro_autolog_pipeline")

    assert (1, 1, 1) == loaded(code, f"{shop}.nodes").versions()
    assert kedro.io is sys.modules["kedro.io"]
    assert PackageCode is loaded(code, "kedro_autolog_pipeline.importing.package_code").PackageCode


def test_what_a_package_does_not_ship_is_found_as_ever(
    shop: str, package: Callable[..., PackageCode], tmp_path: Path
) -> None:
    """A library that the model is the first to import is the process's afterwards."""
    library = f"library_{uuid4().hex}"
    write_code(tmp_path, shop, {f"{library}.py": ""})
    sys.path.append(str(tmp_path))

    for number in (1, 2):
        loaded(package(version(number, nodes=f"import {library}")), f"{shop}.nodes")

    MODELS.clear()
    assert {} == modules_of(shop)
    del sys.modules[library]


def test_a_model_without_code_changes_nothing(shop: str, package: Callable[..., PackageCode]) -> None:
    """What a package does not ship is the process's."""
    path = list(sys.path)

    assert loaded(package({}, "kedro_autolog_pipeline"), "json") is sys.modules["json"]
    assert path == sys.path


def test_a_name_that_a_finder_refuses_is_nobodys(
    shop: str, package: Callable[..., PackageCode], tmp_path: Path
) -> None:
    """A finder may raise instead of finding nothing, as the one that proves a package does."""

    class Refusal:
        """Refuses the shop."""

        @staticmethod
        def find_spec(name: str, *_: object) -> None:
            """Refuse it."""
            if name == shop:
                raise ModuleNotFoundError(name)

    sys.meta_path.insert(0, Refusal)

    module = loaded(package(version(1)), f"{shop}.nodes")

    assert module is sys.modules[f"{shop}.nodes"]


@pytest.mark.parametrize(
    "line",
    [
        "importlib.import_module('shop.late')",
        "import_module('.late', __package__)",
        "import_module(name)",
        "pickle.loads(name)",
        "joblib.load(name)",
    ],
)
def test_what_looks_modules_up_by_name_when_it_predicts_is_told(
    shop: str, package: Callable[..., PackageCode], line: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One WARNING for a model that may run code that is not its own; none where only models have its names."""
    source = f"def call(name):\n    return {line}"

    loaded(package(version(1, functions=source)), f"{shop}.functions")
    loaded(package(version(2, functions=source)), f"{shop}.functions")
    assert [] == caplog.records
    MODELS.clear()
    imported_by_the_process(tmp_path, shop, 0)
    loaded(package(version(1, functions=source)), f"{shop}.functions")

    expected = (
        f"'prices' may run code that it was not packaged with: when it predicts, {shop}.functions may look modules up "
        f"by name, and this process has other modules by the names {shop}. Load it in a process of its own."
    )
    assert [(logging.WARNING, expected)] == [(record.levelno, record.getMessage()) for record in caplog.records]


@pytest.mark.parametrize(
    "source",
    [
        "import joblib\ndef call(name):\n    return joblib.Parallel(2)(name)",
        "from joblib import Parallel, delayed",
        "def call(name):\n    import multiprocess.pool",
        "def call(name):\n    import dask.bag as bag",
        "def call(name):\n    from ray.util import ActorPool",
    ],
)
def test_what_sends_functions_to_other_processes_is_told_where_another_version_is(
    shop: str, package: Callable[..., PackageCode], source: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The worker of the second version would import the modules of the first; the first has its own there."""
    loaded(package(version(1, functions=source)), f"{shop}.functions")
    assert [] == caplog.records
    loaded(package(version(2, functions=source)), f"{shop}.functions")

    expected = (
        f"'prices' may run code that it was not packaged with: when it predicts, {shop}.functions may send functions "
        f"to other processes, and this process has other modules by the names {shop}. Load it in a process of its own."
    )
    assert [(logging.WARNING, expected)] == [(record.levelno, record.getMessage()) for record in caplog.records]


def test_files_that_joblib_reads_and_writes_are_no_functions_that_are_sent(
    shop: str, package: Callable[..., PackageCode], caplog: pytest.LogCaptureFixture
) -> None:
    """Many projects import joblib for its files alone, and a model of theirs has nothing to be warned of."""
    for source in ("import joblib\ndef call(name):\n    joblib.dump(name, name)", "from joblib import dump, load"):
        for number in (1, 2):
            loaded(package(version(number, functions=source)), f"{shop}.functions")

    assert [] == caplog.records


@pytest.mark.parametrize(
    "source",
    [
        "def call(name):\n    return importlib.import_module('json')",
        "def call(name):\n    return json.loads(name)",
        "import importlib\nlate = importlib.import_module('shop.late')",
        "def call(name):\n    from . import late",
    ],
)
def test_what_finds_its_own_modules_is_not_told(
    shop: str, package: Callable[..., PackageCode], source: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is logged for what is not shipped, what is imported at load, and what a statement imports."""
    imported_by_the_process(tmp_path, shop, 0)

    loaded(package(version(1, functions=source)), f"{shop}.functions")

    assert [] == caplog.records
