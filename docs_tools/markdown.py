"""Markdown for GitHub: tables without empty columns, escaped text and code, anchors; what is in blocks of code."""

import re
from collections.abc import Iterable, Sequence

import yaml

BREAK = "<br>"
"""A line break inside a cell."""
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"(^|\s+)#.*")


def text(value: str) -> str:
    """Plain text, escaped so that nothing in it becomes a tag, an emphasis or a column."""
    escaped = re.sub(r"[*~|\\]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\\g<0>", " ".join(value.split()))
    return escaped.replace("<", "&lt;").replace(">", "&gt;")


def code(value: str) -> str:
    """Code, also inside a cell; empty for an empty value."""
    return f"`{value}`".replace("|", "\\|") if value else ""


def link(label: str, to: str) -> str:
    """A link to another page, or to a heading of the same page (`#...`)."""
    return f"[{label}]({to})"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table without the columns that are empty in every row."""
    rows = list(rows)
    kept = [at for at in range(len(head)) if any(row[at] for row in rows)]
    lines = [[head[at] for at in kept], ["---"] * len(kept), *([row[at] for at in kept] for row in rows)]
    return "".join("|" + "|".join(f" {cell} " if cell else " " for cell in line) + "|\n" for line in lines)


def anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def blocks(page: str, kind: str) -> list[str]:
    """The texts of the blocks of code of a kind, such as `yaml`, in a page."""
    return [found for name, found in _BLOCK.findall(page) if name == kind]


def commands(page: str) -> list[str]:
    """The commands in the blocks `sh` of a page, a line each and without comments."""
    lines = "".join(blocks(page, "sh")).replace("\\\n", "").splitlines()
    return [command for line in lines if (command := _COMMENT.sub("", line).strip())]


def flow(value: object) -> str:
    """A value in YAML's flow style, on one line."""
    if isinstance(value, bool | int | float):
        return yaml.safe_dump(value).split("\n")[0]
    if isinstance(value, str):
        return value or '""'
    return yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=1_000_000, allow_unicode=True).strip()


def page(*parts: str) -> str:
    """A whole page: parts with an empty line between them."""
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"
