"""Where a watch shows its views: in place on a terminal, or one line for each change."""

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, Self

from inference_image_contract.progress import Progress, Unit
from inference_image_operator.api.times import rfc3339
from kubectl_inferenceimage.cluster.text import printable
from kubectl_inferenceimage.cluster.watch.progress import Moving, Row, View

if TYPE_CHECKING:
    from rich.console import Console, Group
    from rich.table import Table

_BAR = 40
"""Columns of a bar."""


class Screen(Protocol):
    """Shows views, and sentences between them."""

    ticks: bool
    """Whether it also shows the passing of time."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...
    def show(self, view: View, now: datetime) -> None:
        """Shows the object at a time."""

    def tell(self, text: str) -> None:
        """Shows a sentence."""


def screen() -> Screen:
    """That of standard output."""
    if not sys.stdout.isatty():
        return Lines()
    from rich.console import Console

    return Terminal(Console())


class Lines:
    """One line for each change."""

    ticks = False

    def __init__(self) -> None:
        self._shown: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to restore."""

    def show(self, view: View, now: datetime) -> None:
        """Prints what differs from the view before; at first, what is not pending."""
        changes = [(row.stage.value, _state(row)) for row in view.rows]
        for name, text in (*changes, ("Ready", view.message)):
            if text != self._shown.get(name, "Pending") and text:
                end = f" (left: {view.left})" if view.left and name != "Ready" else ""
                print(printable(f"{rfc3339(now)} {name}: {text}{end}"), flush=True)
            self._shown[name] = text

    def tell(self, text: str) -> None:
        """Prints the sentence."""
        print(printable(text), file=sys.stderr, flush=True)


class Terminal:
    """A table that is drawn again in place."""

    ticks = True

    def __init__(self, console: "Console") -> None:
        from rich.live import Live

        self._console = console
        self._live = Live(console=console, auto_refresh=False)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, view: View, now: datetime) -> None:  # noqa: ARG002 - the table shows how long, not when
        """Draws the table in place of the one before."""
        self._live.update(_drawn(view), refresh=True)

    def tell(self, text: str) -> None:
        """Prints the sentence above the table."""
        self._console.print(printable(text), markup=False, highlight=False)


def _state(row: Row) -> str:
    """A stage's state for a line: how long it took, once it has ended."""
    return f"{row.state} ({row.took})" if row.took and not row.works else row.state


def _drawn(view: View) -> "Group":
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for name in ("STAGE", "STATE", "TIME"):
        table.add_column(name)
    for row in view.rows:
        table.add_row(row.stage, Text(printable(row.state), style="bold" if row.works else ""), row.took)
    left = f"Time left: {view.left}" if view.left else ""
    bars = [_bar(view.moving)] if view.moving else []
    return Group(Text(view.title), table, *bars, *(Text(printable(line)) for line in (view.message, left) if line))


def _bar(moving: Moving) -> "Table":
    """The bar of the container at work."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    found = moving.progress
    grid = Table.grid(padding=(0, 1))
    grid.add_row(
        f"{moving.container}: {found.what}",
        ProgressBar(total=max(found.total, 1), completed=found.done, width=_BAR),
        amount(found),
    )
    return grid


def amount(found: Progress) -> str:
    """So much of the whole, as a person reads it: `25.0 MB of 100.0 MB`, `7 of 9 tensors`."""
    from rich.filesize import decimal

    if found.unit is Unit.BYTES:
        return f"{decimal(found.done)} of {decimal(found.total)}"
    return f"{found.done} of {found.total} {found.unit}"
