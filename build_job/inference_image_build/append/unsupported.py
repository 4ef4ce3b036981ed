"""What Append finds in the context that it does not support."""


class Unsupported(Exception):  # noqa: N818 - `builders.check` makes the failure of it
    """An instruction that needs the base's file system, or what is in an archive."""

    def __init__(self, feature: str, what: str) -> None:
        super().__init__(what)
        self.feature = feature
        """The row of the table of builders."""
        self.what = what
        """For the message: what of the instruction."""
