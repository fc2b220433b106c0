"""What single statements of a module do when it is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterable


def lines_of(statement: ast.stmt, lines: list[str]) -> list[str]:
    """The lines of a statement, with its decorators."""
    first = min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", ()))])
    return lines[first - 1 : statement.end_lineno]


def is_lazy(statement: ast.stmt) -> bool:
    """Whether a module hands out names on demand here."""
    return isinstance(statement, ast.FunctionDef) and statement.name in ("__getattr__", "__dir__")


def is_import(statement: ast.stmt) -> bool:
    """Whether a statement only imports, for readers or for type checkers."""
    if is_typing(statement):
        return all(is_import(inner) for inner in [*statement.body, *statement.orelse])
    return isinstance(statement, (ast.Import, ast.ImportFrom))


def is_typing(statement: ast.stmt) -> bool:
    """Whether a statement is ``if TYPE_CHECKING:``."""
    test = statement.test if isinstance(statement, ast.If) else None
    return "TYPE_CHECKING" in (getattr(test, "id", ""), getattr(test, "attr", ""))


def is_main(statement: ast.stmt) -> bool:
    """Whether a statement is ``if __name__ == ..:``, which an import passes over."""
    test = statement.test if isinstance(statement, ast.If) else None
    return (
        isinstance(test, ast.Compare)
        and getattr(test.left, "id", "") == "__name__"
        and isinstance(test.ops[0], ast.Eq)
        and getattr(test.comparators[0], "value", "") == "__main__"
    )


def acts(body: Iterable[ast.stmt], ours: frozenset[str]) -> bool:
    """Whether statements at the top of a module do more than bind names and import.

    Calling something imported from this repository, ``ours``, may: to enter a list, for example.
    """
    for statement in body:
        inner: list[ast.stmt] = []
        match statement:
            case ast.Expr(value=ast.Constant()) | ast.Import() | ast.ImportFrom():
                pass
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
                if reaches_out(statement) or calls(statement.value, ours):
                    return True
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                inner = statement.body if isinstance(statement, ast.ClassDef) else []
                if any(registers(mark, ours) for mark in statement.decorator_list):
                    return True
            case ast.If() if is_typing(statement) or is_main(statement):
                inner = statement.orelse
            case ast.If():
                inner = [*statement.body, *statement.orelse]
            case ast.Try() | ast.TryStar():
                handled = [s for handler in statement.handlers for s in handler.body]
                inner = [*statement.body, *handled, *statement.orelse, *statement.finalbody]
            case ast.Pass() | ast.Assert() | ast.Raise():
                pass
            case _:
                return True
        if acts(inner, ours):
            return True
    return False


def reaches_out(statement: ast.Assign | ast.AnnAssign | ast.AugAssign) -> bool:
    """Whether an assignment changes an object instead of binding a name."""
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    parts = (node for target in targets for node in ast.walk(target))
    return any(isinstance(node, (ast.Attribute, ast.Subscript)) for node in parts)


def calls(value: ast.expr | None, ours: frozenset[str]) -> bool:
    """Whether an expression calls something of ours."""
    nodes = ast.walk(value) if value else ()
    called = (node.func for node in nodes if isinstance(node, ast.Call))
    return any(names(function) & ours for function in called)


def registers(decorator: ast.expr, ours: frozenset[str]) -> bool:
    """Whether a decorator is ours, or enters what it decorates in a list."""
    marks = (getattr(node, "attr", "") for node in ast.walk(decorator))
    return bool(names(decorator) & ours) or "register" in marks


def names(value: ast.AST) -> set[str]:
    """The names in an expression."""
    return {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
