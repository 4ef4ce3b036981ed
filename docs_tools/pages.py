"""The generated pages and the functions that write them."""

from collections.abc import Callable

from docs_tools import builders, chart, command_line, inferenceimage, reasons

PAGES: dict[str, Callable[[], str]] = {
    "docs/reference/builders.md": builders.write,
    "docs/reference/chart.md": chart.write,
    "docs/reference/cli.md": command_line.write,
    "docs/reference/inferenceimage.md": inferenceimage.write,
    "docs/reference/reasons.md": reasons.write,
}
"""Path from the root of the repository -> function that returns the page's text."""
