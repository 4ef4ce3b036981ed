"""Text of others, which may not write to the terminal, and tables of it."""

from collections.abc import Sequence


def printable(text: str) -> str:
    """The text with control characters, such as those that start a terminal's escape sequences, replaced."""
    return "".join(found if found.isprintable() or found in "\n\t" else "\N{REPLACEMENT CHARACTER}" for found in text)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The rows below the names of their columns, aligned as kubectl does it."""
    lines = (columns, *([cell.replace("\n", " ") for cell in row] for row in rows))
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    cells = ("   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "\n".join(printable(line.rstrip()) for line in cells)
