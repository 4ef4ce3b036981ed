"""`probe.py [[PROTOCOL, ADDRESS, PORT], ...]`: which are reached, as JSON. Runs in pods, with nothing but Python."""

import json
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

SECONDS = 2.0
NAME = "uai-demo.ufile.devcluster.test"


def connects(address: str, port: int) -> bool:
    with socket.create_connection((address, port), SECONDS):
        return True


def resolves(address: str, port: int) -> bool:
    """Whether the server answers a question for an address (RFC 1035, section 4.1)."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in NAME.split("."))
    question = b"\x12\x34\x01\x00\x00\x01" + b"\x00" * 6 + labels + b"\x00\x00\x01\x00\x01"
    with socket.socket(type=socket.SOCK_DGRAM) as asking:
        asking.settimeout(SECONDS)
        asking.sendto(question, (address, port))
        answer = asking.recv(4096)
    return answer[:2] == question[:2] and int.from_bytes(answer[6:8], "big") > 0


def reached(protocol: str, address: str, port: int) -> bool:
    try:
        return {"tcp": connects, "dns": resolves}[protocol](address, port)
    except OSError:
        return False


if __name__ == "__main__":
    wanted = json.loads(sys.argv[1])
    with ThreadPoolExecutor(len(wanted)) as pool:
        print(json.dumps(list(pool.map(lambda one: reached(*one), wanted))))
