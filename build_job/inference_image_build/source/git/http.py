"""HTTPS to one Git server only, whatever that server answers."""

from typing import Any

import urllib3

from inference_image_build.source.git import failures
from inference_image_build.source.git.remote import Credentials, Remote
from inference_image_contract.errors import StageError

_TIMEOUT = urllib3.Timeout(connect=10.0, read=60.0)
_REDIRECTS, _ERRORS = range(300, 400), 400
_UNAUTHORIZED, _NOT_FOUND = frozenset({401, 403}), frozenset({404, 410})


class OneServer(urllib3.PoolManager):
    """Refuses every other origin, follows no redirect, and maps statuses to errors.

    The protocol lets a server name other URLs to load from; a Job must not follow them.
    """

    def __init__(self, remote: Remote, credentials: Credentials) -> None:
        super().__init__(timeout=_TIMEOUT, ca_certs=str(credentials.ca) if credentials.ca else None)
        self._remote = remote
        self.base = f"https://{remote.authority}/"

    def urlopen(  # type: ignore[override] # the base class has an overload for each way to read the body
        self,
        method: str,
        url: str,
        **options: Any,  # noqa: ANN401 - those of the base class
    ) -> urllib3.BaseHTTPResponse:
        """As the base class, but raises StageError."""
        if not url.startswith(self.base):
            raise failures.unavailable(str(self._remote), "it refers to another host")
        try:
            reply = super().urlopen(method, url, **options | {"redirect": False, "retries": False})
        except urllib3.exceptions.SSLError as error:
            raise failures.untrusted(str(self._remote), _short(error)) from error
        except urllib3.exceptions.HTTPError as error:
            raise failures.unavailable(str(self._remote), _short(error)) from error
        if fault := self._fault(reply.status):
            reply.close()
            raise fault
        return reply

    def _fault(self, status: int) -> StageError | None:
        remote, answer = str(self._remote), f"it answers {status}"
        if status in _UNAUTHORIZED:
            return failures.unauthorized(remote, answer)
        if status in _NOT_FOUND:
            return failures.not_found(remote, answer)
        if status in _REDIRECTS:
            return failures.not_found(remote, f"{answer}, and redirects are not followed")
        return failures.unavailable(remote, answer) if status >= _ERRORS else None


def _short(error: Exception) -> str:
    """The innermost cause, as one short line."""
    while error.__cause__ is not None or error.__context__ is not None:
        inner = error.__cause__ or error.__context__
        if not isinstance(inner, Exception):
            break
        error = inner
    return " ".join(str(error).split())[:200] or type(error).__name__
