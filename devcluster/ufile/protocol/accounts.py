"""Who may do what: the key pairs that the stand-in knows, and what each is good for."""

from pathlib import Path
from typing import Literal

import msgspec

Operation = Literal["download", "upload", "delete", "list"]
OPERATIONS: tuple[Operation, ...] = ("download", "upload", "delete", "list")
TEMPORARY = "STS."
"""How the public key of a temporary pair begins (US3 documents: solutions/using_sts_for_us3)."""


class KeyPair(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A public and a private key: an account's, a token's (`TOKEN_...`), or a temporary pair of STS (`STS....`).

    A token is limited to buckets, key prefixes and operations, may forbid overwriting, and expires (US3 documents:
    guide/token; API CreateUFileToken: AllowedBuckets, AllowedPrefixes, AllowedOps, TOKEN_DENY_UPDATE, ExpireTime).
    """

    public_key: str
    private_key: str
    buckets: tuple[str, ...] = ()
    """Buckets that it may use; empty for all."""
    operations: tuple[Operation, ...] = OPERATIONS
    prefixes: tuple[str, ...] = ()
    """Beginnings of the keys that it may use; empty for all."""
    grants: dict[Operation, tuple[str, ...]] = {}
    """Beginnings of keys by operation, in place of `operations` and `prefixes`: what a role of STS may do. A token has
    the same prefixes for each of its operations."""
    overwrite: bool = True
    """Whether an upload may replace an object."""
    security_token: str = ""
    """What the header SecurityToken must carry; a temporary pair has one, and no other."""
    expires: float = 0.0
    """Unix seconds; 0 for never."""

    def __post_init__(self) -> None:
        """Refuses a temporary pair without a security token, and the other way round."""
        if self.public_key.startswith(TEMPORARY) != bool(self.security_token):
            raise ValueError(f"a key pair has a securityToken if, and only if, its publicKey begins with {TEMPORARY}")

    def __repr__(self) -> str:
        return f"KeyPair({self.public_key!r}, ***)"

    def allows(self, bucket: str, operation: Operation, key: str) -> bool:
        """Whether the pair may do that with that key, or with all keys that begin with it."""
        if self.buckets and bucket not in self.buckets:
            return False
        if self.grants:
            return key.startswith(self.grants.get(operation, ()))
        return operation in self.operations and (not self.prefixes or key.startswith(self.prefixes))


def load(path: Path) -> tuple[KeyPair, ...]:
    """The key pairs of a JSON file: a list of `KeyPair`, names in camelCase.

    Raises msgspec.DecodeError when the file is anything else.
    """
    return msgspec.json.decode(path.read_bytes(), type=tuple[KeyPair, ...])
