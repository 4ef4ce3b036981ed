"""Users and groups as USER and --chown name them. Pure."""

ROOT = frozenset({"", "0", "root"})
"""Names of root, and no name."""


def has_open_group(user: str) -> bool:
    """Whether Kaniko may take another group than Docker for RUN as this USER: it has a group, or is a number."""
    name, colon, group = user.partition(":")
    return (bool(colon) or name.isdigit()) and not (name in ROOT and group in ROOT)


def is_name_alone(owner: str) -> bool:
    """Whether a value of --chown is a user's name without a group; a number alone is the group, too."""
    name = owner.removesuffix(":")
    return bool(name) and ":" not in name and not (name.isascii() and name.isdigit())
