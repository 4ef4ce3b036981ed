"""The forwarder between the host's port and the API server's."""

import asyncio
import contextlib
import socket

import pytest

from devcluster.node import forwarder


@pytest.fixture
async def echo():
    """A server that echoes the whole request at its end."""

    async def answer(reader, writer):
        writer.write(await reader.read())
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


@contextlib.asynccontextmanager
async def forwarding(target):
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    task = asyncio.create_task(forwarder.serve(listeners, target))
    try:
        yield [listener.getsockname()[1] for listener in listeners]
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def ask(port, data):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize("size", [0, 1, 3 * forwarder.CHUNK + 7])
async def test_both_listeners_forward_in_both_directions(echo, size):
    data = bytes(range(256)) * (size // 256 + 1)
    async with forwarding(echo) as ports:
        for port in ports:
            assert await ask(port, data[:size]) == data[:size]


async def test_connections_do_not_wait_for_each_other(echo):
    async with forwarding(echo) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await ask(port, b"second") == b"second"
        writer.write_eof()
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()
        await writer.wait_closed()


async def test_without_a_server_the_connection_is_closed():
    with socket.create_server(("127.0.0.1", 0)) as held:
        absent = held.getsockname()[1]
    async with forwarding(absent) as (port, _):
        assert await ask(port, b"x") == b""
