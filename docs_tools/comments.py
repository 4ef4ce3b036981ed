"""The comments of a YAML file: the lines above each key, up to an empty line."""

import re

import yaml

Path = tuple[str, ...]


def comments(text: str) -> dict[Path, str]:
    """Path of each key on its own line -> the comments above and after it, as one paragraph."""
    found: dict[Path, str] = {}
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if isinstance(root, yaml.MappingNode):
        _collect((), root, text.split("\n"), found)
    return found


def _collect(path: Path, node: yaml.MappingNode, lines: list[str], found: dict[Path, str]) -> None:
    if node.flow_style:
        return
    for key, value in node.value:
        at = (*path, key.value)
        found[at] = " ".join([*_above(lines, key.start_mark.line, key.start_mark.column), *_behind(lines, key, value)])
        if isinstance(value, yaml.MappingNode):
            _collect(at, value, lines, found)


def _above(lines: list[str], line: int, column: int) -> list[str]:
    start = line
    while start > 0 and lines[start - 1].startswith(f"{' ' * column}#"):
        start -= 1
    return [one.strip().removeprefix("#").strip() for one in lines[start:line]]


def _behind(lines: list[str], key: yaml.Node, value: yaml.Node) -> list[str]:
    if value.end_mark.line != key.start_mark.line:
        return []
    behind = re.search(r"\s#\s*(.*)$", lines[value.end_mark.line][value.end_mark.column :])
    return [behind[1]] if behind else []
