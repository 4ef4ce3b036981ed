"""The faults that a proxy can inject, one class each."""

import asyncio
import json
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from aiohttp import web

from tests.faults.harness.proxy import Fault, Kill, LostReplyError
from tests.faults.harness.request import Request

Which = Callable[[Request], bool]


def failure(code: int, reason: str, message: str) -> bytes:
    """A Status object, as in an error of the API server."""
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure"}
    return json.dumps(status | {"code": code, "reason": reason, "message": message}).encode()


class KillAtWrite(Fault):
    """Kills the operator at its k-th write: before the API server receives it, or after the commit.

    Writes count from the start, or from the previous kill.
    """

    def __init__(self, kill: Kill, number: int, *, after: bool, following: "KillAtWrite | None" = None) -> None:
        self._kill, self._number, self._after, self._following = kill, number, after, following
        self.at = 0
        """The write of the kill; 0 before it."""

    @property
    def fired(self) -> bool:
        """Whether the fault has occurred."""
        return bool(self.at)

    def _now(self, request: Request) -> bool:
        base = self._following.at if self._following else 0
        armed = self._following is None or base
        if self.fired or not armed or not request.write or request.write < base + self._number:
            return False
        self.at = request.write
        self._kill()
        return True

    async def before(self, request: Request) -> web.Response | None:
        if not self._after and self._now(request):
            raise LostReplyError
        return None

    async def after(self, request: Request, answer: web.Response) -> web.Response:
        if self._after and self._now(request):
            raise LostReplyError
        return answer


class LoseReply(Fault):
    """Loses the answer to the k-th matching request, after the API server has carried it out."""

    def __init__(self, which: Which, nth: int = 1) -> None:
        self._which, self._left = which, nth
        self.fired = False

    async def after(self, request: Request, answer: web.Response) -> web.Response:
        if self.fired or not self._which(request):
            return answer
        self._left -= 1
        if self._left:
            return answer
        self.fired = True
        raise LostReplyError


class Answer(Fault):
    """Answers instead of the API server: the first `times` matching requests, or those of the next `seconds`."""

    def __init__(
        self, which: Which, code: int, *, times: int = 1 << 30, seconds: float = 1e9, retry_after: int | None = None
    ) -> None:
        self._which, self._code, self._left = which, code, times
        self._until = time.monotonic() + seconds
        self._headers = {"Content-Type": "application/json"}
        if retry_after is not None:
            self._headers["Retry-After"] = str(retry_after)
        self.hits: list[Request] = []

    async def before(self, request: Request) -> web.Response | None:
        if not self._which(request) or self._left <= 0 or time.monotonic() > self._until:
            return None
        self._left -= 1
        self.hits.append(request)
        reason = {403: "Forbidden", 409: "Conflict", 410: "Expired", 429: "TooManyRequests"}.get(self._code, "Injected")
        return web.Response(
            status=self._code, body=failure(self._code, reason, "injected by a test"), headers=self._headers
        )


class DropEvents(Fault):
    """Drops the watch events from number `first` to `last`. Bookmarks do not count."""

    def __init__(self, first: int, last: int, which: Which = lambda _: True) -> None:
        self._first, self._last, self._which = first, last, which
        self.seen = 0

    @property
    def fired(self) -> bool:
        """Whether the whole window was dropped."""
        return self.seen >= self._last

    async def event(self, request: Request, event: dict[str, Any]) -> list[dict[str, Any]]:
        if event["type"] == "BOOKMARK" or not self._which(request):
            return [event]
        self.seen += 1
        return [] if self._first <= self.seen <= self._last else [event]


class DelayEvents(Fault):
    """Delays watch events and keeps their order."""

    def __init__(self, seconds: float, which: Which = lambda _: True) -> None:
        self._seconds, self._which = seconds, which
        self.hits = 0

    async def event(self, request: Request, event: dict[str, Any]) -> list[dict[str, Any]]:
        if self._which(request):
            self.hits += 1
            await asyncio.sleep(self._seconds)
        return [event]


class HalfOpen(Fault):
    """Keeps the open watches open, but forwards nothing more, not even bookmarks."""

    def __init__(self, which: Which) -> None:
        self._which = which
        self._since = time.monotonic()

    async def event(self, request: Request, event: dict[str, Any]) -> list[dict[str, Any]]:
        return [] if self._which(request) and request.came < self._since else [event]


class WatchError(Fault):
    """Replaces the next event of each watch by an ERROR with this code, once armed."""

    def __init__(self, which: Which, code: int, reason: str) -> None:
        self._which = which
        self._error = {"type": "ERROR", "object": json.loads(failure(code, reason, "injected by a test"))}
        self._told: set[int] = set()
        self._since = time.monotonic()

    @property
    def hits(self) -> int:
        """Watches that got the error."""
        return len(self._told)

    async def event(self, request: Request, event: dict[str, Any]) -> list[dict[str, Any]]:
        if not self._which(request) or request.came > self._since:
            return [event]
        if request.number in self._told:
            return []
        self._told.add(request.number)
        return [self._error]


NOTHING = b'{"metadata": {"resourceVersion": "1"}, "items": []}'
"""An empty list."""


class StaleReads(Fault):
    """Repeats earlier answers to reads for some seconds from the first one on, like an outdated cache.

    Watch events stay current, so that there is always a reason to read. A first read is answered from the API server,
    but for a list by name: what it asks for did not exist when the cache was current.
    """

    def __init__(self, which: Which, seconds: float) -> None:
        self._which = which
        self._known: dict[str, tuple[int, bytes]] = {}
        self._seconds = seconds
        self._asked = False
        self._until = float("inf")
        self.hits = 0

    def freeze(self) -> None:
        """Repeats earlier answers from the next read on."""
        self._asked = True

    @property
    def _frozen(self) -> bool:
        return self._asked and time.monotonic() < self._until

    def _chosen(self, request: Request) -> bool:
        return request.verb in ("get", "list") and self._which(request)

    async def before(self, request: Request) -> web.Response | None:
        key = request.path + json.dumps(request.query, sort_keys=True)
        by_name = request.query.get("fieldSelector", "").startswith("metadata.name=")
        if not self._frozen or not self._chosen(request) or not (by_name or key in self._known):
            return None
        if not self.hits:
            self._until = time.monotonic() + self._seconds
        self.hits += 1
        status, body = self._known.get(key, (HTTPStatus.OK, NOTHING))
        return web.Response(status=status, body=body, headers={"Content-Type": "application/json"})

    async def after(self, request: Request, answer: web.Response) -> web.Response:
        if not self._frozen and self._chosen(request) and isinstance(answer.body, bytes):
            key = request.path + json.dumps(request.query, sort_keys=True)
            self._known[key] = (answer.status, answer.body)
        return answer


class Count(Fault):
    """Calls a function before the n-th matching request is forwarded, for a concurrent change."""

    def __init__(self, which: Which, action: Callable[[], None], nth: int = 1) -> None:
        self._which, self._action, self._left = which, action, nth
        self.fired = False

    async def before(self, request: Request) -> web.Response | None:
        if not self.fired and self._which(request):
            self._left -= 1
            if not self._left:
                self.fired = True
                await asyncio.to_thread(self._action)
        return None
