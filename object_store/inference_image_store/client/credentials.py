"""The keys of US3 (formerly UFile), which never appear in a log."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from inference_image_contract.errors import StageError
from inference_image_contract.hints import REQUEST_AGAIN
from inference_image_contract.paths import PRIVATE_KEY_ENV, PUBLIC_KEY_ENV, SECURITY_TOKEN_ENV, UFILE_KEY_ENVS
from inference_image_contract.reasons import Reason

TEMPORARY = "STS."
"""The prefix of a temporary pair's public key (US3 documents: solutions/using_sts_for_us3)."""


@dataclass(frozen=True, repr=False)
class Credentials:
    """The public and the private key of an account, of a token, or of STS; those of STS have a security token."""

    public_key: str
    private_key: str
    security_token: str = ""

    def __repr__(self) -> str:
        return "Credentials(***)"

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of every request besides the signature (US3 documents: solutions/using_sts_for_us3)."""
        return {"SecurityToken": self.security_token} if self.security_token else {}

    @property
    def temporary(self) -> bool:
        """Whether the keys expire, as those of STS do."""
        return bool(self.security_token)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values that no log may contain."""
        return tuple(value for value in (self.public_key, self.private_key, self.security_token) if value)

    @classmethod
    def from_environment(cls) -> Self:
        """The keys of this container.

        Strips line ends, which a Secret made from a file contains.
        Raises StageError (`InvalidInput`) when one is missing or malformed.
        """
        values = {name: os.environ.get(name, "").strip() for name in UFILE_KEY_ENVS}
        temporary = values[PUBLIC_KEY_ENV].startswith(TEMPORARY)
        for name, value in values.items():
            if value and value.isascii() and value.isprintable():
                continue
            if value or name != SECURITY_TOKEN_ENV or temporary:
                raise _unusable(name, value)
        return cls(values[PUBLIC_KEY_ENV], values[PRIVATE_KEY_ENV], values[SECURITY_TOKEN_ENV])


def environment_secrets() -> tuple[str, ...]:
    """The keys of this container, valid or not, for the redaction of its result and log."""
    return tuple(value for name in UFILE_KEY_ENVS if (value := os.environ.get(name, "")))


def _unusable(name: str, value: str) -> StageError:
    problem = "is not a valid key" if value else "is empty"
    also = f" although the public key begins with {TEMPORARY}" if name == SECURITY_TOKEN_ENV and not value else ""
    return StageError(
        Reason.INVALID_INPUT,
        f"The environment variable {name} {problem}{also}.",
        "Put the account's keys under publicKey and privateKey of the Secret named in spec.ufile.secretRef, and for "
        f"temporary keys ({TEMPORARY}...) also securityToken, "
        f"{REQUEST_AGAIN}",
    )
