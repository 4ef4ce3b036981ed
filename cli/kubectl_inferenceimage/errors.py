"""The one exception that ends a command with a sentence."""


class CommandError(Exception):
    """The command cannot do what it was asked for; the text says what is wrong and what to do about it."""
