"""The HTTP shell of the stand-in: reads requests, writes replies, and injects the faults."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace

from aiohttp import web

from devcluster.ufile.faults import Fault, FaultPlan
from devcluster.ufile.protocol.errors import UFileError
from devcluster.ufile.protocol.reading import Slice
from devcluster.ufile.protocol.request import Request, parse
from devcluster.ufile.service import Reply, Service

_CHUNK = 256 * 1024
_DROP = 50


class Handler:
    """Answers every request of one listening socket."""

    def __init__(self, service: Service, faults: FaultPlan) -> None:
        self.service = service
        self.faults = faults
        self.seen: list[tuple[str, str]] = []
        """Method and key of each request, for tests."""
        self.ranges: list[str] = []
        """The Range header of each GET, empty without one."""
        self.delay = 0.0
        """Seconds before each reply."""

    async def __call__(self, web_request: web.BaseRequest) -> web.StreamResponse:
        """Serves one request."""
        request = parse(web_request.method, web_request.raw_path, web_request.headers)
        self.seen.append((request.method, request.key))
        if request.method == "GET":
            self.ranges.append(request.headers.get("Range", ""))
        await asyncio.sleep(self.delay)
        fault = self.faults.take(request)
        if fault and fault.kind == "reset":
            return _hang_up(web_request)
        reply = await self._reply(request, web_request, fault)
        if fault and fault.kind == "lose_reply":
            return _hang_up(web_request)
        if fault and fault.kind == "bad_json":
            reply = Reply(reply.status, b'{"RetCode":', {"Content-Type": "application/json"})
        response = web.StreamResponse(status=reply.status, headers=reply.headers)
        response.headers["X-SessionId"] = secrets.token_hex(8)
        if fault and fault.kind == "stall" and not isinstance(reply.body, Slice):
            await _silence()
        return await self._send(web_request, response, reply.body, fault)

    async def _reply(self, request: Request, web_request: web.BaseRequest, fault: Fault | None) -> Reply:
        if fault and fault.kind == "status":
            refusal = _refusal(UFileError(fault.status, -1, "injected fault"))
            return replace(
                refusal, headers={**refusal.headers, "Location": fault.location} if fault.location else refusal.headers
            )
        try:
            return await self.service.answer(request, _body(web_request, fault))
        except UFileError as error:
            return _refusal(error)

    async def _send(
        self, web_request: web.BaseRequest, response: web.StreamResponse, body: bytes | Slice, fault: Fault | None
    ) -> web.StreamResponse:
        bare = web_request.method == "HEAD" or response.status in (204, 304)
        if isinstance(body, Slice) or not bare:
            response.content_length = body.length if isinstance(body, Slice) else len(body)
        await response.prepare(web_request)
        if bare:
            return response
        if isinstance(body, bytes):
            await response.write(body)
        elif fault is None:
            await _send_file(web_request, response, body)
        elif not await _send_slice(response, body, fault):
            _hang_up(web_request)
        return response


async def _send_file(web_request: web.BaseRequest, response: web.StreamResponse, part: Slice) -> None:
    """Sends a slice of an object with sendfile, so large ones do not pass through this process."""
    with part.open() as file:
        if part.length <= _CHUNK:
            await response.write(file.read(part.length))
            return
        await response.write(b"")  # the headers, which the framework holds back until the first bytes
        if web_request.transport is None:
            raise ConnectionResetError("the client has disconnected")
        await asyncio.get_running_loop().sendfile(web_request.transport, file, part.start, part.length)


async def _send_slice(response: web.StreamResponse, part: Slice, fault: Fault | None) -> bool:
    """Sends a slice of an object; returns False when a fault interrupts it."""
    turn = min(_turning_point(fault, part.length), part.length)
    sent = 0
    with part.open() as file:
        while sent < part.length:
            chunk = file.read(min(_CHUNK, (turn if sent < turn else part.length) - sent))
            if fault and sent == turn:
                if fault.kind == "stall":
                    await _silence()
                if fault.kind == "slow":
                    await _drip(response, chunk + file.read(part.length - sent - len(chunk)))
                    return True
                if fault.kind == "truncate":
                    return False
                if fault.kind == "corrupt":
                    chunk = _flip(chunk, 0)
            await response.write(chunk)
            sent += len(chunk)
    return True


def _refusal(error: UFileError) -> Reply:
    return Reply(error.status, error.body(), {"Content-Type": "application/json"})


async def _body(web_request: web.BaseRequest, fault: Fault | None) -> AsyncIterator[bytes]:
    """The request's bytes as they arrive, with one flipped by the fault `corrupt`."""
    received = 0
    turn = _turning_point(fault, web_request.content_length or 0) if fault and fault.kind == "corrupt" else -1
    async for chunk in web_request.content.iter_chunked(_CHUNK):
        inside = received <= turn < received + len(chunk)
        yield _flip(chunk, turn - received) if inside else chunk
        received += len(chunk)


def _turning_point(fault: Fault | None, length: int) -> int:
    """The position of a fault within a body."""
    return fault.after if fault and fault.after is not None else length // 2


def _flip(chunk: bytes, index: int) -> bytes:
    return chunk[:index] + bytes([chunk[index] ^ 0xFF]) + chunk[index + 1 :]


async def _drip(response: web.StreamResponse, rest: bytes) -> None:
    """Sends the rest at 1 KB a second."""
    for start in range(0, len(rest), _DROP):
        await response.write(rest[start : start + _DROP])
        await asyncio.sleep(_DROP / 1000)


async def _silence() -> None:
    """Sends nothing until the client gives up: a disconnect cancels the handler, and so does the server's end."""
    await asyncio.Event().wait()


def _hang_up(web_request: web.BaseRequest) -> web.Response:
    """Closes the connection. The response only satisfies the framework; nobody receives it."""
    if web_request.transport is not None:
        web_request.transport.close()
    return web.Response(status=500)
