"""The labels of an image that differ between releases; the Dockerfiles have the others.

Their names: https://github.com/opencontainers/image-spec/blob/main/annotations.md.
"""

from urllib.parse import urlsplit

from release.errors import ReleaseError

_PREFIX = "org.opencontainers.image."


def labels(version: str, revision: str, source: str) -> dict[str, str]:
    """The version, and the commit and the address of the repository where these are known."""
    known = {"version": version, "revision": revision, "source": source}
    return {_PREFIX + name: value for name, value in known.items() if value}


def check_source(address: str) -> str:
    """The address of the repository, or an empty one.

    Raises ReleaseError unless it is a web address: a label is public, so it must contain no password.
    """
    parts = urlsplit(address)
    if address and (parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc):
        raise ReleaseError(
            f"SOURCE_URL={parts.hostname or address} is not the web address of a repository. "
            "Write SOURCE_URL=https://host/path, without a user or a password."
        )
    return address
