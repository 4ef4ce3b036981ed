"""Which modules of the package the export and the training fixture import, directly or not."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

PACKAGES = ("object_detection", "nets")
ROOTS = (
    "object_detection.exporter",
    "object_detection.builders.optimizer_builder",
)


def reachable(root: Path, roots: Iterable[str] = ROOTS) -> frozenset[str]:
    """Paths, relative to `root`, of every module of `PACKAGES` that `roots` import, with their parent packages.

    Every import statement counts, also one inside a function: what is kept never misses a neighbour.
    Raises FileNotFoundError when a root is not there.
    """
    found: set[str] = set()
    waiting: list[str] = []
    for name in roots:
        if _file(root, name) is None:
            raise FileNotFoundError(f"no module {name} under {root}")
        waiting.extend(_with_parents(name))
    while waiting:
        path = _file(root, waiting.pop())
        if path is None:
            continue
        relative = path.relative_to(root).as_posix()
        if relative not in found:
            found.add(relative)
            waiting.extend(_imports(ast.parse(path.read_text("utf-8"))))
    return frozenset(found)


def _file(root: Path, name: str) -> Path | None:
    """The source file of a module, or None when `name` is no module of ours (an attribute, another package)."""
    if name.partition(".")[0] not in PACKAGES:
        return None
    base = root.joinpath(*name.split("."))
    candidates = (base / "__init__.py", base.with_name(base.name + ".py"))
    return next((path for path in candidates if path.is_file()), None)


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            yield from _with_parents(name)


def _with_parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        yield ".".join(parts[:length])
