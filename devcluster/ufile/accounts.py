"""Who may do what: the key pairs that the stand-in knows, and what each is good for."""

from pathlib import Path

import msgspec


class KeyPair(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A public and a private key, limited to buckets and permissions where they are given."""

    public_key: str
    private_key: str
    buckets: tuple[str, ...] = ()
    """Buckets that it may use; empty for all."""
    permissions: tuple[str, ...] = ("read", "write")

    def __repr__(self) -> str:
        return f"KeyPair({self.public_key!r}, ***)"

    def allows(self, bucket: str, permission: str) -> bool:
        """Whether the pair may do that in that bucket; `permission` is `read` or `write`."""
        return permission in self.permissions and (not self.buckets or bucket in self.buckets)


def load(path: Path) -> tuple[KeyPair, ...]:
    """The key pairs of a JSON file: a list of `{"publicKey", "privateKey", "buckets"?, "permissions"?}`.

    Raises msgspec.DecodeError when the file is anything else.
    """
    return msgspec.json.decode(path.read_bytes(), type=tuple[KeyPair, ...])
