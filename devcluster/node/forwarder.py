"""Forwards a listening socket of the host, and one of the node, to the API server on the node's loopback.

A socket belongs to the network namespace that created it: the host's socket exists before the node's namespaces and
arrives here as an inherited descriptor. Both use the same port, so one kubeconfig works on either side.
"""

import asyncio
import contextlib
import socket
import sys

CHUNK = 256 * 1024
CONNECTION_ENDED = (ConnectionError, asyncio.IncompleteReadError, TimeoutError)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(*CONNECTION_ENDED):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


async def serve(listeners: list[socket.socket], target_port: int) -> None:
    """Forwards every connection of the listeners to `target_port` on loopback, without end."""

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", target_port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_copy(reader, upstream_writer), _copy(upstream_reader, writer))
        for side in (upstream_writer, writer):
            side.close()
            with contextlib.suppress(*CONNECTION_ENDED):
                await side.wait_closed()

    servers = [await asyncio.start_server(connect, sock=listener) for listener in listeners]
    await asyncio.gather(*(server.serve_forever() for server in servers))


def main() -> None:
    """Arguments: descriptor of the host's listening socket, its port, port of the API server."""
    descriptor, port, target = map(int, sys.argv[1:])
    inside = socket.create_server(("127.0.0.1", port))
    asyncio.run(serve([socket.socket(fileno=descriptor), inside], target))


if __name__ == "__main__":
    main()
