"""The generated pages and their generators."""

from collections.abc import Callable

from docs_tools import chart, command_line, inferenceimage

PAGES: dict[str, Callable[[], str]] = {
    "docs/reference/chart.md": chart.write,
    "docs/reference/cli.md": command_line.write,
    "docs/reference/inferenceimage.md": inferenceimage.write,
}
"""Path from the root of the repository -> the function that returns its text."""
