"""The only module that uses the official SDK: for signatures, list, copy and delete.

Its problems are confined here (release 3.2.11):
- its import installs a handler that prints every authorization header: this module silences the logger;
- its configuration is global: a lock allows one call at a time;
- its session follows redirects, reads passwords from a netrc file and ignores a custom CA: this module prevents that;
- a malformed error reply escapes as an arbitrary parsing exception.
Its multipart upload hangs forever on a malformed reply, cannot abort and hides why it could not begin. Its copy of a
part requests a wrong range (`bytes=<offset>-<size - 1>`). Its download has no timeout and overwrites the target first.
Its put would wait for the lock. For those this package has its own code, with the SDK's signatures.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec
import requests
from requests.adapters import HTTPAdapter
from ufile import config as ufile_config
from ufile import filemanager, httprequest

from inference_image_contract.inputs import UFile
from inference_image_store import errors
from inference_image_store.client import ca_bundle
from inference_image_store.client.credentials import Credentials
from inference_image_store.client.objects import Page
from inference_image_store.errors import Doing
from inference_image_store.wire_errors import describe

_LOCK = threading.Lock()
_GONE = 404

Timeout = tuple[float, float]
"""Seconds to connect, and between two bytes of a reply."""


class _Trusting(HTTPAdapter):
    """Verifies with the installation's CA, whatever the environment says: the SDK has no setting for it."""

    def send(self, *arguments: Any, **options: Any) -> requests.Response:  # noqa: ANN401 - handed on
        return super().send(*arguments, **(options | {"verify": ca_bundle.bundle()}))


def _tame() -> None:
    logger = logging.getLogger("UCLOUD")
    logger.handlers.clear()
    logger.propagate = False
    logger.disabled = True
    httprequest.requests.max_redirects = 0  # the first redirect is an error
    for scheme in ("http://", "https://"):
        httprequest.requests.mount(scheme, _Trusting())
    httprequest.requests.auth = lambda request: request  # any value prevents netrc


_tame()


class Sdk:
    """The SDK's calls on one bucket, without retries. Raises StageError; TransientError when a retry may help."""

    def __init__(self, location: UFile, credentials: Credentials, timeout: Timeout) -> None:
        self._location = location
        self._credentials = credentials
        self._timeout = timeout
        self._files = filemanager.FileManager(
            credentials.public_key, credentials.private_key, location.suffix, location.suffix
        )

    def authorization(self, method: str, key: str, headers: Mapping[str, str]) -> str:
        """The Authorization header of a request with these headers."""
        value: str = self._files.authorization(method.lower(), self._location.bucket, key, dict(headers))
        return value

    def list_page(self, prefix: str, marker: str, max_keys: int) -> Page:
        """The objects after `marker`, at most `max_keys` (up to 1000)."""
        # Pass all four arguments: the SDK signs each, and fails on a missing one.
        document = self._call(
            prefix,
            "listing",
            lambda bucket: self._files.listobjects(bucket, prefix, marker, max_keys, "", header=self._headers()),
        )
        try:
            return msgspec.convert(document, type=Page, strict=False)
        except msgspec.ValidationError as error:
            raise errors.unavailable(self._location.bucket, "", f"its listing is malformed: {error}") from error

    def copy(self, source_key: str, key: str, metadata: Mapping[str, str]) -> None:
        """Stores a copy of an object of the same bucket, with these metadata headers."""
        headers = {**self._headers(), **metadata}
        self._call(key, "upload", lambda bucket: self._files.copy(bucket, key, bucket, source_key, headers))

    def delete(self, key: str) -> None:
        """Deletes an object; succeeds when it is absent."""
        remove = partial(self._files.deletefile, key=key, header=self._headers())
        self._call(key, "deletion", remove, absent_is_fine=True)

    def _headers(self) -> dict[str, str]:
        """A new dictionary for each call, because the SDK modifies it."""
        return dict(self._credentials.headers)

    def _call(
        self, key: str, doing: Doing, call: Callable[[str], tuple[Any, Any]], *, absent_is_fine: bool = False
    ) -> Any:  # noqa: ANN401 - JSON
        bucket = self._location.bucket
        with _LOCK:
            ufile_config.set_default(connection_timeout=self._timeout, open_ssl=self._location.scheme == "https")
            try:
                document, response = call(bucket)
            except (requests.RequestException, ValueError, LookupError, TypeError, AttributeError) as error:
                raise errors.unavailable(bucket, key, "its reply is malformed") from error
        if response.exception is not None:
            raise errors.unavailable(bucket, key, describe(response.exception))
        if response.ok() or (absent_is_fine and response.status_code == _GONE):
            return document
        answer = errors.parse(response.status_code, response.content)
        raise errors.failure(answer, bucket, key, doing, temporary=self._credentials.temporary)
