"""What a terminal shows after each piece of output, and for how long. No I/O."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pyte

from docs_tools.recording.terminal import Written

TOGETHER = 0.1
"""Seconds within which pieces of output are one picture."""
LONGEST = 1.5
"""Seconds that a picture stands at most: nobody watches a build."""
LAST = 5.0
"""Seconds that the last picture stands."""


class Cell(NamedTuple):
    """One character and how it looks."""

    text: str = " "
    colour: str = "default"
    """Of pyte: a name, or six hex digits."""
    bold: bool = False


Screen = tuple[tuple[Cell, ...], ...]
"""Rows of cells."""


class Frame(NamedTuple):
    """A picture, and the seconds that it stands."""

    screen: Screen
    seconds: float


def frames(written: Sequence[Written], columns: int, rows: int) -> list[Frame]:
    """The pictures of a recording. Those that do not differ are one, and no pause is longer than `LONGEST`."""
    found: list[Frame] = []
    for screen, seconds in _screens(written, columns, rows):
        shown = min(seconds, LONGEST)
        if found and found[-1].screen == screen:
            found[-1] = Frame(screen, min(found[-1].seconds + shown, LONGEST))
        else:
            found.append(Frame(screen, shown))
    return [*found[:-1], Frame(found[-1].screen, LAST)] if found else []


def _screens(written: Sequence[Written], columns: int, rows: int) -> Iterator[tuple[Screen, float]]:
    """The screen after each burst of output, and the seconds until the next one begins."""
    terminal = pyte.Screen(columns, rows)
    stream = pyte.ByteStream(terminal)
    for index, piece in enumerate(written):
        stream.feed(piece.data)
        until = written[index + 1].seconds if index + 1 < len(written) else piece.seconds + LAST
        if until - piece.seconds >= TOGETHER:
            yield _shown(terminal), until - piece.seconds


def _shown(terminal: pyte.Screen) -> Screen:
    return tuple(
        tuple(_cell(terminal, row, column) for column in range(terminal.columns)) for row in range(terminal.lines)
    )


def _cell(terminal: pyte.Screen, row: int, column: int) -> Cell:
    found = terminal.buffer[row][column]
    return Cell(found.data, found.bg if found.reverse else found.fg, found.bold)
