"""The key pairs that the stand-in accepts, and the rights of each."""

from pathlib import Path
from typing import Literal

import msgspec

Operation = Literal["download", "upload", "delete", "list"]
OPERATIONS: tuple[Operation, ...] = ("download", "upload", "delete", "list")
TEMPORARY = "STS."
"""The prefix of a temporary pair's public key (US3 documents: solutions/using_sts_for_us3)."""


class KeyPair(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A public and a private key: an account's, a token's (`TOKEN_...`), or a temporary pair of STS (`STS....`).

    A token is limited to buckets, key prefixes and operations, may forbid overwriting, and expires (US3 documents:
    guide/token; API CreateUFileToken: AllowedBuckets, AllowedPrefixes, AllowedOps, TOKEN_DENY_UPDATE, ExpireTime).
    """

    public_key: str
    private_key: str
    buckets: tuple[str, ...] = ()
    """The allowed buckets; empty for all."""
    operations: tuple[Operation, ...] = OPERATIONS
    prefixes: tuple[str, ...] = ()
    """The allowed key prefixes; empty for all."""
    grants: dict[Operation, tuple[str, ...]] = {}
    """Key prefixes by operation, in place of `operations` and `prefixes`: the rights of an STS role. A token has the
    same prefixes for all its operations."""
    overwrite: bool = True
    """Whether an upload may replace an object."""
    security_token: str = ""
    """The required value of the header SecurityToken; only a temporary pair has one."""
    expires: float = 0.0
    """Unix seconds; 0 for never."""

    def __post_init__(self) -> None:
        """Rejects a temporary pair without a security token, and any other pair with one."""
        if self.public_key.startswith(TEMPORARY) != bool(self.security_token):
            raise ValueError(f"a key pair has a securityToken if, and only if, its publicKey begins with {TEMPORARY}")

    def __repr__(self) -> str:
        return f"KeyPair({self.public_key!r}, ***)"

    def allows(self, bucket: str, operation: Operation, key: str) -> bool:
        """Whether the pair allows the operation on that key, or on all keys with that prefix."""
        if self.buckets and bucket not in self.buckets:
            return False
        if self.grants:
            return key.startswith(self.grants.get(operation, ()))
        return operation in self.operations and (not self.prefixes or key.startswith(self.prefixes))


def load(path: Path) -> tuple[KeyPair, ...]:
    """Reads key pairs from a JSON file: a list of `KeyPair` with names in camelCase.

    Raises msgspec.DecodeError for any other content.
    """
    return msgspec.json.decode(path.read_bytes(), type=tuple[KeyPair, ...])
