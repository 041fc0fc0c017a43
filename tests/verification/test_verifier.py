"""Tests of ``verification/verifier.py``, and of the process that it starts."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import pytest
from kedro.pipeline import node

import kedro_autolog_pipeline
from installed import install
from kedro_autolog_pipeline.dependencies.search import ShippedCode
from kedro_autolog_pipeline.errors import VerificationError
from kedro_autolog_pipeline.rehearsal.live_pipeline import Reference
from kedro_autolog_pipeline.verification.import_check import ImportCheck
from kedro_autolog_pipeline.verification.proof import Outcome, Trial
from kedro_autolog_pipeline.verification.verifier import Verifier

pytestmark = pytest.mark.process

SECONDS = 120.0
"""A limit that only a process that hangs can reach."""

ENTRY = """
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel


class Model(PythonModel):
    constants = {}

    def read_anew(self, copied):
        pass

    def trace(self, model_input):
        return {"output": self.predict(None, model_input)}

    def load_context(self, context):
        import penguins

    def predict(self, context, model_input: pd.DataFrame, params=None):
        import penguins

        return penguins.predict(model_input)


set_model(Model())
"""

MakePackage = Callable[[str], Path]


@pytest.fixture(scope="session")
def saved_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Save a model whose answers are up to the module ``penguins`` in its code."""
    import mlflow

    directory = tmp_path_factory.mktemp("saved")
    (directory / "model.py").write_text(ENTRY, encoding="utf-8")
    (directory / "penguins.py").touch()
    with pytest.MonkeyPatch.context() as patch:
        # MLflow 3.0 loads what it saves, and makes a folder for runs wherever it is.
        patch.chdir(directory)
        patch.setitem(sys.modules, "penguins", ModuleType("penguins"))
        mlflow.pyfunc.save_model(
            str(directory / "package"),
            python_model="model.py",
            code_paths=["penguins.py"],
            pip_requirements=[],
        )
    return directory / "package"


@pytest.fixture
def make_package(saved_model: Path, tmp_path: Path) -> MakePackage:
    """Give what makes a package whose module ``penguins`` holds the given code."""

    def make(code: str) -> Path:
        package = Path(shutil.copytree(saved_model, tmp_path / "package"))
        (package / "code" / "penguins.py").write_text(textwrap.dedent(code), encoding="utf-8")
        return package

    return make


@pytest.fixture(autouse=True)
def temporary_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the directory where verifiers keep their files."""
    directory = tmp_path / "tmp"
    directory.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(directory))
    return directory


def check_of(directory: Path, code: str, *functions: Callable[..., Any] | str, **options: Any) -> ImportCheck:
    """Give a check of functions, or of the names of functions of the shipped module ``penguins``."""
    source = directory / "source" / "penguins.py"
    source.parent.mkdir()
    source.write_text(textwrap.dedent(code), encoding="utf-8")
    nodes = []
    for number, each in enumerate(functions):
        function = each if callable(each) else _stand_in(each)
        nodes.append(node(function, f"in_{number}", f"out_{number}", name=f"node_{number}"))
    own = Path(kedro_autolog_pipeline.__file__).parent
    code_entries = (ShippedCode("penguins", source, ()), ShippedCode(own.name, own, ()))
    return ImportCheck(tuple(nodes), code_entries, **{"requirements": None, **options})


def _stand_in(qualname: str) -> Callable[..., Any]:
    """Give a function of the module ``penguins`` as this process has it."""

    def function(sample: Any) -> Any:
        return sample

    function.__module__, function.__qualname__ = "penguins", qualname
    setattr(sys.modules["penguins"], qualname, function)
    return function


@pytest.fixture
def penguins(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Give the module ``penguins`` of this process, which is not the one that is shipped."""
    module = ModuleType("penguins")
    monkeypatch.setitem(sys.modules, "penguins", module)
    return module


def verify(package: Path, sample: Any, expected: Any = None) -> Outcome:
    """Have a fresh process prove a package against a live pipeline that repeats itself."""
    with Verifier("penguins") as verifier:
        trial = Trial(sample, Reference(expected))
        return verifier.verify(package, trial, shipped=["penguins"], timeout=SECONDS).outcome


def refusal(package: Path, sample: Any) -> VerificationError:
    """Have a fresh process refuse a package, and give the error."""
    with pytest.raises(VerificationError) as caught:
        verify(package, sample)
    return caught.value


def processes(directory: Path) -> list[str]:
    """Give the processes of the verifiers that keep their files in a directory."""
    found = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if str(directory).encode() in command.read_bytes():
                found.append(command.parent.name)
    return found


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that is only waited for does not."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return False
    return "State:\tZ" not in status


def wait_for(condition: Callable[[], Any]) -> None:
    """Wait until something is the case."""
    limit = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


def test_a_package_that_gives_the_live_output_is_proven(
    make_package: MakePackage, temporary_directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model may be as noisy as it likes; nothing of the process and nothing in the package is left behind."""
    package = make_package("""
        import json, os, subprocess, sys, threading, time
        from pathlib import Path
        import mlflow

        print("noise", flush=True)
        os.write(1, b"\\xff")
        print("noise", "\\N{PENGUIN}", file=sys.stderr)

        def predict(sample):
            threading.Thread(target=time.sleep, args=(600,)).start()
            facts = {
                "processes": [os.getpid(), subprocess.Popen(["sleep", "600"]).pid],
                "input": sys.stdin.read(),
                "directory": os.listdir(),
                "run": os.environ.get("MLFLOW_RUN_ID"),
                "is_remote": mlflow.get_tracking_uri().startswith("http"),
                "credential": os.environ["MLFLOW_TRACKING_TOKEN"],
                "preloaded": "wave" in sys.modules,
            }
            Path(sample).write_text(json.dumps(facts))
            return {"scores": [0.1 + 0.2, float("nan")]}
    """)
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.delenv("PYTHONPYCACHEPREFIX", raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "secret")
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    files = sorted(package.rglob("*"))
    facts_file = tmp_path / "facts.json"
    trial = Trial(str(facts_file), Reference({"scores": [0.3, float("nan")]}))

    with Verifier("penguins", preload=["wave", "no_such_module"]) as verifier:
        proof = verifier.verify(package, trial, shipped=["penguins"], timeout=SECONDS)

    facts = json.loads(facts_file.read_text(encoding="utf-8"))
    assert Outcome.REPRODUCED is proof.outcome
    assert 0 < proof.seconds < SECONDS
    wait_for(lambda: not any(map(is_alive, facts["processes"])))
    assert [] == list(temporary_directory.iterdir())
    assert files == sorted(package.rglob("*"))
    del facts["processes"]
    assert {
        "input": "",
        "directory": [],
        "run": None,
        "is_remote": False,
        "credential": "secret",
        "preloaded": True,
    } == facts


def test_a_package_without_a_sample_is_loaded(make_package: MakePackage) -> None:
    """Where nothing can be tried, loading is what is proven."""
    package = make_package("def predict(sample): raise AssertionError")

    with Verifier("penguins") as verifier:
        proof = verifier.verify(package, None, shipped=["penguins"], timeout=SECONDS)

    assert (Outcome.LOADED, "A fresh process has loaded it; there was no sample to try.") == (
        proof.outcome,
        proof.detail,
    )


def test_objects_of_the_project_go_to_the_process_and_back(
    make_package: MakePackage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here their classes come from the project, there from the package."""
    package = make_package("""
        class Bird:
            def __init__(self, mass):
                self.mass = mass

        def predict(bird):
            return Bird(bird.mass + 1)
    """)
    spec = importlib.util.spec_from_file_location("penguins", package / "code" / "penguins.py")
    assert spec is not None
    assert spec.loader is not None
    penguins = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(penguins)
    monkeypatch.setitem(sys.modules, "penguins", penguins)

    with pytest.raises(VerificationError) as caught:
        verify(package, penguins.Bird(1), penguins.Bird(3))

    assert "key 'mass' is 3 (live) and 2 (packaged). The model repeats itself," in caught.value.cause


def test_what_does_not_travel_cannot_be_imported(
    make_package: MakePackage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model may use what is installed, but no source tree, and no installed copy of what its package ships."""
    package = make_package("""
        import importlib.metadata
        import auks

        print([found.name for found in importlib.metadata.distributions(path=[auks.__path__[0]])])
        import gulls
    """)
    installed, source = tmp_path / "installed", tmp_path / "src"
    files = {
        installed / "auks" / "__init__.py": f"__path__ = [{str(installed)!r}]",
        installed / "auks-1.0.dist-info" / "METADATA": "Metadata-Version: 2.1\nName: auks\n",
        installed / "penguins.py": "",
        # Python's own way to a directory's .pth files, short of installing something.
        installed / "sitecustomize.py": f"import site; site.addsitedir({str(installed)!r})",
        installed / "editable.pth": f"{source}\nimport gulls\n",
        installed / "gulls-1.0.dist-info" / "METADATA": "Metadata-Version: 2.1\nName: gulls\n",
        installed / "gulls-1.0.dist-info" / "direct_url.json": '{"dir_info": {"editable": true}}',
        source / "gulls.py": "",
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(source), str(installed)]))
    monkeypatch.setattr(sys, "path", [*sys.path, str(source), str(installed)])

    with pytest.raises(VerificationError) as caught, Verifier("penguins", preload=["penguins"]) as verifier:
        verifier.verify(package, None, shipped=["penguins"], timeout=SECONDS)

    assert (
        "the fresh process could not load it: NotDeployedError: No module named 'gulls' in the package or "
        f"among what is installed; '{source / 'gulls.py'}' does not travel with the model. "
        "Correct that and package it again."
    ) == caught.value.cause
    assert "['auks']" in caught.value.log.splitlines()
    assert "    import gulls" in caught.value.log.splitlines()


def test_an_entry_file_that_fails_is_the_cause_rather_than_mlflow(make_package: MakePackage) -> None:
    """MLflow wraps what the package's own entry file raises."""
    package = make_package("")
    (package / "model.py").write_text("import no_such_bird", encoding="utf-8")

    assert (
        "the fresh process could not load it: ModuleNotFoundError: No module named 'no_such_bird'. "
        "Correct that and package it again."
    ) == refusal(package, 1).cause


def test_a_model_that_fails_is_shown_with_the_end_of_what_it_wrote(make_package: MakePackage) -> None:
    """The error's first line is the cause, and its traceback follows."""
    package = make_package("""
        def predict(sample):
            for number in range(100):
                print("line", number)
            raise ValueError(f"no {sample}.\\nAsk again.")
    """)

    error = refusal(package, "krill")

    lines = error.log.splitlines()
    assert (
        "the fresh process could not predict on the sample: ValueError: no krill. Correct that and package it again."
    ) == error.cause
    assert ["ValueError: no krill.", "Ask again."] == lines[-2:]
    assert 40 == len(lines)
    assert "line 99" in lines
    assert "line 0" not in lines


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("import os; os._exit(3)", "ended with exit code 3 before it could load it."),
        (
            "import os, signal\ndef predict(sample): os.kill(os.getpid(), signal.SIGSEGV)",
            "was killed by signal 11 (Segmentation fault) before it could predict on the sample.",
        ),
    ],
)
def test_a_model_that_ends_the_process_is_refused(make_package: MakePackage, code: str, cause: str) -> None:
    """The way in which the process ended, and what it was doing, is told."""
    assert (
        f"the fresh process {cause} Correct that, or set 'verify: false' for a model that cannot be loaded "
        "beside its training."
    ) == refusal(make_package(code), 1).cause


def test_an_output_that_cannot_be_pickled_is_refused(make_package: MakePackage) -> None:
    """A generator cannot leave its process, so it cannot be compared."""
    with pytest.raises(VerificationError, match=r"could not hand back its output: TypeError: .*generator"):
        verify(make_package("def predict(sample): return (bird for bird in sample)"), [1])


def test_an_output_of_a_class_that_is_not_known_here_is_refused(make_package: MakePackage) -> None:
    """What this process cannot read it cannot compare."""
    package = make_package("class Bird: pass\ndef predict(sample): return Bird()")

    assert (
        "what the fresh process has predicted cannot be read here (No module named 'penguins'). "
        "Let the pipeline return objects of classes that the project can import."
    ) == refusal(package, 1).cause


def test_a_sample_that_cannot_be_pickled_is_refused(temporary_directory: Path) -> None:
    """The process ends without having been asked."""
    assert (
        "the sample cannot be handed to a fresh process (cannot pickle '_thread.lock' object). "
        "Let the pipeline take what can be pickled, or set 'verify: false'."
    ) == refusal(Path("package"), threading.Lock()).cause
    assert ([], []) == (processes(temporary_directory), list(temporary_directory.iterdir()))


def test_the_time_limit_ends_the_process(make_package: MakePackage, temporary_directory: Path) -> None:
    """The error names the limit and the stage that it fell into."""
    package = make_package("def predict(sample): return sample")

    with pytest.raises(VerificationError) as caught, Verifier("penguins") as verifier:
        verifier.verify(package, Trial(1, Reference(1)), shipped=["penguins"], timeout=0.01)

    assert (
        "the fresh process was stopped after 0.01 s, the limit 'verify_timeout', before it could import mlflow. "
        "Raise 'verify_timeout', or set 'verify: false'."
    ) == caught.value.cause
    assert ([], []) == (processes(temporary_directory), list(temporary_directory.iterdir()))


@pytest.mark.parametrize("has_process_groups", [True, False])
def test_a_verifier_that_is_not_needed_can_be_closed(
    temporary_directory: Path, monkeypatch: pytest.MonkeyPatch, *, has_process_groups: bool
) -> None:
    """Closing ends the process and removes its files, on Windows too; closing again does nothing."""
    if not has_process_groups:
        monkeypatch.delattr(os, "killpg")
    verifier = Verifier("penguins")
    wait_for(lambda: processes(temporary_directory))

    verifier.close()
    verifier.close()

    assert ([], []) == (processes(temporary_directory), list(temporary_directory.iterdir()))


def test_an_interpreter_that_is_not_known_is_named_as_the_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a program that embeds Python there is nothing to start."""
    monkeypatch.setattr(sys, "executable", None)

    with pytest.raises(VerificationError) as caught:
        Verifier("penguins")

    assert (
        "Cannot verify 'penguins': this Python is embedded in another program, and does not know its "
        "interpreter. Run Kedro by the interpreter itself, or set 'verify: false'."
    ) == str(caught.value)


def test_a_process_that_cannot_be_started_is_named_as_the_cause(
    monkeypatch: pytest.MonkeyPatch, temporary_directory: Path
) -> None:
    """What the operating system says is passed on, and no file is left."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    with pytest.raises(VerificationError) as caught:
        Verifier("penguins")

    assert (
        "Cannot verify 'penguins': no process can be started ([Errno 2] No such file or directory: "
        "'/nowhere/python'). Correct that, or set 'verify: false'."
    ) == str(caught.value)
    assert [] == list(temporary_directory.iterdir())


def test_what_cannot_be_imported_is_known_before_there_is_a_package(
    tmp_path: Path, make_package: MakePackage, penguins: ModuleType
) -> None:
    """The fault names functions and nodes, a fork knows it as well, and no proof is tried."""
    package = make_package("def predict(sample): return sample")
    check = check_of(
        tmp_path,
        """
        import os

        print("noise", os.getcwd())

        def dive(sample): import no_such_bird

        def __getattr__(name): raise AttributeError(name)
        """,
        "dive",
        "fly",
        "swim",
    )

    with Verifier("penguins") as verifier:
        verifier.try_imports(check)
        wait_for(verifier.fault)
        fault = verifier.fault()
        fork = os.fork()
        if fork == 0:
            os._exit(0 if verifier.fault() == fault else 1)
        _, status = os.waitpid(fork, 0)
        with pytest.raises(VerificationError) as caught:
            verifier.verify(package, Trial(1, Reference(1)), shipped=["penguins"], timeout=SECONDS)

    assert (
        "a fresh process, with nothing but the shipped code and the declared requirements, cannot load "
        "the function of node 'node_1', penguins:fly (AttributeError: fly); "
        "the function of node 'node_2', penguins:swim (AttributeError: swim). Correct that and run again."
    ) == fault
    assert 0 == os.waitstatus_to_exitcode(status)
    assert fault == caught.value.cause
    assert "AttributeError: fly" in caught.value.log
    assert verifier.fault() is None


def test_a_module_that_is_missing_is_named_with_every_node_that_needs_it(
    tmp_path: Path, penguins: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several nodes of one module have one reason; a pickled function is loaded as well."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "gulls.py").write_text("def wing(): pass", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path / "src")
    wing = importlib.import_module("gulls").wing
    check = check_of(tmp_path, "import gulls", "dive", "fly", lambda sample: (wing(), sample))

    with Verifier("penguins") as verifier:
        verifier.try_imports(check)
        wait_for(verifier.fault)
        fault = verifier.fault()

    assert (
        "a fresh process, with nothing but the shipped code and the declared requirements, cannot load "
        "the function of node 'node_0', penguins:dive, the function of node 'node_1', penguins:fly, "
        "the function of node 'node_2', functions/2.pkl "
        "(ModuleNotFoundError: No module named 'gulls'). Correct that and run again."
    ) == fault


def test_the_proof_is_fresh_whatever_was_imported_before_it(
    tmp_path: Path, make_package: MakePackage, penguins: ModuleType
) -> None:
    """The process that loads the package has not imported the project, though it has been tried."""
    tried = tmp_path / "tried"
    check = check_of(
        tmp_path,
        f"import pathlib, wave\nwave.tried = True\npathlib.Path({str(tried)!r}).touch()\ndef dive(x): pass",
        "dive",
    )
    package = make_package("import wave\ndef predict(sample): return hasattr(wave, 'tried')")

    with Verifier("penguins", preload=["wave"]) as verifier:
        verifier.try_imports(check)
        wait_for(tried.exists)
        proof = verifier.verify(package, Trial(1, Reference(False)), shipped=["penguins"], timeout=SECONDS)  # noqa: FBT003 - it is the answer

    assert Outcome.REPRODUCED is proof.outcome


def test_a_check_that_hangs_neither_delays_the_proof_nor_outlives_it(
    tmp_path: Path, make_package: MakePackage, temporary_directory: Path, penguins: ModuleType
) -> None:
    """A module that never ends is stopped when there is a package to prove."""
    tried = tmp_path / "tried"
    check = check_of(tmp_path, f"import pathlib, time\npathlib.Path({str(tried)!r}).touch()\ntime.sleep(600)", "dive")
    package = make_package("def predict(sample): return sample")

    with Verifier("penguins") as verifier:
        verifier.try_imports(check)
        wait_for(tried.exists)
        assert verifier.fault() is None
        proof = verifier.verify(package, Trial(1, Reference(1)), shipped=["penguins"], timeout=SECONDS)

    assert Outcome.REPRODUCED is proof.outcome
    wait_for(lambda: not processes(temporary_directory))


def test_a_request_that_is_there_already_leaves_nothing_to_try(
    tmp_path: Path, make_package: MakePackage, penguins: ModuleType
) -> None:
    """After a training of no duration, the proof imports the same, and alone."""
    tried = tmp_path / "tried"
    check = check_of(tmp_path, f"import pathlib\npathlib.Path({str(tried)!r}).touch()", "dive")

    with Verifier("penguins") as verifier:
        verifier.try_imports(check)
        verifier.verify(make_package(""), None, shipped=["penguins"], timeout=SECONDS)

    assert not tried.exists()


def test_code_that_cannot_be_copied_is_named_as_the_cause(temporary_directory: Path, tmp_path: Path) -> None:
    """It could not be packaged after the training either; no file is left."""
    missing = tmp_path / "nowhere.py"
    check = ImportCheck((), (ShippedCode("nowhere", missing, ()),), None)

    verifier = Verifier("penguins")

    with pytest.raises(VerificationError) as caught:
        verifier.try_imports(check)

    assert (
        f"Cannot verify 'penguins': the code that it needs cannot be copied ([Errno 2] No such file or directory: "
        f"'{missing}'). Correct that, or leave it out of 'code_paths'."
    ) == str(caught.value)
    assert ([], []) == (processes(temporary_directory), list(temporary_directory.iterdir()))


def test_a_process_that_has_ended_is_left_for_the_proof_to_tell(tmp_path: Path, penguins: ModuleType) -> None:
    """Nobody waits for what it would have found."""
    with Verifier("penguins", preload=["penguins_that_do_not_exist"]) as verifier:
        verifier._process.kill()  # noqa: SLF001 - as the system does when memory is short
        verifier._process.wait()  # noqa: SLF001 - see above
        verifier.try_imports(check_of(tmp_path, "", "dive"))

        assert verifier.fault() is None
        with pytest.raises(VerificationError, match="was killed by signal 9"):
            verifier.verify(tmp_path, None, timeout=SECONDS)


NEEDS_AN_ENGINE = """
import importlib.util, sys

assert importlib.util.find_spec("engine_of_gulls") is None

def predict(sample):
    try:
        import engine_of_gulls
    except ImportError as error:
        raise RuntimeError("Missing optional dependency.") from error
    return sample
"""


def test_only_what_the_model_requires_may_be_imported(
    make_package: MakePackage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine that a library imports late is found missing before the model is READY, and the remedy works."""
    install(tmp_path / "site", "engine-of-gulls", {"engine_of_gulls.py": ""})
    monkeypatch.syspath_prepend(tmp_path / "site")
    package = make_package(NEEDS_AN_ENGINE)
    trial = Trial(1, Reference(1))

    with pytest.raises(VerificationError) as caught, Verifier("penguins", preload=["engine_of_gulls"]) as verifier:
        verifier.verify(package, trial, shipped=["penguins"], requirements=["mlflow"], timeout=SECONDS)
    (package / "code" / "penguins.py").write_text(NEEDS_AN_ENGINE.replace("is None", "is not None"), encoding="utf-8")
    with Verifier("penguins") as verifier:
        proof = verifier.verify(
            package, trial, shipped=["penguins"], requirements=["mlflow", "engine-of-gulls==1.0"], timeout=SECONDS
        )

    assert (
        "the fresh process could not predict on the sample: RuntimeError: Missing optional dependency. "
        "No module named 'engine_of_gulls': 'engine-of-gulls' is installed here, and not among the model's "
        "requirements. Add it to 'extra_pip_requirements', or to 'pip_requirements' where that lists them all. "
        "Correct that and package it again."
    ) == caught.value.cause
    assert Outcome.REPRODUCED is proof.outcome


NEEDS_TWO_ENGINES = """
def predict(x):
    for engine in ("engine_of_gulls", "engine_of_terns"):
        try:
            __import__(engine)
        except ImportError as error:
            raise RuntimeError("Missing optional dependency.") from error
    return x
"""


def test_all_modules_that_are_missing_are_named_at_once(
    make_package: MakePackage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second is asked for only when the first is there."""
    for name in ("gulls", "terns"):
        install(tmp_path / "site", f"engine-of-{name}", {f"engine_of_{name}.py": ""})
    monkeypatch.syspath_prepend(tmp_path / "site")
    package = make_package(NEEDS_TWO_ENGINES)

    with pytest.raises(VerificationError) as caught, Verifier("penguins") as verifier:
        verifier.verify(package, Trial(1, Reference(1)), shipped=["penguins"], requirements=["mlflow"], timeout=SECONDS)

    assert (
        "the fresh process could not predict on the sample: RuntimeError: Missing optional dependency. "
        "No module named 'engine_of_gulls', 'engine_of_terns': 'engine-of-gulls', 'engine-of-terns' are installed "
        "here, and not among the model's requirements. Add them to 'extra_pip_requirements', or to 'pip_requirements' "
        "where that lists them all. Correct that and package it again."
    ) == caught.value.cause


PARENT = """
import os, signal, sys, time
from pathlib import Path
from kedro_autolog_pipeline.rehearsal.live_pipeline import Reference
from kedro_autolog_pipeline.verification.proof import Trial
from kedro_autolog_pipeline.verification.verifier import Verifier

# A shell without job control has what it starts in the background ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
package, is_ready = sys.argv[1:]
verifier = Verifier("penguins")
if not package:
    # A worker that holds the other end of the process's standard input.
    is_worker = os.fork() == 0
    while not list(Path(os.environ["TMPDIR"]).glob("*/stages.txt")):
        time.sleep(0.01)
    if not is_worker:
        Path(is_ready).touch()
    time.sleep(600)
verifier.verify(Path(package), Trial(is_ready, Reference(None)), shipped=["penguins"], timeout=600)
"""


def test_no_files_stay_when_the_process_is_done_just_after_its_parent_has_died(
    make_package: MakePackage, temporary_directory: Path, tmp_path: Path
) -> None:
    """A process that ends by itself before it looks for its parent once more removes its files all the same."""
    package = make_package("""
        import os, pathlib

        def predict(sample):
            parent = os.getppid()
            pathlib.Path(sample).touch()
            while os.getppid() == parent:
                pass
    """)
    is_ready = tmp_path / "is_ready"
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(package), str(is_ready)],
        env={**os.environ, "TMPDIR": str(temporary_directory)},
        stderr=subprocess.DEVNULL,
    ) as parent:
        wait_for(is_ready.exists)
        parent.kill()

    wait_for(lambda: not processes(temporary_directory))
    assert [] == list(temporary_directory.iterdir())


@pytest.mark.skipif(not Path("/proc").exists(), reason="Nothing tells there what a daemon was started by.")
@pytest.mark.parametrize("is_killed", [True, False])
def test_a_daemon_that_the_package_starts_ends_with_the_proof(
    make_package: MakePackage, temporary_directory: Path, tmp_path: Path, *, is_killed: bool
) -> None:
    """It has a session of its own, and ends anyway when the proof is done or the parent is killed."""
    package = make_package(f"""
        import pathlib, subprocess, sys, time

        def predict(sample):
            code = "import time; time.sleep(600)"
            daemon = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
            pathlib.Path(sample + ".draft").write_text(str(daemon.pid))
            pathlib.Path(sample + ".draft").rename(sample)
            time.sleep({600 if is_killed else 0})
    """)
    is_ready = tmp_path / "is_ready"
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(package), str(is_ready)],
        env={**os.environ, "TMPDIR": str(temporary_directory)},
        stderr=subprocess.DEVNULL,
    ) as parent:
        wait_for(is_ready.exists)
        if is_killed:
            parent.kill()

    daemon = int(is_ready.read_text())
    wait_for(lambda: not psutil.pid_exists(daemon) or psutil.Process(daemon).status() == psutil.STATUS_ZOMBIE)
    wait_for(lambda: not list(temporary_directory.iterdir()))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("is_idle", [True, False])
def test_the_process_does_not_outlive_its_parent(
    make_package: MakePackage,
    temporary_directory: Path,
    tmp_path: Path,
    number: signal.Signals,
    *,
    is_idle: bool,
) -> None:
    """Whether it waits or predicts, it ends when its parent is interrupted or killed, and so do its files."""
    package = make_package("""
        import pathlib, time

        def predict(sample):
            pathlib.Path(sample).touch()
            time.sleep(600)
    """)
    is_ready = tmp_path / "is_ready"
    arguments = ["" if is_idle else str(package), str(is_ready)]
    with (tmp_path / "stderr").open("w+") as stderr:
        parent = subprocess.Popen(
            [sys.executable, "-c", PARENT, *arguments],
            env={**os.environ, "TMPDIR": str(temporary_directory)},
            stderr=stderr,
            start_new_session=True,
        )
    try:
        wait_for(lambda: is_ready.exists() or parent.poll() is not None)
        assert parent.poll() is None, (tmp_path / "stderr").read_text()
        assert 1 == len(processes(temporary_directory))

        parent.send_signal(number)

        assert -number == parent.wait(SECONDS)
        wait_for(lambda: not processes(temporary_directory))
        assert [] == list(temporary_directory.iterdir())
    finally:
        # The worker of the parent that waits.
        os.killpg(parent.pid, signal.SIGKILL) if is_idle else parent.kill()
        parent.wait()
