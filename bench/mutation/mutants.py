"""Generates mutants: compiled modules with one change each.

It mutates comparisons, and/or/not, conditions, arithmetic, numbers, booleans, words (strings without a space: reasons,
names, keys, flags), returned values, and expression statements. It does not mutate prose, format strings, docstrings,
annotations and class options.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

_OPERATORS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Pow: ast.Mult,
}  # fmt: skip


class Mutation(NamedTuple):
    """One change: another value for a node's field or one item of it."""

    line: int
    what: str
    node: ast.AST
    field: str
    item: int | None
    value: object


class Mutant(NamedTuple):
    """A compiled module with one change."""

    name: str
    """`module:line what`."""
    module: str
    code: CodeType
    inside: str
    """Qualified name of the changed function; empty at module or class level."""


def mutants(package: Path, module: str) -> Iterator[Mutant]:
    """The mutants of one module of a package, compiled lazily; `module` is its path without the suffix."""
    path = package / f"{module}.py"
    tree = ast.parse(path.read_text())
    functions = dict(_functions(tree, ""))
    for mutation in list(mutations(tree)):
        old = _exchange(mutation, mutation.value)
        code = compile(ast.fix_missing_locations(tree), str(path), "exec")
        _exchange(mutation, old)
        name = f"{module}:{mutation.line} {mutation.what}"
        yield Mutant(name, module, code, functions.get(mutation.node, ""))


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[ast.AST, str]]:
    """Every node inside a function, with the function's qualified name."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef):
            yield from ((inner, prefix + child.name) for inner in ast.walk(child))
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{prefix}{child.name}.")


def _exchange(mutation: Mutation, value: object) -> object:
    """Sets the value and returns the previous one."""
    if mutation.item is None:
        old: object = getattr(mutation.node, mutation.field)
        setattr(mutation.node, mutation.field, value)
        return old
    items: list[Any] = getattr(mutation.node, mutation.field)
    old, items[mutation.item] = items[mutation.item], value
    return old


def mutations(tree: ast.Module) -> Iterator[Mutation]:
    """Every change of a module, in a fixed order."""
    skipped = _untouched(tree)
    for node in ast.walk(tree):
        if node in skipped:
            continue
        yield from _operators(node)
        yield from _values(node)
        yield from _statements(node)


def _operators(node: ast.AST) -> Iterator[Mutation]:
    if isinstance(node, ast.Compare):
        for index, op in enumerate(node.ops):
            if new := _OPERATORS.get(type(op)):
                yield Mutation(node.lineno, f"{_name(op)} -> {new.__name__}", node, "ops", index, new())
    elif isinstance(node, ast.BoolOp | ast.BinOp) and (new := _OPERATORS.get(type(node.op))):
        yield Mutation(node.lineno, f"{_name(node.op)} -> {new.__name__}", node, "op", None, new())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield Mutation(node.lineno, "not dropped", node, "operand", None, ast.UnaryOp(ast.Not(), node.operand))
    elif isinstance(node, ast.If | ast.IfExp) and isinstance(
        node.test, ast.Name | ast.Attribute | ast.Call | ast.NamedExpr
    ):
        yield Mutation(node.test.lineno, "condition negated", node, "test", None, ast.UnaryOp(ast.Not(), node.test))


def _values(node: ast.AST) -> Iterator[Mutation]:
    if isinstance(node, ast.Return) and not (node.value is None or ast.unparse(node.value) == "None"):
        yield Mutation(node.lineno, "returns None", node, "value", None, ast.Constant(None))
    if not isinstance(node, ast.Constant):
        return
    value = node.value
    if isinstance(value, bool):
        yield Mutation(node.lineno, f"{value} -> {not value}", node, "value", None, not value)
    elif isinstance(value, int | float):
        yield Mutation(node.lineno, f"{value} -> {value + 1}", node, "value", None, value + 1)
    elif isinstance(value, str) and value and len(value.split()) == 1 and value == value.strip():
        yield Mutation(node.lineno, f"{value!r} -> {'X' + value!r}", node, "value", None, "X" + value)


def _statements(node: ast.AST) -> Iterator[Mutation]:
    for field in ("body", "orelse"):
        block = getattr(node, field, None)
        for index, statement in enumerate(block if isinstance(block, list) else ()):
            effect = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
            if effect or isinstance(statement, ast.AugAssign):
                what = f"removed: {ast.unparse(statement)[:60]}"
                yield Mutation(statement.lineno, what, node, field, index, ast.copy_location(ast.Pass(), statement))


def _untouched(tree: ast.Module) -> set[ast.AST]:
    """Nodes that are never mutated: annotations, docstrings, parts of format strings, class options."""
    roots: list[ast.AST | None] = []
    for node in ast.walk(tree):
        roots += [getattr(node, "annotation", None), getattr(node, "returns", None)]
        if isinstance(node, ast.ClassDef):
            roots += [keyword.value for keyword in node.keywords]
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            roots.append(node.value)
        if isinstance(node, ast.JoinedStr):
            roots += [value for value in node.values if isinstance(value, ast.Constant)]
    return {node for root in roots if root for node in ast.walk(root)}


def _name(node: ast.AST) -> str:
    return type(node).__name__
