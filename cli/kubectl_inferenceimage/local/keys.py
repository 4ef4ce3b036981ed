"""Reads the UFile keys from the environment variables of the Jobs, or from a file; never from the command line."""

import os

from inference_image_contract.paths import PRIVATE_KEY_ENV, PUBLIC_KEY_ENV, SECURITY_TOKEN_ENV
from inference_image_store import Credentials
from kubectl_inferenceimage import documents
from kubectl_inferenceimage.errors import CommandError

_FIELDS = {"publicKey": PUBLIC_KEY_ENV, "privateKey": PRIVATE_KEY_ENV}
_TOKEN = "securityToken"  # noqa: S105 - the name of a field
_ALL = _FIELDS | {_TOKEN: SECURITY_TOKEN_ENV}
"""The keys of the Secret in a cluster -> the environment variables of the Jobs."""


def read(path: str = "") -> Credentials:
    """The keys from a YAML file with `publicKey` and `privateKey`, or, without a path, from the environment.

    Temporary keys of STS also have a `securityToken`. Raises CommandError, whose text contains no key.
    """
    source: dict[str, object] = _of_file(path) if path else {field: os.environ.get(_ALL[field]) for field in _ALL}
    found = {field: value.strip() for field, value in source.items() if isinstance(value, str)}
    for field, variable in _ALL.items():
        value = found.get(field, "")
        if field == _TOKEN and not value:
            continue
        if not value or not value.isascii() or not value.isprintable():
            where = (
                f"{path} contains no {field}" if path else f"The environment variable {variable} is missing or invalid"
            )
            raise CommandError(
                f"{where}. Set {PUBLIC_KEY_ENV} and {PRIVATE_KEY_ENV}, "
                f"or give --ufile-keys a YAML file with {' and '.join(_FIELDS)}."
            )
    return Credentials(found["publicKey"], found["privateKey"], found.get(_TOKEN, ""))


def environment(credentials: Credentials) -> dict[str, str]:
    """The keys as environment variables, as in the containers of a Job."""
    return {
        PUBLIC_KEY_ENV: credentials.public_key,
        PRIVATE_KEY_ENV: credentials.private_key,
        SECURITY_TOKEN_ENV: credentials.security_token,
    }


def _of_file(path: str) -> dict[str, object]:
    found = documents.read(path)
    if len(found) != 1 or not isinstance(found[0], dict):
        raise CommandError(f"{path} is not one YAML mapping with {' and '.join(_FIELDS)}.")
    return dict(found[0])
