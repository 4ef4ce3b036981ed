"""Asks a service until a file appears, and prints what went wrong. Runs in the cluster's network.

`python -m tests.e2e.asking URL PICTURE STOP`: the picture is a file, STOP the file that ends it.
"""

import json
import sys
import threading
from pathlib import Path

import requests

THREADS = 2
TIMEOUT = 30


def main(url: str, picture: Path, stop: Path) -> dict[str, object]:
    """The number of requests, each a new connection, and the failures: a status other than 200, or no answer."""
    body, counts, failures = picture.read_bytes(), [0] * THREADS, list[str]()

    def ask(number: int) -> None:
        while not stop.exists():
            counts[number] += 1
            try:
                status = requests.post(url, data=body, timeout=TIMEOUT).status_code
            except requests.RequestException as error:
                failures.append(str(error))
            else:
                if status != requests.codes.ok:
                    failures.append(f"status {status}")

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"requests": sum(counts), "failures": failures}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))))
