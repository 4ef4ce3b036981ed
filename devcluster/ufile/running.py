"""Runs a stand-in in a thread of this process, on a free port of loopback, for tests."""

import asyncio
import ssl
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from devcluster.ufile.faults import FaultPlan
from devcluster.ufile.protocol.accounts import KeyPair
from devcluster.ufile.server import Handler
from devcluster.ufile.service import Service

_DEADLINE = 10.0


@dataclass(frozen=True)
class StandIn:
    """A running stand-in. It serves the bucket `127`, the first label of its address."""

    port: int
    handler: Handler

    @property
    def suffix(self) -> str:
        """The host without the bucket: `http://127` + suffix is its URL."""
        return f".0.0.1:{self.port}"

    @property
    def bucket(self) -> str:
        """The bucket, whose host needs no name resolution."""
        return "127"

    @property
    def faults(self) -> FaultPlan:
        """The planned faults."""
        return self.handler.faults

    @property
    def service(self) -> Service:
        """The service: its buckets, its clock, and how long restores take."""
        return self.handler.service

    @property
    def seen(self) -> list[tuple[str, str]]:
        """Method and key of each request so far."""
        return self.handler.seen


async def listen(handler: Handler, address: str, port: int, tls: ssl.SSLContext | None = None) -> web.ServerRunner:
    """Starts serving, in TLS when there is a context.

    A client that disconnects cancels its handler. `cleanup()` of the returned runner ends the serving.
    """
    server = web.Server(handler, handler_cancellation=True, access_log=None)
    runner = web.ServerRunner(server, shutdown_timeout=0.0)
    await runner.setup()
    await web.TCPSite(runner, address, port, ssl_context=tls).start()
    return runner


@contextmanager
def running(
    data: Path, keys: Iterable[KeyPair], buckets: Iterable[str] = ("127",), tls: ssl.SSLContext | None = None
) -> Iterator[StandIn]:
    """Serves `data` until the block ends."""
    handler = Handler(Service(data, buckets, keys), FaultPlan())
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="ufile stand-in")
    thread.start()
    try:
        runner = asyncio.run_coroutine_threadsafe(listen(handler, "127.0.0.1", 0, tls), loop).result(_DEADLINE)
        try:
            yield StandIn(port=runner.addresses[0][1], handler=handler)
        finally:
            asyncio.run_coroutine_threadsafe(_end(runner), loop).result(_DEADLINE)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_DEADLINE)
        loop.close()


async def _end(runner: web.ServerRunner) -> None:
    """Ends the serving and waits for the cancelled tasks: none may remain when the loop closes.

    Otherwise a connection whose client does not read would stay open to be flushed, and a new one has no owner yet.
    """
    open_ones = _transports(runner)
    await runner.cleanup()
    handlers = asyncio.all_tasks() - {asyncio.current_task()}
    for task in handlers:
        task.cancel()
    await asyncio.gather(*handlers, return_exceptions=True)
    for transport in {*open_ones, *_transports(runner)}:
        transport.abort()
    for _ in range(2):  # one iteration of the loop closes, the next runs what that wakes
        await asyncio.sleep(0)


def _transports(runner: web.ServerRunner) -> set[asyncio.Transport]:
    server = runner.server
    handlers = server.connections if server else []
    return {handler.transport for handler in handlers if handler.transport is not None}
