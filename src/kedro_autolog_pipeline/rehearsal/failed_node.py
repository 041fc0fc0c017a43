"""Say which node of the inference pipeline fails on data of the run, and what a model cannot give it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import CodeType
from typing import Any

import attrs
from kedro.framework.hooks import hook_impl
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

WITHOUT_SERVER = (
    "A model is proven without a tracking server, on purpose: where it is deployed there may be none, and the model "
    "that a node loads by itself is not the one that was trained. Make that model an input of the node, from a dataset "
    "of the catalog."
)
"""What to do about a node that loads a model from MLflow by itself."""

_ON_SERVER = ("models:/", "runs:/", "mlflow-artifacts:/")


@attrs.define(eq=False)
class FailedNode:
    """A hook that remembers the node that fails.

    Attributes:
        node: The node; None as long as none has failed.
    """

    node: Node | None = None

    @hook_impl
    def on_node_error(self, node: Node) -> None:
        """Remember a node."""
        self.node = node

    def describe(self, error: Exception, stored: Mapping[str, str]) -> str:
        """Say what fails, why, and what to do.

        Args:
            error: What was raised.
            stored: By name of a dataset between two nodes, the dataset that has written and read it.
        """
        from mlflow.exceptions import MlflowException

        where = "" if self.node is None else f", in node '{self.node.name}'"
        said = f"its inference pipeline fails on the first rows of this run's own data{where} ({_shown(error)})."
        if any(isinstance(each, MlflowException) for each in _chain(error)):
            return f"{said} {WITHOUT_SERVER}"
        read = [name for name in ([] if self.node is None else self.node.inputs) if name in stored]
        if not read:
            return f"{said} Correct it."
        kinds = ", ".join(f"'{name}' from a {stored[name]}" for name in read)
        return (
            f"{said} As in 'kedro run', it reads {kinds}, which may load another type than was saved. Correct it, "
            "or name the dataset in 'in_memory' for a model that keeps it in memory."
        )


def why_needs_server(pipeline: Pipeline, parameters: Mapping[str, Any]) -> str | None:
    """Say which nodes load a model from MLflow by themselves, where the pipeline cannot be tried.

    Args:
        pipeline: The inference pipeline.
        parameters: Value by dataset name of those that it reads.

    Returns:
        None when none does, as far as code and parameters tell.
    """
    names = [node.name for node in pipeline.nodes if _loads_models(node, parameters)]
    loading = ", ".join(f"'{name}'" for name in names)
    return f"a model of MLflow's server is loaded by node {loading} itself. {WITHOUT_SERVER}" if names else None


def _loads_models(node: Node, parameters: Mapping[str, Any]) -> bool:
    code = getattr(node.func, "__code__", None)
    if code is None:
        return False
    codes = list(_codes(code))
    names = {name for each in codes for name in each.co_names}
    globals_ = getattr(node.func, "__globals__", {})
    if not any(name.partition(".")[0] == "mlflow" or _is_of_mlflow(globals_.get(name)) for name in names):
        return False
    texts = [
        *(constant for each in codes for constant in each.co_consts),
        *(globals_.get(name) for name in names),
        *(parameters.get(name) for name in node.inputs),
    ]
    return any(isinstance(text, str) and text.startswith(_ON_SERVER) for text in texts)


def _is_of_mlflow(value: Any) -> bool:
    name = getattr(value, "__module__", None) or getattr(value, "__name__", "")
    return isinstance(name, str) and name.partition(".")[0] == "mlflow"


def _codes(code: CodeType) -> Iterator[CodeType]:
    """Return a function's code and that of the functions in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _shown(error: Exception) -> str:
    # What Python shows of an error of the operating system leaves out the file.
    return f"{type(error).__name__}: {error}" if isinstance(error, OSError) else repr(error)


def _chain(error: BaseException | None) -> Iterable[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
