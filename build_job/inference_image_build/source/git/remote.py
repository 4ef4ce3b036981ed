"""The URL of a Git repository, the hosts that an installation allows, and the credentials of its Secret."""

import re
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple, Self

from inference_image_build.source.git import failures

USERNAME, PASSWORD = "username", "password"  # as in a Secret of type kubernetes.io/basic-auth
PRIVATE_KEY = "ssh-privatekey"  # as in one of type kubernetes.io/ssh-auth
KNOWN_HOSTS = "known_hosts"
CA = "ca.crt"
_URL = re.compile(
    r"(?P<scheme>https|ssh)://(?:(?P<user>[A-Za-z0-9._-]{1,64})@)?(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?(?P<path>/[A-Za-z0-9._~/+-]+)"
)


class Remote(NamedTuple):
    """The parts of a URL; without a user, `user` is empty; `port` 0 is the scheme's default."""

    scheme: str
    user: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """`host[:port]`, as an installation lists it."""
        return f"{self.host}:{self.port}" if self.port else self.host

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"


class Credentials(NamedTuple):
    """The content of the Secret; an absent key is empty. Keys and hosts stay in their files."""

    username: str = ""
    password: str = ""
    private_key: Path | None = None
    known_hosts: Path | None = None
    ca: Path | None = None

    @classmethod
    def mounted(cls, folder: Path) -> Self:
        """The credentials of a mounted Secret; empty when nothing is mounted."""

        def file(name: str) -> Path | None:
            path = folder / name
            return path if path.is_file() else None

        def text(name: str) -> str:
            path = file(name)
            return path.read_text(encoding="utf-8", errors="replace").strip() if path else ""

        return cls(text(USERNAME), text(PASSWORD), file(PRIVATE_KEY), file(KNOWN_HOSTS), file(CA))

    def secrets(self) -> tuple[str, ...]:
        """The values to redact; for a private key, each of its lines."""
        key = self.private_key.read_text(encoding="utf-8", errors="replace") if self.private_key else ""
        lines = (line.strip() for line in key.splitlines() if not line.startswith("-----"))
        return tuple(value for value in (self.password, *lines) if value)


def parse(url: str) -> Remote:
    """The parts of a URL.

    Raises StageError (`InvalidInput`) without the URL, which may contain a password.
    """
    match = _URL.fullmatch(url)
    if not match or ".." in match["path"].split("/"):
        raise failures.not_an_address()
    remote = Remote(match["scheme"], match["user"] or "", match["host"], int(match["port"] or 0), match["path"])
    if remote.user and remote.scheme == "https":
        raise failures.not_an_address()
    return remote


def check_allowed(remote: Remote, allowed: Collection[str]) -> None:
    """Refuses a host that the installation does not list; an empty list allows none.

    Raises StageError (`GitHostNotAllowed`).
    """
    if remote.authority not in allowed:
        raise failures.host_not_allowed(remote.authority, allowed)
