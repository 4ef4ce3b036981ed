"""A proxy between one operator and the API server. It numbers every request and injects faults.

It speaks plain HTTP on loopback to the operator and TLS to the API server, and passes the operator's own credentials
on. All proxies of a process share one event loop in a thread.
"""

import asyncio
import contextlib
import json
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from tests.faults.harness.request import Request, describe

HOP_BY_HOP = frozenset({"connection", "content-length", "host", "keep-alive", "transfer-encoding", "accept-encoding"})
MAX_BODY = 64 << 20


class LostReplyError(Exception):
    """The proxy cuts the connection without an answer."""


class Fault:
    """A fault that a proxy can inject. Each method is one place for it; the defaults do nothing."""

    fired = True
    """Whether the fault has occurred."""

    async def before(self, request: Request) -> web.Response | None:
        """Before the request is forwarded: another answer, a delay, or LostReplyError."""

    async def after(self, request: Request, answer: web.Response) -> web.Response:  # noqa: ARG002 - for those that need it
        """After the API server has answered: this answer, another, or LostReplyError."""
        return answer

    async def event(self, request: Request, event: dict[str, Any]) -> list[dict[str, Any]]:  # noqa: ARG002 - for those that need it
        """What the operator sees instead of one event of a watch."""
        return [event]


class Proxy:
    """The proxy of one operator."""

    def __init__(self, loop: "Loop", upstream: str, ca: Path) -> None:
        self._loop = loop
        self._upstream = upstream
        self._tls = ssl.create_default_context(cafile=str(ca))
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._handling: set[asyncio.Task[Any]] = set()
        self.requests: list[Request] = []
        self.url = loop.call(self._start())

    def add(self, fault: Fault) -> Fault:
        """Adds a fault, after those that were added earlier."""
        with self._lock:
            self._faults = [*self._faults, fault]
        return fault

    @property
    def writes(self) -> list[Request]:
        """The write requests, in order."""
        return [request for request in [*self.requests] if request.write]

    def log(self) -> str:
        """The requests as text, one line each."""
        return "\n".join(map(str, [*self.requests]))

    def stop(self) -> None:
        """Closes the port and every connection."""
        self._loop.call(self._stop())

    async def _start(self) -> str:
        self._connector = aiohttp.TCPConnector(ssl=self._tls, limit=0)
        self._session = aiohttp.ClientSession(
            connector=self._connector, timeout=aiohttp.ClientTimeout(total=None), auto_decompress=False
        )
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _stop(self) -> None:
        for task in self._handling:
            task.cancel()
        await asyncio.gather(*self._handling, return_exceptions=True)
        await self._runner.cleanup()
        await self._connector.close(abort_ssl=True)  # without the TLS shutdown, which the end of the loop may not await
        await self._session.close()
        await asyncio.sleep(0)  # closes the aborted connections

    def _number(self, method: str, path: str, query: dict[str, str], body: bytes) -> Request:
        request = describe(method, path, query, body)
        with self._lock:
            request.number = len(self.requests) + 1
            request.write = 1 + sum(1 for r in self.requests if r.write) if request.changes else 0
            self.requests.append(request)
        return request

    async def _handle(self, incoming: web.Request) -> web.StreamResponse:
        if (task := asyncio.current_task()) is not None:
            self._handling.add(task)
            task.add_done_callback(self._handling.discard)
        body = await incoming.read()
        request = self._number(incoming.method, incoming.path, dict(incoming.query), body)
        faults = self._faults
        try:
            for fault in faults:
                if (instead := await fault.before(request)) is not None:
                    request.answered(instead.status, forwarded=False)
                    return instead
            return await self._forward(incoming, request, body, faults)
        except LostReplyError:
            request.answered(0, forwarded=request.forwarded)
            cut(incoming)
            return web.Response()
        except (aiohttp.ClientError, OSError):  # while the API server is down, so is its proxy
            cut(incoming)
            return web.Response()

    async def _forward(
        self, incoming: web.Request, request: Request, body: bytes, faults: list[Fault]
    ) -> web.StreamResponse:
        headers = {k: v for k, v in incoming.headers.items() if k.lower() not in HOP_BY_HOP}
        url = self._upstream + incoming.raw_path
        async with self._session.request(incoming.method, url, headers=headers, data=body or None) as answer:
            request.forwarded = True
            if request.verb == "watch" and answer.status == 200:
                return await self._stream(incoming, request, answer)
            kept = {k: v for k, v in answer.headers.items() if k.lower() not in HOP_BY_HOP}
            found = web.Response(status=answer.status, body=await answer.read(), headers=kept)
            request.answered(answer.status, forwarded=True)
        for fault in faults:
            found = await fault.after(request, found)
        request.status = found.status
        return found

    async def _stream(
        self, incoming: web.Request, request: Request, answer: aiohttp.ClientResponse
    ) -> web.StreamResponse:
        """Forwards a watch line by line through the current faults, until one side ends it."""
        request.answered(200, forwarded=True)
        outgoing = web.StreamResponse(headers={"Content-Type": "application/json"})
        outgoing.enable_chunked_encoding()
        await outgoing.prepare(incoming)
        async for line in _lines(answer):
            events = [json.loads(line)]
            for fault in self._faults:
                events = [seen for event in events for seen in await fault.event(request, event)]
            for event in events:
                request.events += 1
                await outgoing.write(json.dumps(event).encode() + b"\n")
        return outgoing


async def _lines(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Yields lines of any length."""
    rest = b""
    async for chunk in answer.content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.strip():
                yield line


def cut(incoming: web.Request) -> None:
    """Aborts the operator's connection at once, even in the middle of an answer."""
    if incoming.transport is not None:
        incoming.transport.abort()


class Loop:
    """An event loop in a thread, for the proxies."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxies", daemon=True)
        self._thread.start()

    def call(self, work: Any) -> Any:
        """Runs a coroutine in the proxies' loop, and returns its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def stop(self) -> None:
        """Ends the thread. Stop its proxies first."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@contextlib.contextmanager
def proxies() -> Iterator[Loop]:
    """A loop for proxies, which ends with the context."""
    loop = Loop()
    try:
        yield loop
    finally:
        loop.stop()


Kill = Callable[[], None]
