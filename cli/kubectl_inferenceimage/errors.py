"""The exception that ends a command with a message."""


class CommandError(Exception):
    """The command failed; the text says what is wrong and what to do about it."""
