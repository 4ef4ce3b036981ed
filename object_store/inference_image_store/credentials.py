"""The key pair of UFile, which never shows itself."""

import os
from dataclasses import dataclass
from typing import Self

from inference_image_contract.errors import StageError
from inference_image_contract.paths import PRIVATE_KEY_ENV, PUBLIC_KEY_ENV
from inference_image_contract.reasons import Reason


@dataclass(frozen=True, repr=False)
class Credentials:
    """The public and the private key of one account."""

    public_key: str
    private_key: str

    def __repr__(self) -> str:
        return "Credentials(***)"

    @classmethod
    def from_environment(cls) -> Self:
        """The keys of this container.

        Line ends around them are dropped: a Secret made from a file has them.
        Raises StageError (`InvalidInput`) when one is missing or cannot be a key.
        """
        values = {name: os.environ.get(name, "").strip() for name in (PUBLIC_KEY_ENV, PRIVATE_KEY_ENV)}
        for name, value in values.items():
            if not value or not value.isascii() or not value.isprintable():
                problem = "is not a key" if value else "is empty"
                raise StageError(
                    Reason.INVALID_INPUT,
                    f"The environment variable {name} {problem}.",
                    "Put the account's keys under publicKey and privateKey of the Secret named in "
                    "spec.ufile.secretRef, then set annotation uai.ucloud.cn/requestedAt to a new value.",
                )
        return cls(values[PUBLIC_KEY_ENV], values[PRIVATE_KEY_ENV])
