"""What a page says about a reason."""

from typing import NamedTuple


class Explanation(NamedTuple):
    """Two texts in Markdown, sentences. Their links start in docs/reference."""

    meaning: str
    """When the reason occurs."""
    remedy: str
    """What to do."""
