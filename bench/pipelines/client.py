"""An asynchronous client of the API server for benchmarks: paths in, JSON out, concurrent requests."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Iterator
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import aiohttp

from devcluster.controlplane import ControlPlane

Object = dict[str, Any]
PARALLEL = 50
_LINE = 4 << 20  # bytes; a watch event is one line


class Client:
    """Acts as administrator or with a service account's token. Use it in `async with`."""

    def __init__(self, plane: ControlPlane, token: str = "") -> None:
        self._url = plane.url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._trust = ssl.create_default_context(cafile=str(plane.ca))
        if not token:
            self._trust.load_cert_chain(plane.client_certificate, plane.client_key)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            self._url,
            headers=self._headers,
            connector=aiohttp.TCPConnector(ssl=self._trust, limit=2 * PARALLEL),
            timeout=aiohttp.ClientTimeout(total=None),
            read_bufsize=_LINE,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def request(
        self, method: str, path: str, body: Object | None = None, kind: str = "application/json"
    ) -> Object:
        """Raises RuntimeError with the API server's message when it rejects the request."""
        data = None if body is None else json.dumps(body)
        async with self._session.request(method, path, data=data, headers={"Content-Type": kind}) as answer:
            text = await answer.text()
            if not answer.ok:
                raise RuntimeError(f"{method} {path}: {answer.status} {text}")
            found: Object = json.loads(text)
            return found

    async def get(self, path: str) -> Object:
        return await self.request("GET", path)

    async def create_all(self, path: str, bodies: Iterator[Object]) -> None:
        """Creates the objects, `PARALLEL` at a time; reads the iterator lazily."""

        async def worker() -> None:
            for body in bodies:
                await self.request("POST", path, body)

        async with asyncio.TaskGroup() as group:
            for _ in range(PARALLEL):
                group.create_task(worker())

    async def watch(self, path: str, containing: bytes) -> AsyncIterator[Object]:
        """Yields existing, added and changed objects; skips those whose JSON lacks `containing` without parsing them.

        Reopens a watch that the API server ends; it begins with all objects again.
        """
        while True:
            async with await self._watching(path) as answer:
                async for line in answer.content:
                    event = json.loads(line) if containing in line else {}
                    if event.get("type") in ("ADDED", "MODIFIED"):
                        yield event["object"]

    async def _watching(self, path: str) -> aiohttp.ClientResponse:
        """Opens the watch. The API server returns 429 while it fills the cache of a resource that was never read."""
        async with asyncio.timeout(60):
            while True:
                answer = await self._session.get(path, params={"watch": "1"})
                if answer.ok:
                    return answer
                answer.release()
                if answer.status != HTTPStatus.TOO_MANY_REQUESTS:
                    answer.raise_for_status()
                await asyncio.sleep(1)
