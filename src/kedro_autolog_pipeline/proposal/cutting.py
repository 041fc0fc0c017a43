"""Cut the prediction out of a function that also evaluates it."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Iterator
from importlib.util import resolve_name
from pathlib import Path

import attrs

from kedro_autolog_pipeline.proposal.calls import Action, Call, FunctionSource, find_calls


@attrs.frozen
class Cut:
    """The part of a function that predicts.

    Attributes:
        parameters: Parameters of the function that it needs, in their order, as they are declared.
        names: The names of those parameters.
        body: Its statements; the last one returns the prediction.
        imports: Lines that import what it reads.
        path: The function's file.
        lines: Lines of that file that it was cut from, in order, from 1.
    """

    parameters: tuple[str, ...]
    names: tuple[str, ...]
    body: tuple[str, ...]
    imports: tuple[str, ...]
    path: str
    lines: tuple[int, ...]


def cut_prediction(source: FunctionSource, call: Call, data: Collection[str]) -> Cut | None:
    """Cut out a call that predicts, with all that its arguments need.

    Args:
        source: The function.
        call: The call.
        data: Parameters that are rows, neither fitted nor a parameter of Kedro's.

    Returns:
        None when the statements before the call cannot be told apart by reading them: a loop, a condition, or one that
        also fits, splits or evaluates.
    """
    body = source.tree.body
    place = next((index for index, statement in enumerate(body) if _contains(statement, call.expression)), None)
    if place is None or not isinstance(body[place], (ast.Assign, ast.AnnAssign, ast.Expr, ast.Return)):
        return None
    others = {
        id(each.expression)
        for each in find_calls(source)
        if each.action in (Action.EVALUATE, Action.FIT, Action.SPLIT) and each.expression is not call.expression
    }
    answer = _widest(body[place], call.expression, others, data)
    needed = _read_names(answer)
    kept: list[ast.stmt] = []
    for statement in reversed(body[:place]):
        changed = _changed_names(statement)
        if not changed & needed:
            continue
        if not isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr, ast.Import, ast.ImportFrom)):
            return None
        if any(id(expression) in others for expression in ast.walk(statement)):
            return None
        kept.insert(0, statement)
        needed |= _read_names(statement)
    return _written(source, kept, answer, needed)


def _written(source: FunctionSource, kept: list[ast.stmt], answer: ast.expr, needed: set[str]) -> Cut | None:
    arguments = source.tree.args
    if arguments.vararg or arguments.kwarg or arguments.posonlyargs:
        return None
    declared = [each for each in (*arguments.args, *arguments.kwonlyargs) if each.arg in needed]
    names = {each.arg for each in declared}
    known = {*source.names, *dir(builtins)}
    annotations = {name for each in declared if each.annotation for name in _read_names(each.annotation)}
    # What only a type checker imports cannot be imported here either.
    is_annotated = annotations <= known
    made = {name for statement in kept for name in _changed_names(statement)} | names
    imported = (needed | annotations if is_annotated else needed) - made
    lines = [*(statement.lineno for statement in kept), answer.lineno]
    return Cut(
        parameters=tuple(ast.unparse(each) if is_annotated else each.arg for each in declared),
        names=tuple(each.arg for each in declared),
        body=(*(ast.unparse(statement) for statement in kept), f"return {ast.unparse(answer)}"),
        imports=tuple(sorted(_imports(source, imported))),
        path=source.path,
        lines=tuple(lines),
    )


def _imports(source: FunctionSource, names: Collection[str]) -> Iterator[str]:
    """Return the imports of the function's module that give these names, and imports of what it defines itself."""
    imported = dict(_imported_names(source))
    for name in names:
        if name in imported:
            yield imported[name]
        elif name in source.names:
            yield f"from {source.module} import {name}"


def _imported_names(source: FunctionSource) -> Iterator[tuple[str, str]]:
    """Return each name that the function's module imports, with a line that imports it from anywhere."""
    module = source.module
    for statement in ast.parse(Path(source.path).read_bytes()).body:
        if not isinstance(statement, (ast.Import, ast.ImportFrom)):
            continue
        for alias in statement.names:
            what = alias.name if alias.asname is None else f"{alias.name} as {alias.asname}"
            if isinstance(statement, ast.Import):
                yield (alias.asname or alias.name).partition(".")[0], f"import {what}"
            else:
                origin = "." * statement.level + (statement.module or "")
                absolute = resolve_name(origin, module.rpartition(".")[0]) if statement.level else origin
                yield alias.asname or alias.name, f"from {absolute} import {what}"


def _widest(statement: ast.stmt, expression: ast.expr, others: Collection[int], data: Collection[str]) -> ast.expr:
    """Return the widest expression around the call that evaluates nothing and reads no other rows."""
    parents = {child: parent for parent in ast.walk(statement) for child in ast.iter_child_nodes(parent)}
    rows = _read_names(expression) & set(data)
    widest: ast.expr = expression
    inner: ast.AST = expression
    while (parent := parents.get(inner)) is not None and not isinstance(parent, ast.stmt):
        if id(parent) in others:
            break
        if isinstance(parent, ast.expr):
            if _read_names(parent) & set(data) - rows:
                break
            widest = parent
        inner = parent
    return widest


def _contains(statement: ast.stmt, expression: ast.expr) -> bool:
    return any(each is expression for each in ast.walk(statement))


def _read_names(tree: ast.AST) -> set[str]:
    """Return the names that a statement or an expression reads from outside of it."""
    names = [each for each in ast.walk(tree) if isinstance(each, ast.Name)]
    targets = {
        id(each) for loop in ast.walk(tree) if isinstance(loop, ast.comprehension) for each in ast.walk(loop.target)
    }
    own = {each.arg for each in ast.walk(tree) if isinstance(each, ast.arg)}
    own |= {each.id for each in names if id(each) in targets}
    return {each.id for each in names if isinstance(each.ctx, ast.Load)} - own


def _changed_names(statement: ast.stmt) -> set[str]:
    """Return the names that a statement may give another value, or whose value it may change in place."""
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return {(alias.asname or alias.name).partition(".")[0] for alias in statement.names}
    changed = set()
    for each in ast.walk(statement):
        if isinstance(each, (ast.Name, ast.Attribute, ast.Subscript)) and isinstance(each.ctx, (ast.Store, ast.Del)):
            changed.add(_owner(each))
        elif isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and isinstance(statement, ast.Expr):
            changed.add(_owner(each.func))
    return changed - {""}


def _owner(expression: ast.expr) -> str:
    while isinstance(expression, (ast.Attribute, ast.Subscript)):
        expression = expression.value
    return expression.id if isinstance(expression, ast.Name) else ""
