"""Read the imports of a module from its source."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.util import resolve_name

import attrs

from kedro_autolog_pipeline.garbage import without_collecting

_IMPORTING_CALLS = frozenset({"import_module", "__import__"})

_BODIES = ("body", "handlers", "cases", "orelse", "finalbody")
"""Where the syntax tree keeps the statements within a statement."""


@attrs.frozen
class Imports:
    """What a module imports, as absolute dotted names.

    ``from a import b`` is ``a.b``, be ``b`` a module or an attribute of ``a``, and
    ``from a import *`` is ``a.*``.

    Attributes:
        names: Imported anywhere in it, its functions included. Left out is what a
            served model never executes: ``if TYPE_CHECKING:`` and
            ``if __name__ == "__main__":``.
        at_import: Those of them that are imported whenever the module is: neither in a
            function nor under a condition, such as that another import fails.
        on_access: Imported by its ``__getattr__`` (PEP 562), when somebody takes an
            attribute that is not there yet.
        exported: Names of its own ``__all__``, which ``from module import *`` takes;
            empty where that is not a literal.
    """

    names: frozenset[str] = frozenset()
    at_import: frozenset[str] = frozenset()
    on_access: frozenset[str] = frozenset()
    exported: frozenset[str] = frozenset()


@lru_cache(maxsize=512)
def read_imports(source: bytes, package: str) -> Imports:
    """Find what a module imports.

    Args:
        source: The module's source; one that is no Python imports nothing.
        package: The package that its relative imports start from; empty where there
            is none.
    """
    try:
        with without_collecting(), warnings.catch_warnings():
            # An invalid escape in somebody's string is not for the user of this package to act on.
            warnings.simplefilter("ignore")
            body = ast.parse(source).body
    except (SyntaxError, ValueError):
        return Imports()
    has_calls = any(call.encode() in source for call in _IMPORTING_CALLS)
    on_access = [statement for statement in body if _is_named(statement, "__getattr__")]
    at_once = [statement for statement in body if statement not in on_access]
    return Imports(
        names=frozenset(_imported(at_once, package, has_calls=has_calls)),
        at_import=frozenset(_names(_unconditional(body), package)),
        on_access=frozenset(_imported(on_access, package, has_calls=has_calls)),
        exported=frozenset(_exported(body)),
    )


def _is_named(statement: ast.stmt, name: str) -> bool:
    return isinstance(statement, ast.FunctionDef) and statement.name == name


def _imported(body: Iterable[ast.stmt], package: str, *, has_calls: bool) -> Iterator[str]:
    yield from _names(_executed(body), package)
    if has_calls:
        yield from _called_for(body, package)


def _names(statements: Iterable[ast.AST], package: str) -> Iterator[str]:
    for statement in statements:
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            module = _absolute("." * statement.level + (statement.module or ""), package)
            yield from (f"{module}.{alias.name}" for alias in statement.names if module)


def _unconditional(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Find every statement that importing the module is sure to execute."""
    for statement in body:
        yield statement
        if isinstance(statement, (ast.With, ast.ClassDef)):
            yield from _unconditional(statement.body)


def _executed(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Find every statement that an import or a call may execute."""
    for node in body:
        yield node
        skipped = _never_executed(node) if isinstance(node, ast.If) else None
        for field in _BODIES:
            children = getattr(node, field, None)
            if children and field != skipped:
                yield from _executed(children)


def _never_executed(node: ast.If) -> str | None:
    """Find the branch that a served model never takes."""
    match node.test:
        case ast.UnaryOp(ast.Not(), test) if _is_false_when_served(test):
            return "orelse"
        case test if _is_false_when_served(test):
            return "body"
        case _:
            return None


def _is_false_when_served(test: ast.expr) -> bool:
    match test:
        case ast.Name("TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return True
        case ast.Compare(ast.Name("__name__"), [ast.Eq()], [ast.Constant("__main__")]):
            return True
        case _:
            return False


def _called_for(body: Iterable[ast.stmt], package: str) -> Iterator[str]:
    """Find the literal names that ``importlib.import_module`` and ``__import__`` are called with."""
    for node in (node for statement in body for node in ast.walk(statement)):
        match node:
            case ast.Call(ast.Name(function) | ast.Attribute(attr=function), [first, *others]) if (
                function in _IMPORTING_CALLS
            ):
                anchors = [*others, *(keyword.value for keyword in node.keywords)]
                anchor = next(filter(None, map(_literal, anchors)), package)
                name = _absolute(_literal(first) or "", anchor)
                yield from filter(None, [name])
            case _:
                pass


def _exported(body: Iterable[ast.stmt]) -> Iterator[str]:
    for statement in body:
        match statement:
            case ast.Assign([ast.Name("__all__")], ast.List(elements) | ast.Tuple(elements)):
                yield from filter(None, map(_literal, elements))
            case _:
                pass


def _literal(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _absolute(name: str, package: str) -> str | None:
    """Resolve a name as written; None where it leaves the top-level package, which Python refuses."""
    try:
        return resolve_name(name, package)
    except ImportError:
        return None
