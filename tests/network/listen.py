"""`listen.py PORT...`: accepts connections at every address. Runs in pods too, with nothing but Python."""

import socketserver
import sys
import threading


class Accept(socketserver.BaseRequestHandler):
    """A connection is the answer."""


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def listen(ports: list[int]) -> None:
    """Listens until the process ends."""
    for port in ports:
        threading.Thread(target=Server(("", port), Accept).serve_forever, daemon=True).start()


if __name__ == "__main__":
    listen([int(port) for port in sys.argv[1:]])
    threading.Event().wait()
