"""`forward_dns.py SERVER`: a DNS server in a pod, as most clusters have one; it asks the cluster's own. Port 53."""

import socket
import socketserver
import sys
import threading


class Query(socketserver.BaseRequestHandler):
    """Forwards a datagram and its answer."""

    def handle(self) -> None:
        question, answers = self.request
        with socket.socket(type=socket.SOCK_DGRAM) as upstream:
            upstream.settimeout(2)
            upstream.sendto(question, (sys.argv[1], 53))
            answers.sendto(upstream.recv(4096), self.client_address)


class Accept(socketserver.BaseRequestHandler):
    """A TCP connection is enough for the tests."""


if __name__ == "__main__":
    threading.Thread(target=socketserver.ThreadingTCPServer(("", 53), Accept).serve_forever, daemon=True).start()
    socketserver.ThreadingUDPServer(("", 53), Query).serve_forever()
