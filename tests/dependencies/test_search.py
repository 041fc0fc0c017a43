"""A model's environment holds what its modules import, and nothing that only training does."""

from __future__ import annotations

import pickle
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import kedro_autolog_pipeline
from installed import install, write_modules
from kedro_autolog_pipeline.dependencies.pickles import pickle_modules
from kedro_autolog_pipeline.dependencies.search import (
    Environment,
    Requirement,
    Seed,
    ShippedCode,
    find_environment,
)
from kedro_autolog_pipeline.dependencies.shipping import copy_code

PROJECT = {
    "gentoo/__init__.py": "import gentoo_logging",
    "gentoo/data/species.csv": "name\n",
    "gentoo/pipelines/__init__.py": "",
    "gentoo/pipelines/inference/__init__.py": "from .pipeline import create_pipeline",
    "gentoo/pipelines/inference/pipeline.py": "from .nodes import predict\nimport kedro_like",
    "gentoo/pipelines/inference/nodes.py": """
import os
import krillpy as kp
from gentoo.shared import clean
from typing import TYPE_CHECKING
try:
    import missing_at_all
except ImportError:
    missing_at_all = None
import also_missing.nested
if TYPE_CHECKING:
    import boosting

def predict(table):
    import late
    from . import rules
""",
    "gentoo/pipelines/inference/rules.py": "",
    "gentoo/pipelines/training/__init__.py": "",
    "gentoo/pipelines/training/nodes.py": "import boosting",
    "gentoo/shared/__init__.py": "from .cleaning import *",
    "gentoo/shared/cleaning.py": "import krillpy.frame\nimport loose_module",
}
NODES = Seed("gentoo.pipelines.inference.nodes", "function of node 'predict'")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a directory of installed distributions that Python imports from."""
    site = tmp_path / "site"
    install(
        site,
        "Krill-Py",
        {"krillpy/__init__.py": "", "krillpy/frame.py": "import undeclared"},
        version="2.1+cpu",
    )
    for name in ("boosting", "late", "kedro-like", "gentoo-logging", "undeclared", "unrelated"):
        install(site, name, {f"{name.replace('-', '_')}.py": "raise RuntimeError"})
    monkeypatch.syspath_prepend(site)
    return site


@pytest.fixture
def source(tmp_path: Path, site: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a directory of a project's own sources that Python imports from, beside what is installed."""
    write_modules(tmp_path / "src", PROJECT)
    write_modules(tmp_path / "src", {"loose_module.py": ""})
    monkeypatch.syspath_prepend(tmp_path / "src")
    return tmp_path / "src"


def _pinned(environment: Environment) -> list[str]:
    return [str(requirement) for requirement in environment.requirements]


def _shipped(environment: Environment) -> dict[str, Path]:
    return {code.module: code.source for code in environment.code}


def _find(*modules: str) -> Environment:
    return find_environment(Seed(module, "test") for module in modules)


def test_project(source: Path) -> None:
    """What the inference pipeline's nodes reach is shipped or pinned, with the reasons, and no more."""
    inference, shared = "gentoo.pipelines.inference", "gentoo.shared"
    assert Environment(
        code=(
            ShippedCode("gentoo", source / "gentoo", ("function of node 'predict'",)),
            ShippedCode("loose_module", source / "loose_module.py", (f"imported by {shared}.cleaning",)),
        ),
        requirements=(
            Requirement("gentoo-logging", "1.0", ("imported by gentoo",)),
            Requirement("kedro-like", "1.0", (f"imported by {inference}.pipeline",)),
            Requirement("Krill-Py", "2.1", (f"imported by {inference}.nodes", f"imported by {shared}.cleaning")),
            Requirement("late", "1.0", (f"imported by {inference}.nodes",)),
        ),
    ) == find_environment([NODES])


@pytest.mark.usefixtures("source")
def test_what_a_model_cannot_be_loaded_without() -> None:
    """A distribution that only a function imports is needed, and is no necessity."""
    assert "late==1.0" in _pinned(find_environment([NODES]))
    necessities = find_environment([NODES], at_import_only=True)
    assert "late==1.0" not in _pinned(necessities)
    assert "Krill-Py==2.1" in _pinned(necessities)


@pytest.mark.usefixtures("source")
def test_nothing_is_imported() -> None:
    """Finding an environment imports none of its modules, and is the same each time."""
    before = set(sys.modules)
    seeds = [NODES, Seed("krillpy.frame", "test")]
    assert find_environment(seeds) == find_environment(reversed(seeds))
    assert before == set(sys.modules)


@pytest.mark.usefixtures("site")
def test_seed_that_an_index_provides() -> None:
    """Of a module of a distribution, the distribution is pinned, and what that module itself imports."""
    environment = _find("krillpy.frame")
    assert (
        Environment(
            (),
            (
                Requirement("Krill-Py", "2.1", ("test",)),
                Requirement("undeclared", "1.0", ("imported by krillpy.frame",)),
            ),
        )
        == environment
    )
    assert ["Krill-Py==2.1"] == _pinned(_find("krillpy"))


@pytest.mark.usefixtures("source")
def test_imported_module_that_an_index_provides() -> None:
    """What a distribution's module imports is the distribution's own business, where it is no seed."""
    assert "undeclared==1.0" not in _pinned(find_environment([NODES]))


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("module", ["json.decoder", "__main__", "missing", "krillpy_missing.nodes", ""])
def test_seed_that_needs_nothing(module: str) -> None:
    """The standard library, the script that runs, and what is not there need nothing."""
    assert Environment((), ()) == _find(module)


@pytest.mark.usefixtures("site")
def test_missing_module_of_a_distribution() -> None:
    """Of a module that is made at run time, the distribution is pinned."""
    assert ["Krill-Py==2.1"] == _pinned(_find("krillpy.made_at_run_time"))


def test_reasons(source: Path) -> None:
    """Some reasons are given where there are many, each once."""
    write_modules(source, {f"reason_{number}.py": "import late\nimport late" for number in range(9)})
    (late,) = _find(*(f"reason_{number}" for number in range(9))).requirements
    assert tuple(f"imported by reason_{number}" for number in range(5)) == late.reasons


def test_lazy_package(source: Path) -> None:
    """What a package imports when an attribute is asked for counts once somebody takes an attribute."""
    lazy = "def __getattr__(name):\n    import boosting\n    from lazy.training import train"
    modules = {
        "lazy/__init__.py": lazy,
        "lazy/training.py": "import late",
        "lazy/nodes.py": "from lazy import training",
    }
    write_modules(source, {**modules, "lazy/report.py": "from lazy import train", "lazy/all.py": "import lazy"})
    assert [] == _pinned(_find("lazy.all"))
    assert ["late==1.0"] == _pinned(_find("lazy.nodes"))
    assert ["boosting==1.0", "late==1.0"] == _pinned(_find("lazy.report"))


def test_star_import(source: Path) -> None:
    """A star import takes the submodules that the package lists."""
    modules = {"stars/__init__.py": "__all__ = ['nodes', 'VALUE']", "stars/nodes.py": "import late"}
    write_modules(source, {**modules, "stars/other.py": "import boosting", "starred.py": "from stars import *"})
    assert ["late==1.0"] == _pinned(_find("starred"))
    write_modules(source, {"starred_away.py": "from missing import *"})
    assert [] == _pinned(_find("starred_away"))


@pytest.mark.parametrize("editable", [True, False])
def test_distribution_installed_from_a_path(site: Path, *, editable: bool) -> None:
    """A distribution that came from a path is shipped from where it is installed, and followed."""
    modules = {"local_dist/__init__.py": "import late", "local_module.py": "import boosting"}
    install(site, "local-dist", modules, direct_url={"dir_info": {"editable": editable}})
    environment = _find("local_dist", "local_module")
    assert {"local_dist": site / "local_dist", "local_module": site / "local_module.py"} == _shipped(environment)
    assert ["boosting==1.0", "late==1.0"] == _pinned(environment)


def test_loose_package_among_distributions(site: Path) -> None:
    """A package that lies among distributions and belongs to none is shipped."""
    write_modules(site, {"copied/__init__.py": "", "copied/nodes.py": ""})
    assert {"copied": site / "copied"} == _shipped(_find("copied.nodes"))


@pytest.mark.usefixtures("site")
def test_editable_install_with_a_finder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that a finder of an editable install maps to any directory is shipped from there."""
    write_modules(tmp_path / "checkout/lib", {"__init__.py": "", "nodes.py": "import late", "x/__init__.py": ""})

    class Finder:
        @classmethod
        def find_spec(cls, name: str, *_: object) -> ModuleSpec | None:
            file = tmp_path / "checkout/lib/__init__.py"
            return spec_from_file_location(name, file) if name == "mapped" else None

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder])
    environment = _find("mapped.nodes", "mapped.x")
    assert {"mapped": tmp_path / "checkout/lib"} == _shipped(environment)
    assert ["late==1.0"] == _pinned(environment)
    copy_code(environment.code, tmp_path / "code")
    assert (tmp_path / "code/mapped/nodes.py").is_file()


def test_file_added_to_a_distribution(site: Path) -> None:
    """A file that somebody added to a distribution's package cannot be shipped apart from it."""
    write_modules(site, {"krillpy/added.py": "import late", "krillpy/plain/nodes.py": ""})
    environment = _find("krillpy.added", "krillpy.plain.nodes")
    assert ["Krill-Py==2.1", "late==1.0"] == _pinned(environment)
    assert () == environment.code


def test_distribution_in_the_package_of_another(site: Path) -> None:
    """A distribution that adds modules to another's package is pinned beside it."""
    install(site, "krill-plugin", {"krillpy/plugin.py": ""})
    assert ["krill-plugin==1.0", "Krill-Py==2.1"] == _pinned(_find("krillpy.plugin"))


def test_project_without_init(source: Path) -> None:
    """A project whose package has no ``__init__.py`` is shipped whole."""
    write_modules(source, {"plain/pipelines/nodes.py": "import late", "plain/data/species.csv": ""})
    environment = _find("plain.pipelines.nodes")
    assert {"plain": source / "plain"} == _shipped(environment)
    assert ["late==1.0"] == _pinned(environment)
    assert Environment((), ()) == _find("plain")


def test_namespace_package(site: Path, source: Path, tmp_path: Path) -> None:
    """Of a namespace package, only the portions are shipped that no index provides."""
    install(site, "cold-index", {"cold/index/__init__.py": "", "cold/deep/index/__init__.py": ""})
    install(
        site,
        "cold-local",
        {"cold/deep/local/__init__.py": "", "cold/lone.py": ""},
        direct_url={"dir_info": {}},
    )
    write_modules(source, {"cold/own/nodes.py": "from cold import index\nfrom cold.deep import index, local"})
    environment = _find("cold.own.nodes", "cold.lone")
    assert ["cold-index==1.0"] == _pinned(environment)
    assert {
        "cold": source / "cold",
        "cold.deep.local": site / "cold/deep/local",
        "cold.lone": site / "cold/lone.py",
    } == _shipped(environment)
    copy_code(environment.code, tmp_path / "code")
    assert ["deep/local/__init__.py", "lone.py", "own/nodes.py"] == _files(tmp_path / "code/cold")


def test_compiled_module(source: Path, tmp_path: Path) -> None:
    """A compiled module is shipped under the name that Python knows it by."""
    suffix = EXTENSION_SUFFIXES[0]
    write_modules(source, {f"fast{suffix}": "import late"})
    environment = _find("fast")
    assert [] == _pinned(environment)
    copy_code(environment.code, tmp_path / "code")
    assert [f"fast{suffix}"] == _files(tmp_path / "code")


def _files(directory: Path) -> list[str]:
    return sorted(file.relative_to(directory).as_posix() for file in directory.rglob("*") if file.is_file())


def test_copied_code(source: Path, tmp_path: Path) -> None:
    """The shipped code is importable from where it is copied to, with its data."""
    copy_code(find_environment([NODES]).code, tmp_path / "code")
    assert sorted([*PROJECT, "loose_module.py"]) == _files(tmp_path / "code")
    assert (source / "gentoo/data/species.csv").read_text() == (tmp_path / "code/gentoo/data/species.csv").read_text()


def test_own_code(source: Path, tmp_path: Path) -> None:
    """Of our own package, only the modules that serve travel, and those that the project's modules import."""
    own = Path(kedro_autolog_pipeline.__file__).parent
    serving = {f"{file.relative_to(own)}" for room in ("importing", "serving") for file in (own / room).glob("*.py")}
    model = Seed("kedro_autolog_pipeline.serving.model", "the model itself")

    copy_code(find_environment([model]).code, tmp_path / "code")

    assert sorted({"__init__.py", "errors.py", *serving}) == _files(tmp_path / "code/kedro_autolog_pipeline")
    code = "import kedro_autolog_pipeline as own, kedro_autolog_pipeline.serving.model as model; print(model.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path / "code", capture_output=True, text=True, check=True, timeout=60
    )
    assert str(tmp_path / "code/kedro_autolog_pipeline/serving/model.py") == done.stdout.strip()
    write_modules(source, {"silencing.py": "from kedro_autolog_pipeline.loggers import quiet"})
    copy_code(find_environment([model, Seed("silencing", "a function")]).code, tmp_path / "more")
    assert "loggers.py" in _files(tmp_path / "more/kedro_autolog_pipeline")


def test_trained_model(tmp_path: Path) -> None:
    """The modules that a pickled model names lead to the distributions that it needs."""
    model = LogisticRegression().fit(np.array([[0.0], [1.0]]), np.array([0, 1]))
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model))
    environment = _find(*pickle_modules(tmp_path / "model.pkl"))
    assert {"numpy", "scikit-learn"} <= {requirement.distribution for requirement in environment.requirements}
    assert () == environment.code


def test_dataset() -> None:
    """What a Kedro dataset imports is pinned, though ``kedro-datasets`` does not declare it."""
    environment = _find("kedro_datasets.pandas.csv_dataset")
    assert ["fsspec", "kedro", "kedro-datasets", "pandas"] == [
        requirement.distribution for requirement in environment.requirements
    ]


def test_this_package() -> None:
    """This package, which no index provides while it is developed, is shipped with what serving imports."""
    environment = _find("kedro_autolog_pipeline.serving.model")
    assert ["kedro_autolog_pipeline"] == list(_shipped(environment))
    names = {requirement.distribution for requirement in environment.requirements}
    assert {"attrs", "cattrs", "kedro", "mlflow"} <= names
    assert not {"pluggy", "GitPython", "click"} & names
