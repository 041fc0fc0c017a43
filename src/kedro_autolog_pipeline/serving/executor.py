"""Run an inference pipeline as plain calls, without Kedro's runner and catalog.

Kedro passes every value through a MemoryDataset, which copies it at each save and at each load. The executor
copies only where somebody could tell the difference:

- What the caller gives is copied for each node that reads it, and an override once, when the call starts.
- Constants are shared by all calls, uncopied, unless ``copy_modes`` says otherwise.
- A node's only output is copied for each reader but the last, which gets the object itself. Where somebody
  else still holds that object, be it a constant that the node returned or a cache in its module, a copy takes
  its place.
- Several outputs of one node may hold one another, so each is copied for every reader, the caller included.
- What a generator function yields is copied at once, since the generator may go on to change it.

One thing it does not see: an object *inside* a fresh one. A node that returns ``{"model": model}``, or a view
of an array, shares the constant with whoever reads that. Where a node changes it there, name the constant in
``copy_modes``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import isgeneratorfunction
from operator import itemgetter, methodcaller
from sys import getrefcount
from typing import Any, TypeAlias

import attrs

from kedro_autolog_pipeline.errors import ExecutionError, PredictionError
from kedro_autolog_pipeline.serving.copying import CopyMode, copied
from kedro_autolog_pipeline.serving.manifest import Names

_LOGGER = logging.getLogger(__name__)

Values: TypeAlias = dict[str, Any]
"""All that one call knows, by dataset name; no other call sees it."""

Call: TypeAlias = Callable[[Values], Any]
"""Something compiled: takes its part of what a call knows."""

_CALLER = None
"""Who reads the outputs, where a node's name says who reads anything else."""


@attrs.frozen
class Step:
    """One node with its function resolved.

    Attributes:
        name: The node's full name, namespace included.
        function: What the node calls.
        inputs: Dataset names in the form the pipeline's author wrote them.
        outputs: Dataset names, likewise.
    """

    name: str
    function: Callable[..., Any]
    inputs: Names
    outputs: Names

    @property
    def input_names(self) -> list[str]:
        """Names of the datasets that it reads."""
        return _listed(self.inputs)

    @property
    def output_names(self) -> list[str]:
        """Names of the datasets that it writes."""
        return _listed(self.outputs)

    def inputs_by_name(self, given: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of a call of the function, by dataset name."""
        if isinstance(self.inputs, dict):
            return {self.inputs[argument]: value for argument, value in named.items()}
        return dict(zip(_listed(self.inputs), given, strict=True))

    def called_with(self, inputs: Mapping[str, Any]) -> Any:
        """Call the function with data by dataset name."""
        if isinstance(self.inputs, dict):
            return self.function(**{argument: inputs[name] for argument, name in self.inputs.items()})
        return self.function(*[inputs[name] for name in _listed(self.inputs)])

    def outputs_by_name(self, result: Any) -> dict[str, Any]:
        """Return what the function has returned, by dataset name, as far as it is what the node declares."""
        if isinstance(self.outputs, str):
            return {self.outputs: result}
        if isinstance(self.outputs, dict) and isinstance(result, dict):
            return {name: result[key] for key, name in self.outputs.items() if key in result}
        if isinstance(self.outputs, list) and isinstance(result, (list, tuple)):
            return dict(zip(self.outputs, result, strict=False))
        return {}

    def result_of(self, outputs: Mapping[str, Any]) -> Any:
        """Return data by dataset name as the function does."""
        if isinstance(self.outputs, str):
            return outputs[self.outputs]
        if isinstance(self.outputs, dict):
            return {key: outputs[name] for key, name in self.outputs.items()}
        return None if self.outputs is None else [outputs[name] for name in self.outputs]


class Executor:
    """A pipeline compiled to plain calls.

    Nodes mean what they mean to Kedro's SequentialRunner with a MemoryDataset for every dataset. Nothing of a
    call outlives it, so threads may share an executor.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        *,
        constants: Mapping[str, Any],
        request: Sequence[str],
        outputs: Sequence[str],
        copy_modes: Mapping[str, CopyMode | None] | None = None,
    ) -> None:
        """Compile a pipeline.

        Args:
            steps: Its nodes, in an order in which they can run.
            constants: Artifacts and parameters by dataset name.
            request: Names of the datasets that each call gives.
            outputs: Names of the datasets that each call returns.
            copy_modes: How to copy a dataset, by name; None is as Kedro infers from its value. One that is not
                named is copied in that way too; a constant that is not named is shared.

        Raises:
            ExecutionError: When a node reads what nothing provides before it runs.
            PredictionError: When no node writes one of ``outputs``.
        """
        shared = dict.fromkeys(constants, CopyMode.ASSIGN)
        plan = _Plan(steps, outputs, given={*constants, *request}, modes={**shared, **(copy_modes or {})})
        self._constants = dict(constants)
        self._request = frozenset(request)
        self._calls = [(_compiled(step, plan), step) for step in steps]
        self._outputs = [(name, plan.read(name, _CALLER)) for name in outputs]

    def __call__(self, values: Mapping[str, Any], overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Run every node once.

        Args:
            values: The request's data by dataset name.
            overrides: What to use instead of a constant, by dataset name, for this call alone.

        Returns:
            The outputs by dataset name, in the order they were asked for at construction.

        Raises:
            PredictionError: When ``values`` are not the request's datasets, or an override is not a constant.
            ExecutionError: When a node does not produce what it declares.
            CopyError: When a value has to be copied and cannot be.
            Exception: Whatever a node raises, with a note that names the node.
        """
        if values.keys() != self._request:
            raise _wrong_request(values, self._request)
        known = {**self._constants, **values}
        if overrides:
            known.update(self._checked(overrides))
        try:
            for call, step in self._calls:  # noqa: B007 - the handler names it
                call(known)
        except Exception as error:
            _add_note(error, step)
            raise
        return {name: read(known) for name, read in self._outputs}

    def _checked(self, overrides: Mapping[str, Any]) -> Values:
        unknown = sorted(overrides.keys() - self._constants.keys())
        if unknown:
            cause = f"no node reads a parameter or an artifact {_quoted(unknown)}."
            raise PredictionError(cause, f"Override one of {_quoted(sorted(self._constants))}.")
        return {name: copied(name, value) for name, value in overrides.items()}


class _Plan:
    """Who reads a dataset last, and how each reader gets it."""

    def __init__(
        self, steps: Sequence[Step], outputs: Sequence[str], given: set[str], modes: Mapping[str, CopyMode | None]
    ) -> None:
        self._given = given
        self._modes = modes
        self._last_reader: dict[str, str | None] = {}
        self._apart: set[str] = set()
        """Datasets whose value no other value of the call can hold."""
        written: set[str] = set()
        for step in steps:
            for name in _listed(step.inputs):
                if name not in given | written:
                    raise ExecutionError(
                        step.name,
                        f"no node before it writes '{name}', and no request or artifact provides it.",
                        "Write it under this name: in memory, 'x@pandas' and 'x@spark' are two datasets.",
                    )
                self._last_reader[name] = step.name
            written.update(_listed(step.outputs))
            if isinstance(step.outputs, str) or isgeneratorfunction(step.function):
                self._apart.update(_listed(step.outputs))
        unwritten = [name for name in outputs if name not in written]
        if unwritten:
            cause = f"no node writes the output {_quoted(unwritten)}."
            raise PredictionError(cause, f"The nodes write {_quoted(sorted(written))}.")
        self._last_reader.update(dict.fromkeys(outputs, _CALLER))

    def mode(self, name: str) -> CopyMode | None:
        """Return the copy mode of a dataset; None where its value decides."""
        return self._modes.get(name)

    def is_read(self, name: str) -> bool:
        """Tell whether anybody reads a dataset, the caller included."""
        return name in self._last_reader

    def read(self, name: str, reader: str | None) -> Call:
        """Return the way in which ``reader`` gets a dataset; the last one to read a node's output frees it."""
        is_last = name not in self._given and self._last_reader[name] == reader
        get: Call = methodcaller("pop", name) if is_last else itemgetter(name)
        mode = self.mode(name)
        if mode is CopyMode.ASSIGN or (is_last and name in self._apart):
            return get
        return lambda known: copied(name, get(known), mode)


def _compiled(step: Step, plan: _Plan) -> Call:
    """Turn a step into one call that reads its inputs and writes its outputs."""
    names = list(dict.fromkeys(_listed(step.inputs)))
    call = _calling(_by_position(step, names), [plan.read(name, step.name) for name in names])
    if step.outputs is None:
        return call
    if isgeneratorfunction(step.function):
        return _writing_chunks(step, call, plan)
    if isinstance(step.outputs, str):
        return _writing_one(step, step.outputs, call, plan)
    return _writing_several(step, call, plan)


def _by_position(step: Step, names: list[str]) -> Callable[..., Any]:
    """Return the step's function as one of the datasets ``names``, each given once, as Kedro loads it once."""
    function, inputs = step.function, step.inputs
    if isinstance(inputs, dict):
        arguments = {argument: names.index(name) for argument, name in inputs.items()}
        return lambda *given: function(**{argument: given[place] for argument, place in arguments.items()})
    if isinstance(inputs, list) and inputs != names:
        places = [names.index(name) for name in inputs]
        return lambda *given: function(*[given[place] for place in places])
    return function


def _calling(function: Callable[..., Any], readers: list[Call]) -> Call:
    # No frame keeps what it has read: the function may free it, and where it returns it nobody else holds it.
    if len(readers) == 1:
        read = readers[0]
        return lambda known: function(read(known))
    return lambda known: function(*[read(known) for read in readers])


def _references_of_a_local() -> int:
    result = object()
    return getrefcount(result)


_UNSHARED = _references_of_a_local()
"""What getrefcount says of an object that one local variable holds and nothing else, in this interpreter.

pandas and NumPy tell in the same way what nobody else holds. A count that is too high costs a copy, no more.
"""


def _writing_one(step: Step, name: str, call: Call, plan: _Plan) -> Call:
    mode, is_read = plan.mode(name), plan.is_read(name)

    def run(known: Values) -> None:
        result = call(known)
        if result is None:
            raise _none_error(step, name)
        if is_read:
            known[name] = result if getrefcount(result) <= _UNSHARED else copied(name, result, mode)

    return run


def _writing_several(step: Step, call: Call, plan: _Plan) -> Call:
    names, unpack = _listed(step.outputs), _unpacking(step)
    read = {name for name in names if plan.is_read(name)}

    def run(known: Values) -> None:
        for name, value in zip(names, unpack(call(known)), strict=True):
            if value is None:
                raise _none_error(step, name)
            if name in read:
                known[name] = value

    return run


def _writing_chunks(step: Step, call: Call, plan: _Plan) -> Call:
    """Write each chunk over the one before, as Kedro does with a MemoryDataset: the last one stays.

    Kedro checks the first chunk alone, and loses data without a word where a later one is shorter.
    """
    names, unpack = _listed(step.outputs), _unpacking(step)
    modes = {name: plan.mode(name) for name in names if plan.is_read(name)}

    def run(known: Values) -> None:
        chunk = None
        for chunk in call(known):
            for name, value in zip(names, unpack(chunk), strict=True):
                if value is None:
                    raise _none_error(step, name)
                if name in modes:
                    known[name] = copied(name, value, modes[name])
        if chunk is None:
            raise ExecutionError(step.name, "it yielded nothing.", f"Yield {_quoted(names)} at least once.")

    return run


def _unpacking(step: Step) -> Callable[[Any], Iterable[Any]]:
    """Return a function that turns a step's result into one value for each of its outputs."""
    outputs = step.outputs
    if isinstance(outputs, dict):
        return lambda result: _by_key(step, result, outputs.keys())
    if isinstance(outputs, list):
        return lambda result: _in_order(step, result, len(outputs))
    return lambda result: (result,)


def _by_key(step: Step, result: object, keys: Iterable[str]) -> list[Any]:
    expected = set(keys)
    if not isinstance(result, dict):
        raise ExecutionError(
            step.name,
            f"it produced a '{type(result).__name__}', and declares its outputs as a dictionary.",
            f"Return a dictionary with the keys {_quoted(keys)}.",
        )
    if expected != result.keys():
        raise ExecutionError(
            step.name,
            f"the dictionary it produced lacks {_quoted(sorted(expected - result.keys()))}"
            f" and has {len(result.keys() - expected)} more keys than it declares.",
            f"Return a dictionary with the keys {_quoted(keys)}.",
        )
    return [result[key] for key in keys]


def _in_order(step: Step, result: object, number: int) -> Sequence[Any]:
    if not isinstance(result, list | tuple):
        raise ExecutionError(
            step.name,
            f"it produced a '{type(result).__name__}', and declares its outputs as a list.",
            f"Return a list or a tuple of {number}.",
        )
    if len(result) != number:
        raise ExecutionError(
            step.name,
            f"it produced {len(result)} values, and declares {number} outputs.",
            "Make the two agree.",
        )
    return result


def _none_error(step: Step, name: str) -> ExecutionError:
    return ExecutionError(
        step.name,
        f"it produced None for '{name}', and Kedro saves no None.",
        "Return a value, or declare no output.",
    )


def _wrong_request(values: Mapping[str, Any], request: frozenset[str]) -> PredictionError:
    return PredictionError(
        f"the request gives {_quoted(sorted(values, key=str))}.",
        f"Give {_quoted(sorted(request))}, no more and no less.",
    )


def _add_note(error: Exception, step: Step) -> None:
    note = f"Node '{step.name}' failed; its inputs are {_quoted(_listed(step.inputs))}."
    if hasattr(error, "add_note"):
        error.add_note(note)
    else:  # Python 3.10 shows no notes: who knows PEP 678 finds it in its place, who does not in the log.
        vars(error).setdefault("__notes__", []).append(note)
        _LOGGER.error(note)


def _listed(names: Names) -> list[str]:
    if names is None:
        return []
    if isinstance(names, str):
        return [names]
    return list(names.values()) if isinstance(names, dict) else list(names)


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names) or "nothing"
