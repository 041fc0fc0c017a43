"""The executor, compared with Kedro's SequentialRunner wherever both can run."""

from __future__ import annotations

import logging
import sys
import weakref
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from functools import lru_cache, partial, update_wrapper
from threading import Lock
from typing import Any

import attrs
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kedro.io import DataCatalog, DatasetError, MemoryDataset
from kedro.pipeline import Pipeline, node, pipeline
from kedro.runner import SequentialRunner

from kedro_autolog_pipeline.errors import CopyError, ExecutionError, PredictionError
from kedro_autolog_pipeline.serving.copying import CopyMode
from kedro_autolog_pipeline.serving.executor import Executor, Step

NAMESPACE = "shop"


@pytest.fixture(autouse=True, scope="module")
def _fast_kedro() -> Iterator[None]:
    """Spare thousands of runs Kedro's lines for each node, and its search for ibis at each load and save."""
    logger = logging.getLogger("kedro")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "ibis", None)
        yield
    logger.setLevel(level)


def run_by_kedro(flow: Pipeline, data: dict[str, Any]) -> dict[str, Any]:
    """Run ``flow`` with a MemoryDataset for every dataset and load its free outputs."""
    catalog = DataCatalog(datasets={name: MemoryDataset(value) for name, value in data.items()})
    return {name: dataset.load() for name, dataset in SequentialRunner().run(flow, catalog).items()}


def executor(*steps: Step, outputs: list[str] | None = None, **options: Any) -> Executor:
    """Compile ``steps``: request "x", output "y", unless ``options`` say otherwise."""
    return Executor(steps, **{"constants": {}, "request": ["x"], "outputs": outputs or ["y"], **options})


# ---------------------------------------------------------------- generated pipelines


@attrs.frozen
class Plan:
    """One generated node.

    Attributes:
        name: Its name, and the trace it leaves in what it changes.
        inputs: What it reads; a name may come twice unless the form is ``str``.
        outputs: What it writes.
        input_form: str, list or dict.
        output_form: str, list or dict.
        results: For each output, how it comes about: see ``_result``.
        fresh: Type of a new result.
        changes_inputs: Whether it changes in place all that it reads.
        chunks: How often it yields; 0 for a plain function.
        wrapping: In which kind of callable it comes.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    input_form: type
    output_form: type
    results: tuple[str, ...]
    fresh: str
    changes_inputs: bool
    chunks: int
    wrapping: str


def canonical(value: Any) -> Any:
    """Turn a value into something that compares by content."""
    if isinstance(value, pd.DataFrame):
        return ("frame", value.to_dict("list"))
    if isinstance(value, np.ndarray):
        return ("array", value.tolist())
    if isinstance(value, dict):
        return {key: canonical(item) for key, item in value.items()}
    return list(value) if isinstance(value, list) else value


def change(value: Any, trace: str) -> None:
    """Change a value in place, at every level, where its type allows it."""
    if isinstance(value, pd.DataFrame):
        value[trace] = 1
    elif isinstance(value, np.ndarray):
        value += 1
    elif isinstance(value, list):
        value.append(trace)
    elif isinstance(value, dict):
        for item in list(value.values()):
            change(item, trace)
        value[trace] = trace


def new_value(kind: str, number: int) -> Any:
    """Build a value of one of the generated kinds."""
    values: dict[str, Callable[[], Any]] = {
        "number": lambda: number,
        "list": lambda: [number],
        "dict": lambda: {"number": number},
        "frame": lambda: pd.DataFrame({"number": [number, 1]}),
        "array": lambda: np.array([number, 1]),
    }
    return values[kind]()


KINDS = ["number", "list", "dict", "frame", "array"]


class Work:
    """What a generated node does."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.kept: list[str] = []

    def method(self, *args: Any, **kwargs: Any) -> Any:
        """Run as a function."""
        values = [*args, *kwargs.values()]
        if self.plan.changes_inputs:
            for value in values:
                change(value, self.plan.name)
        return self._shaped(self._results(values))

    def generator_method(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Run as a generator that goes on with what it has yielded."""
        results = []
        for _ in range(self.plan.chunks):
            results = self._results([*args, *kwargs.values()])
            yield self._shaped(results)
            for result in results:
                change(result, "too late")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run as a callable object."""
        return self.method(*args, **kwargs)

    def _results(self, values: list[Any]) -> list[Any]:
        results: list[Any] = []
        for kind in self.plan.results:
            results.append(self._result(kind if values else "fresh", values, results))
        return results

    def _result(self, kind: str, values: list[Any], before: list[Any]) -> Any:
        if kind == "input":
            return values[0]
        if kind == "wrapped input":
            return {"first": values[0], "last": values[-1]}
        if kind == "view of input":
            return values[-1][:] if isinstance(values[-1], np.ndarray) else values[-1]
        if kind == "first again" and before:
            return before[0]
        if kind == "kept":
            self.kept.append(self.plan.name)
            return self.kept
        digest = zlib.crc32(repr([self.plan.name, len(before), *map(canonical, values)]).encode())
        return new_value(self.plan.fresh, digest)

    def _shaped(self, results: list[Any]) -> Any:
        if not self.plan.outputs:
            return None
        if self.plan.output_form is str:
            return results[0]
        return results if self.plan.output_form is list else {f"key_{i}": r for i, r in enumerate(results)}


def callable_of(plan: Plan) -> Callable[..., Any]:
    """Build the node's callable, with a state of its own."""
    work = Work(plan)
    method = work.generator_method if plan.chunks else work.method
    if plan.wrapping == "partial":
        return update_wrapper(partial(method), method)
    if plan.wrapping == "object" and not plan.chunks:
        return work
    if plan.wrapping == "function":
        return _as_generator_function(method) if plan.chunks else _as_function(method)
    return method


def _as_function(method: Callable[..., Any]) -> Callable[..., Any]:
    def function(*args: Any, **kwargs: Any) -> Any:
        return method(*args, **kwargs)

    return function


def _as_generator_function(method: Callable[..., Any]) -> Callable[..., Any]:
    def function(*args: Any, **kwargs: Any) -> Iterator[Any]:
        yield from method(*args, **kwargs)

    return function


def names_in_form(form: type, names: tuple[str, ...], word: str) -> Any:
    """Write dataset names as an author would: None, a string, a list or a dictionary."""
    if not names:
        return None
    if form is str:
        return names[0]
    return list(names) if form is list else {f"{word}_{i}": name for i, name in enumerate(names)}


@attrs.frozen
class Case:
    """One generated pipeline with its data.

    Attributes:
        plans: Its nodes.
        request: Value by name.
        constants: Value by name.
        namespace: The namespace of all names, or None.
    """

    plans: list[Plan]
    request: dict[str, Any]
    constants: dict[str, Any]
    namespace: str | None

    def full(self, name: str) -> str:
        """Give a name as Kedro expands it."""
        return f"{self.namespace}.{name}" if self.namespace else name

    def flow(self) -> Pipeline:
        """Build Kedro's pipeline, each node with a state of its own."""
        return pipeline(
            [
                node(
                    callable_of(plan),
                    names_in_form(plan.input_form, plan.inputs, "argument"),
                    names_in_form(plan.output_form, plan.outputs, "key"),
                    name=plan.name,
                )
                for plan in self.plans
            ],
            namespace=self.namespace,
        )

    def executor(self, constants: dict[str, Any], copy_modes: dict[str, CopyMode]) -> Executor:
        """Compile the same nodes, in Kedro's order, each with a state of its own."""
        plans = {self.full(plan.name): plan for plan in self.plans}
        flow = self.flow()
        return Executor(
            [
                Step(
                    each.name,
                    callable_of(plan),
                    names_in_form(plan.input_form, tuple(map(self.full, plan.inputs)), "argument"),
                    names_in_form(plan.output_form, tuple(map(self.full, plan.outputs)), "key"),
                )
                for each in flow.nodes
                for plan in [plans[each.name]]
            ],
            constants=constants,
            request=[self.full(name) for name in self.request],
            outputs=sorted(flow.outputs()),
            copy_modes=copy_modes,
        )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a pipeline of up to 12 nodes, and data for its inputs."""
    values = st.builds(new_value, st.sampled_from(KINDS), st.integers(0, 9))
    request = {f"request_{i}": draw(values) for i in range(draw(st.integers(1, 2)))}
    constants = {f"constant_{i}": draw(values) for i in range(draw(st.integers(0, 2)))}
    known = [*request, *constants]
    plans = []
    for i in range(draw(st.integers(1, 12))):
        input_form = draw(st.sampled_from([str, list, dict]))
        number = 1 if input_form is str else draw(st.integers(0, 3))
        # What was written last is read more often: chains are where values are handed over.
        inputs = tuple(draw(st.sampled_from(known + known[-3:])) for _ in range(number))
        output_form = draw(st.sampled_from([str, str, list, dict]))
        written = 1 if output_form is str else draw(st.integers(0 if inputs else 1, 3))
        outputs = tuple(f"data_{i}_{j}" for j in range(written))
        kinds = ["fresh", "input", "wrapped input", "view of input", "first again", "kept"]
        plans.append(
            Plan(
                name=f"node_{i}",
                inputs=inputs,
                outputs=outputs,
                input_form=input_form,
                output_form=output_form,
                results=tuple(draw(st.sampled_from(kinds)) for _ in outputs),
                fresh=draw(st.sampled_from(KINDS)),
                changes_inputs=draw(st.booleans()),
                chunks=draw(st.sampled_from([0, 0, 0, 1, 3])) if outputs else 0,
                wrapping=draw(st.sampled_from(["function", "partial", "method", "object"])),
            )
        )
        known += outputs
    used = {name for plan in plans for name in plan.inputs}
    return Case(
        plans,
        {name: value for name, value in request.items() if name in used},
        {name: value for name, value in constants.items() if name in used},
        draw(st.sampled_from([None, NAMESPACE])),
    )


def changed_constants(case: Case) -> list[str]:
    """Find what packaging has to find: the constants that a call, or who gets its answer, changes."""
    constants = {case.full(name): deepcopy(value) for name, value in case.constants.items()}
    before = canonical(constants)
    answer = case.executor(constants, {})({case.full(name): deepcopy(value) for name, value in case.request.items()})
    change(answer, "by the caller")
    return [name for name, value in constants.items() if before[name] != canonical(value)]


@settings(max_examples=150, deadline=None)
@given(cases())
def test_executor_returns_what_kedro_returns(case: Case) -> None:
    """Any pipeline gives what Kedro gives, call after call, and leaves request and constants as they are."""
    request = {case.full(name): value for name, value in case.request.items()}
    constants = {case.full(name): value for name, value in case.constants.items()}
    before = canonical({**request, **constants})
    run = case.executor(constants, dict.fromkeys(changed_constants(case), CopyMode.DEEPCOPY))
    flow = case.flow()
    for _ in range(3):
        answer = run(request)
        assert canonical(run_by_kedro(flow, {**request, **constants})) == canonical(answer)
        change(answer, "by the caller")
        assert before == canonical({**request, **constants})


# ---------------------------------------------------------------- who may change what


def append(values: list[Any], item: Any = "changed") -> list[Any]:
    """Change a list in place and return it."""
    values.append(item)
    return values


class Uncopyable(list[Any]):
    """A list whose copy is a failure."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Uncopyable:
        """Fail."""
        raise AssertionError


def test_callers_data_is_never_changed() -> None:
    """A node that changes what it reads in place changes a copy of the request."""
    request = {"x": [1]}

    answer = executor(Step("a", append, "x", "y"))(request)

    assert ({"x": [1]}, {"y": [1, "changed"]}) == (request, answer)


def test_only_result_for_one_reader_is_handed_over() -> None:
    """What one node returns and one node reads is never copied, whatever its form of inputs."""
    steps = [
        Step("a", lambda x: Uncopyable([x]), "x", "b"),
        Step("b", append, ["b"], "c"),
        Step("c", append, {"values": "c"}, "d"),
        Step("d", append, "d", "y"),
    ]

    assert {"y": [1, "changed", "changed", "changed"]} == executor(*steps)({"x": 1})


def test_shared_intermediate_is_copied_for_all_but_its_last_reader() -> None:
    """Readers do not see each other's changes, and the last one costs no copy."""
    steps = [
        Step("a", lambda x: [x], "x", "shared"),
        Step("b", append, "shared", "b"),
        Step("c", append, "shared", "c"),
    ]

    answer = executor(*steps, outputs=["b", "c", "shared"])({"x": 1})

    assert {"b": [1, "changed"], "c": [1, "changed"], "shared": [1]} == answer


def test_constant_that_a_node_returns_stays_as_it_is() -> None:
    """A later node that changes the returned constant in place changes a copy, and so does the caller."""
    constant = [1]
    steps = [Step("a", lambda c, _: c, ["constant", "x"], "b"), Step("b", append, "b", "y")]
    run = executor(*steps, constants={"constant": constant})

    assert [1, "changed"] == run({"x": 1})["y"]
    assert [1] == constant
    append(executor(steps[0], outputs=["b"], constants={"constant": constant})({"x": 1})["b"])
    assert [1] == constant


def test_cached_result_stays_as_it_is() -> None:
    """A node's own cache is not changed by the node that reads it, so the next call finds it as it was."""
    cached = lru_cache(lambda _: ["cached"])
    run = executor(Step("a", cached, "x", "b"), Step("b", append, "b", "y"))

    assert [["cached", "changed"]] * 2 == [run({"x": 1})["y"] for _ in range(2)]


def test_several_outputs_may_be_one_object() -> None:
    """The same object returned twice, or inside another, is two objects to those who read it."""
    steps = [
        Step("a", lambda x: [x, x, {"inside": x}], "x", ["one", "two", "three"]),
        Step("b", append, "one", "y"),
    ]

    answer = executor(*steps, outputs=["y", "two", "three"])({"x": [1]})
    append(answer["two"], "by the caller")

    assert {"y": [1, "changed"], "two": [1, "by the caller"], "three": {"inside": [1]}} == answer


def test_constants_are_shared_unless_a_copy_mode_is_given() -> None:
    """A node gets the constant itself, or with a copy mode an own copy at each call."""
    constant = [1]
    step = Step("a", lambda c, _: append(c) and len(c), ["constant", "x"], "y")
    copying = executor(step, constants={"constant": constant}, copy_modes={"constant": CopyMode.DEEPCOPY})
    sharing = executor(step, constants={"constant": constant})

    assert [2, 2] == [copying({"x": 1})["y"] for _ in range(2)]
    assert [2, 3] == [sharing({"x": 1})["y"] for _ in range(2)]


def test_assign_switches_every_copy_off() -> None:
    """A request and an intermediate in mode assign are one object for everybody."""
    value = Uncopyable()
    steps = [
        Step("a", lambda x: [x, x], "x", ["b", "c"]),
        Step("b", append, "b", "d"),
        Step("c", lambda c, d: c is d and [c], ["c", "d"], "y"),
    ]
    modes = dict.fromkeys(["x", "b", "c", "d"], CopyMode.ASSIGN)

    answer = executor(*steps, copy_modes=modes)({"x": value})

    assert answer["y"][0] is value


def test_copy_mode_of_an_intermediate_is_used() -> None:
    """Mode copy keeps the items of a list, whatever kind of node wrote it."""
    item = object()

    def generator(x: Any) -> Iterator[list[Any]]:
        yield [x]

    steps = [
        Step("a", lambda x: [x], "x", "one"),
        Step("b", generator, "x", "two"),
        Step("c", lambda x: [[x], [x]], "x", ["three", "four"]),
        Step("d", lambda *lists: [each[0] is item for each in lists], ["one", "two", "three", "four"], "y"),
    ]
    modes = {"x": CopyMode.ASSIGN, **dict.fromkeys(["one", "two", "three", "four"], CopyMode.COPY)}

    answer = executor(*steps, outputs=["y", "one"], copy_modes=modes)({"x": item})

    assert [True] * 4 == answer["y"]
    assert answer["one"][0] is item


def test_chunk_is_copied_once_and_only_if_it_is_read() -> None:
    """A generator's output costs one copy for one reader, and none for no reader."""
    copies: list[str] = []

    class Counted:
        """Something that notes its copies."""

        def __deepcopy__(self, memo: dict[int, Any]) -> Counted:
            """Copy and note it."""
            copies.append("copy")
            return Counted()

    def generator(_: Any) -> Iterator[list[Any]]:
        yield [Counted(), Uncopyable()]

    steps = [Step("a", generator, "x", ["b", "unread"]), Step("b", lambda b: b, "b", "y")]
    executor(*steps)({"x": 1})

    assert ["copy"] == copies


@pytest.mark.parametrize("inputs", ["b", ["b"], {"frame": "b"}])
def test_frame_that_is_handed_over_takes_a_column(inputs: Any) -> None:
    """A frame that only the node holds is not mistaken for a temporary one, of which pandas would warn."""

    def add_column(frame: pd.DataFrame) -> pd.DataFrame:
        frame["new"] = 1
        return frame

    run = executor(Step("a", lambda x: x * 2, "x", "b"), Step("b", add_column, inputs, "y"))

    assert {"old": [4], "new": [1]} == run({"x": pd.DataFrame({"old": [2]})})["y"].to_dict("list")


def test_intermediates_are_freed_with_their_last_reader() -> None:
    """No dataset outlives the last node that reads it, and one that nobody reads is not kept at all."""
    made: dict[str, weakref.ref[Any]] = {}

    class Large:
        """Something worth freeing."""

    def make(*names: str) -> Any:
        values = [Large() for _ in names]
        made.update({name: weakref.ref(value) for name, value in zip(names, values, strict=True)})
        return values if len(values) > 1 else values[0]

    def alive(*_: Any) -> list[str]:
        return [name for name, value in made.items() if value() is not None]

    steps = [
        Step("a", lambda _: make("alone"), "x", "alone"),
        Step("b", lambda _: make("left", "right", "unread"), "x", ["left", "right", "unread"]),
        Step("c", lambda _: make("unread too"), "x", "unread too"),
        Step("d", alive, "alone", "during"),
        Step("e", alive, ["left", "left"], "between"),
        Step("f", lambda *_: None, ["right"], None),
        Step("g", alive, "x", "after"),
    ]

    answer = executor(*steps, outputs=["during", "between", "after"])({"x": 1})

    assert ["alone", "left", "right"] == answer["during"]
    assert ["right"] == answer["between"]
    assert [] == answer["after"]


# Python 3.11 may refuse to trace a thread that starts beside another one, which a measurement of coverage asks for.
@pytest.mark.filterwarnings("ignore:Exception ignored in thread started by:pytest.PytestUnraisableExceptionWarning")
def test_threads_share_an_executor() -> None:
    """32 threads with their own data and overrides get their own answers, though nodes change things."""
    steps = [
        Step("a", lambda x, t: [append(x, t), {"t": t}], ["x", "params:t"], ["b", "c"]),
        Step("b", append, {"values": "b", "item": "c"}, "d"),
        Step("c", append, ["d", "table"], "y"),
    ]
    run = executor(*steps, constants={"params:t": -1, "table": ["shared"]})

    def call(number: int) -> list[Any]:
        return [run({"x": [number, i]}, {"params:t": 100 * number + i})["y"] for i in range(50)]

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(32) as pool:
            answers = list(pool.map(call, range(32)))
    finally:
        sys.setswitchinterval(interval)

    assert answers == [[[n, i, 100 * n + i, {"t": 100 * n + i}, ["shared"]] for i in range(50)] for n in range(32)]
    assert [0, 0, -1, {"t": -1}, ["shared"]] == run({"x": [0, 0]})["y"]


# ---------------------------------------------------------------- overrides and request


def test_override_is_gone_with_its_call() -> None:
    """The next call sees the constant again, and the caller's override is not changed in place."""
    run = executor(Step("a", lambda x, c: append(c, x), ["x", "params:c"], "y"), constants={"params:c": []})
    overrides = {"params:c": [5]}

    assert [5, 1] == run({"x": 1}, overrides)["y"]
    assert {"params:c": [5]} == overrides
    assert [2] == run({"x": 2}, {})["y"]


def test_override_of_what_is_no_constant_is_refused() -> None:
    """The error names what was given and what there is."""
    run = executor(Step("a", lambda x, c: x + c, ["x", "params:c"], "y"), constants={"params:c": 1})

    with pytest.raises(PredictionError) as caught:
        run({"x": 1}, {"params:d": 2, "x": 3})

    assert str(caught.value) == (
        "Cannot predict: no node reads a parameter or an artifact 'params:d', 'x'. Override one of 'params:c'."
    )


@pytest.mark.parametrize(("values", "listed"), [({}, "nothing"), ({"z": 1}, "'z'"), ({"x": 1, "z": 2}, "'x', 'z'")])
def test_request_has_to_fit(values: dict[str, Any], listed: str) -> None:
    """A dataset too few or too many is an error that names both sides."""
    with pytest.raises(PredictionError) as caught:
        executor(Step("a", append, "x", "y"))(values)

    assert f"Cannot predict: the request gives {listed}. Give 'x', no more and no less." == str(caught.value)


def test_pipeline_without_request_runs_on_its_constants() -> None:
    """A node may read nothing at all, and None is a value like any other where it is given."""
    steps = [Step("a", lambda: [1], None, "b"), Step("b", lambda b, c: (b, c), ["b", "c"], "y")]

    assert {"y": ([1], None)} == executor(*steps, request=[], constants={"c": None})({})


# ---------------------------------------------------------------- errors


def test_error_of_a_node_names_it_and_its_inputs() -> None:
    """The exception keeps its type and its traceback, and gains one line without any value."""

    def fail(key: int, values: dict[int, Any]) -> Any:
        return values[key]

    run = executor(Step("shop.fail", fail, {"key": "x", "values": "z"}, "y"), request=["x", "z"])

    with pytest.raises(KeyError) as caught:
        run({"x": 7, "z": {8: "secret"}})

    assert (7,) == caught.value.args
    assert ["Node 'shop.fail' failed; its inputs are 'x', 'z'."] == vars(caught.value)["__notes__"]
    assert "fail" == list(caught.traceback)[-1].name


def test_error_of_a_node_without_add_note(caplog: pytest.LogCaptureFixture) -> None:
    """Where exceptions have no add_note, the line is where PEP 678 puts it, and in the log."""

    class OldError(Exception):
        """An exception as Python 3.10 has them."""

        def __getattribute__(self, name: str) -> Any:
            if name == "add_note":
                raise AttributeError(name)
            return super().__getattribute__(name)

    def fail() -> None:
        raise OldError

    line = "Node 'fail' failed; its inputs are nothing."
    with pytest.raises(OldError) as caught:
        executor(Step("fail", fail, None, "y"))({"x": 1})

    assert [line] == vars(caught.value)["__notes__"]
    assert [line] == caplog.messages


def test_value_that_cannot_be_copied_is_named_with_its_reader() -> None:
    """The error names the dataset, and its note the node that should have read it."""
    steps = [
        Step("a", lambda x: [x, Lock()], "x", ["b", "lock"]),
        Step("b", lambda b, _: b, ["b", "lock"], "y"),
    ]

    with pytest.raises(CopyError, match="Cannot copy 'lock'") as caught:
        executor(*steps)({"x": 1})

    assert ["Node 'b' failed; its inputs are 'b', 'lock'."] == vars(caught.value)["__notes__"]


def _yield_nothing(_: Any) -> Iterator[Any]:
    yield from ()


def _yield_none_then_more(_: Any) -> Iterator[Any]:
    yield [1, None]
    yield [1, 2]


@pytest.mark.parametrize(
    ("function", "outputs", "expected"),
    [
        (
            lambda _: None,
            "y",
            "it produced None for 'y', and Kedro saves no None. Return a value, or declare no output.",
        ),
        (
            lambda _: (1, None),
            ["y", "z"],
            "it produced None for 'z', and Kedro saves no None. Return a value, or declare no output.",
        ),
        (
            lambda _: 1,
            ["y", "z"],
            "it produced a 'int', and declares its outputs as a list. Return a list or a tuple of 2.",
        ),
        (
            lambda _: [1, 2, 3],
            ["y", "z"],
            "it produced 3 values, and declares 2 outputs. Make the two agree.",
        ),
        (
            lambda _: [1],
            {"one": "y"},
            (
                "it produced a 'list', and declares its outputs as a dictionary. "
                "Return a dictionary with the keys 'one'."
            ),
        ),
        (
            lambda _: {"one": 1, "three": 3, "four": 4},
            {"one": "y", "two": "z"},
            (
                "the dictionary it produced lacks 'two' and has 2 more keys than it declares. "
                "Return a dictionary with the keys 'one', 'two'."
            ),
        ),
        (_yield_nothing, ["y", "z"], "it yielded nothing. Yield 'y', 'z' at least once."),
        (
            _yield_none_then_more,
            ["y", "z"],
            "it produced None for 'z', and Kedro saves no None. Return a value, or declare no output.",
        ),
    ],
)
def test_result_that_is_not_what_the_node_declares(function: Callable[..., Any], outputs: Any, expected: str) -> None:
    """Where Kedro refuses a result, the executor does, and says what to change."""
    with pytest.raises((ValueError, DatasetError)):
        run_by_kedro(pipeline([node(function, "x", outputs, name="a")]), {"x": 1})

    with pytest.raises(ExecutionError) as caught:
        executor(Step("a", function, "x", outputs))({"x": 1})

    assert f"Cannot run node 'a': {expected}" == str(caught.value)
    assert "a" == caught.value.node


def test_every_chunk_has_to_fit() -> None:
    """Where a later chunk is shorter Kedro drops data in silence; the executor says so."""

    def generator(_: Any) -> Iterator[list[int]]:
        yield [1, 2]
        yield [3]
        yield [5, 6]

    flow = pipeline([node(generator, "x", ["y", "z"], name="a")])
    assert {"y": 1, "z": 2} == run_by_kedro(flow, {"x": 1})

    with pytest.raises(ExecutionError, match="it produced 1 values, and declares 2 outputs"):
        executor(Step("a", generator, "x", ["y", "z"]))({"x": 1})


def test_result_without_declared_output_is_ignored() -> None:
    """A node without outputs may return what it likes, and a generator function without any never starts."""
    ran: list[str] = []

    def generator(_: Any) -> Iterator[None]:
        ran.append("generator")
        yield

    steps = [
        Step("a", lambda x: append(ran, "function") and x, "x", None),
        Step("b", generator, "x", None),
        Step("c", lambda x: x, "x", "y"),
    ]

    assert {"y": 1} == executor(*steps)({"x": 1})
    assert ["function"] == ran


def test_transcoded_intermediate_is_two_datasets() -> None:
    """A name with another suffix than it was written with is refused at once; Kedro fails on its way."""
    flow = pipeline([node(append, "x", "d@pandas", name="a"), node(append, "d@spark", "y", name="b")])
    with pytest.raises(DatasetError, match="has not been saved yet"):
        run_by_kedro(flow, {"x": []})

    with pytest.raises(ExecutionError) as caught:
        executor(Step("a", append, "x", "d@pandas"), Step("b", append, "d@spark", "y"))

    assert str(caught.value) == (
        "Cannot run node 'b': no node before it writes 'd@spark', and no request or artifact provides it. "
        "Write it under this name: in memory, 'x@pandas' and 'x@spark' are two datasets."
    )


def test_transcoded_input_is_read_under_its_full_name() -> None:
    """A request or an artifact with a suffix is a dataset like any other."""
    step = Step("a", lambda x, c: x + c, ["x@pandas", "c@spark"], "y")

    assert {"y": 3} == executor(step, request=["x@pandas"], constants={"c@spark": 2})({"x@pandas": 1})


def test_output_that_no_node_writes_is_refused() -> None:
    """The error names what is asked for and what there is."""
    with pytest.raises(PredictionError) as caught:
        executor(Step("a", append, "x", "y"), outputs=["z"])

    assert "Cannot predict: no node writes the output 'z'. The nodes write 'y'." == str(caught.value)
