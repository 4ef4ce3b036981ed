"""Text of others, which may not write to the terminal."""


def printable(text: str) -> str:
    """The text with control characters, such as those that start a terminal's escape sequences, replaced."""
    return "".join(found if found.isprintable() or found in "\n\t" else "\N{REPLACEMENT CHARACTER}" for found in text)
