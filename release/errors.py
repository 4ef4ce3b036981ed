"""The error of a release that its user can correct."""


class ReleaseError(RuntimeError):
    """The message says what is wrong and what to do."""
