"""Record each prediction as a trace of MLflow, with a span for each node, where the environment asks for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import wraps
from inspect import isgeneratorfunction
from typing import Any

import attrs
import mlflow
import numpy as np
import pandas as pd

from kedro_autolog_pipeline.serving.executor import Step

TRACE_VARIABLE = "ENABLE_MLFLOW_TRACING"
"""The variable by which MLflow's own model serving turns traces on."""

VALUES_VARIABLE = "KEDRO_AUTOLOG_TRACE_VALUES"


@attrs.frozen
class Tracing:
    """What is recorded of a prediction.

    MLflow links a trace to the logged model that it asks, and writes it where the process's tracking server is.

    Attributes:
        has_values: Whether spans hold values, which may be personal data, or only shapes and types.
    """

    has_values: bool

    @classmethod
    def of_environment(cls) -> Tracing | None:
        """Return what the environment asks for; None where it asks for no traces."""
        if os.environ.get(TRACE_VARIABLE, "").lower() != "true":
            return None
        return Tracing(os.environ.get(VALUES_VARIABLE) == "1")

    def traced_run(
        self, run: Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]]
    ) -> Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]]:
        """Return a pipeline, as a function of a request and of what overrides a parameter, in a span of its own."""

        def call(values: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
            with mlflow.start_span("predict") as span:
                span.set_inputs(self._shown({**values, **overrides}))
                outputs = run(values, overrides)
                span.set_outputs(self._shown(outputs))
                return outputs

        return call

    def traced_step(self, step: Step) -> Step:
        """Return a node whose function has a span of its own wherever a prediction has one.

        A thread of Kedro's ThreadRunner does not know of the prediction, and its nodes have none.
        """
        function = step.function

        @wraps(function)
        def call(*given: Any, **named: Any) -> Any:
            if mlflow.get_current_active_span() is None:
                return function(*given, **named)
            with mlflow.start_span(step.name) as span:
                span.set_inputs(self._shown(step.inputs_by_name(given, named)))
                result = function(*given, **named)
                span.set_outputs(self._shown(step.outputs_by_name(result)))
                return result

        @wraps(function)
        def chunks(*given: Any, **named: Any) -> Generator[Any, None, None]:
            if mlflow.get_current_active_span() is None:
                yield from function(*given, **named)
                return
            with mlflow.start_span(step.name) as span:
                span.set_inputs(self._shown(step.inputs_by_name(given, named)))
                for chunk in function(*given, **named):
                    # The last one stays, as in the prediction.
                    span.set_outputs(self._shown(step.outputs_by_name(chunk)))
                    yield chunk

        return attrs.evolve(step, function=chunks if isgeneratorfunction(function) else call)

    def _shown(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return dict(values) if self.has_values else {name: _shape(value) for name, value in values.items()}


def _shape(value: Any) -> dict[str, Any]:
    """Return the type of a value, and its size where it has one."""
    shown: dict[str, Any] = {"type": type(value).__name__}
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        shown["shape"] = list(shape)
    elif isinstance(value, (Mapping, Sequence, AbstractSet)):
        shown["length"] = len(value)
    if isinstance(value, pd.DataFrame):
        shown["columns"] = {str(name): str(kind) for name, kind in value.dtypes.items()}
    elif isinstance(value, (np.ndarray, pd.Series)):
        shown["dtype"] = str(value.dtype)
    return shown
