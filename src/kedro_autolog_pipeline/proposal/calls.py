"""Find in a function's source where it fits, transforms, predicts, splits and evaluates."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from functools import partial
from types import FunctionType, ModuleType
from typing import Any

import attrs


class Action(Enum):
    """What a call does to a model or to its data."""

    FIT = "fits"
    """It learns from data."""
    TRANSFORM = "transforms"
    """It applies something that is fitted, and the result is no prediction."""
    PREDICT = "predicts"
    """It asks a model."""
    SPLIT = "splits"
    """It divides rows, for training and for testing."""
    EVALUATE = "evaluates"
    """It compares predictions with what is known."""


# Methods that scikit-learn and the libraries that follow it have agreed on.
_METHODS = {
    **dict.fromkeys(("fit", "partial_fit", "fit_transform", "fit_predict", "fit_resample"), Action.FIT),
    **dict.fromkeys(("predict", "predict_proba", "predict_log_proba", "decision_function"), Action.PREDICT),
}
# Methods of many other things too; they count only where a node's input has them.
_METHODS_OF_INPUTS = {
    "transform": Action.TRANSFORM,
    "inverse_transform": Action.TRANSFORM,
    "evaluate": Action.EVALUATE,
    "score": Action.EVALUATE,
}
_EVALUATING_MODULES = ("sklearn.metrics", "torchmetrics", "keras.metrics")
_EVALUATING_FUNCTIONS = ("cross_val_score", "cross_validate")
_SELECTION_MODULE = "sklearn.model_selection"
_SPLITTING_ENDINGS = ("train_test_split", "Fold", "Split")


@attrs.frozen
class Call:
    """One call in the body of a function.

    Attributes:
        action: What it does, or what the project's function does that it calls.
        receiver: Parameter of the function whose method is called; None when it is no parameter.
        line: Its line in the function's file, from 1.
        text: The call as Python writes it.
        expression: The call in the syntax tree of the function.
    """

    action: Action
    receiver: str | None
    line: int
    text: str
    expression: ast.Call = attrs.field(eq=False, repr=False)


@attrs.frozen
class FunctionSource:
    """A function as it is written.

    Attributes:
        module: Name of its module.
        qualname: Its name there.
        names: All that is known in that module, by name.
        path: Its file.
        tree: Its syntax tree, with the line numbers of the file.
        parameters: Names of its parameters, in order.
    """

    module: str
    qualname: str
    names: Mapping[str, Any] = attrs.field(eq=False, repr=False)
    path: str
    tree: ast.FunctionDef = attrs.field(eq=False, repr=False)
    parameters: tuple[str, ...]

    @property
    def mentioned(self) -> set[str]:
        """All names that the function mentions, without what is before a dot."""
        return {each.id for each in ast.walk(self.tree) if isinstance(each, ast.Name)} | {
            each.attr for each in ast.walk(self.tree) if isinstance(each, ast.Attribute)
        }

    def resolve(self, expression: ast.expr) -> Any:
        """Return the object that a name or a dotted name stands for in the function; None when nothing is known of it.

        What the function itself imports is a string, ``module.name``.
        """
        if isinstance(expression, ast.Attribute):
            owner = self.resolve(expression.value)
            if isinstance(owner, str):
                return f"{owner}.{expression.attr}"
            return getattr(owner, expression.attr, None) if isinstance(owner, ModuleType) else None
        if not isinstance(expression, ast.Name) or expression.id in self.parameters:
            return None
        return self._imported_inside().get(expression.id, self.names.get(expression.id))

    def _imported_inside(self) -> Mapping[str, str]:
        imported: dict[str, str] = {}
        for statement in ast.walk(self.tree):
            if isinstance(statement, (ast.Import, ast.ImportFrom)):
                origin = f"{statement.module}." if isinstance(statement, ast.ImportFrom) else ""
                imported |= {alias.asname or alias.name: f"{origin}{alias.name}" for alias in statement.names}
        return imported


def read_source(function: Callable[..., Any]) -> FunctionSource | None:
    """Read a function's source; None when it has none that can be read, or is no plain function."""
    plain: Any = function
    while isinstance(plain, partial):
        plain = plain.func
    plain = inspect.unwrap(plain)
    if not isinstance(plain, FunctionType):
        return None
    try:
        lines, first = inspect.getsourcelines(plain)
        module = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, SyntaxError, TypeError):
        return None
    if not isinstance(module.body[0], ast.FunctionDef):
        return None
    tree = module.body[0]
    ast.increment_lineno(module, first - 1)
    parameters = tuple(inspect.signature(plain).parameters)
    return FunctionSource(
        plain.__module__, plain.__qualname__, plain.__globals__, inspect.getfile(plain), tree, parameters
    )


def find_calls(source: FunctionSource, within: tuple[FunctionSource, ...] = ()) -> list[Call]:
    """Find what a function does, itself or by other functions of its project.

    Args:
        source: The function.
        within: The functions that have called it; one that calls itself is read once.

    Returns:
        The calls in the order of the function's lines.
    """
    found = [
        call
        for expression in ast.walk(source.tree)
        if isinstance(expression, ast.Call)
        for call in _calls(expression, source, (*within, source))
    ]
    return sorted(found, key=lambda call: (call.line, call.expression.col_offset))


def _calls(expression: ast.Call, source: FunctionSource, within: tuple[FunctionSource, ...]) -> Iterator[Call]:
    target = source.resolve(expression.func)
    helper = _helper(target, source)
    if helper is not None:
        given = _arguments(expression, helper)
        inner = [] if helper in within else find_calls(helper, within)
        for does, receiver in dict.fromkeys((each.action, each.receiver) for each in inner):
            yield _call(expression, does, _root(given.get(receiver or ""), source))
    elif (action := _action_of(target)) is not None:
        yield _call(expression, action, None)
    elif isinstance(expression.func, ast.Attribute):
        receiver = _root(expression.func.value, source)
        method = expression.func.attr
        if method in _METHODS:
            yield _call(expression, _METHODS[method], receiver)
        elif receiver is not None and method in _METHODS_OF_INPUTS:
            yield _call(expression, _METHODS_OF_INPUTS[method], receiver)


def _call(expression: ast.Call, action: Action, receiver: str | None) -> Call:
    return Call(action, receiver, expression.lineno, ast.unparse(expression), expression)


def _action_of(target: Any) -> Action | None:
    """Tell what a function of a library does, by the module that it is from."""
    if target is None:
        return None
    if isinstance(target, str):
        module, _, name = target.rpartition(".")
    else:
        module, name = getattr(target, "__module__", None) or "", getattr(target, "__name__", "")
    if module.startswith(_EVALUATING_MODULES) or name in _EVALUATING_FUNCTIONS:
        return Action.EVALUATE
    if module.startswith(_SELECTION_MODULE) and name.endswith(_SPLITTING_ENDINGS):
        return Action.SPLIT
    # `xgboost.train` and `lightgbm.train`; the method `train` of a PyTorch module only sets a flag.
    return Action.FIT if name == "train" and module.startswith(("xgboost", "lightgbm")) else None


def _helper(target: Any, source: FunctionSource) -> FunctionSource | None:
    """Return the source of a function of the same project."""
    if not isinstance(target, FunctionType):
        return None
    package = source.module.partition(".")[0]
    return read_source(target) if target.__module__.partition(".")[0] == package else None


def _arguments(expression: ast.Call, helper: FunctionSource) -> Mapping[str, ast.expr]:
    named = {keyword.arg: keyword.value for keyword in expression.keywords if keyword.arg is not None}
    return {**dict(zip(helper.parameters, expression.args, strict=False)), **named}


def _root(expression: ast.expr | None, source: FunctionSource) -> str | None:
    """Return the parameter that an expression is, or is a part of; what a call returns is another object."""
    while isinstance(expression, (ast.Attribute, ast.Subscript)):
        expression = expression.value
    is_parameter = isinstance(expression, ast.Name) and expression.id in source.parameters
    return expression.id if isinstance(expression, ast.Name) and is_parameter else None
