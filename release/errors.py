"""What goes wrong in a release for a reason that the person at the keyboard can remove."""


class ReleaseError(RuntimeError):
    """The message says what is wrong and what to do."""
