"""The same bytes with curl: one GET, or one PUT for each piece up to the service's limit."""

import os
import subprocess
import time
from pathlib import Path

from ufile import filemanager

from bench.transfer.client import BUCKET, LARGE, PRIVATE, PUBLIC

PIECE = 512 * 1024 * 1024
"""The largest body of a PUT."""


class Curl:
    """The SDK signs the requests. curl reads them from stdin, because everybody can read a signature in argv."""

    def __init__(self, suffix: str, folder: Path) -> None:
        self._files = filemanager.FileManager(PUBLIC, PRIVATE, suffix, suffix)
        self._base = f"http://{BUCKET}{suffix}"
        self._folder = folder

    def down(self) -> float:
        """Seconds."""
        target = self._folder / "target"
        url = self._files.private_download_url(BUCKET, f"ours/{LARGE}", 3600, {}, True)
        began = time.monotonic()
        _run(f'url = "{url}"\noutput = "{target}"\n')
        ended = time.monotonic()
        target.unlink()
        return ended - began

    def pieces(self) -> None:
        """Cuts the source into pieces; not measured."""
        with (self._folder / "source").open("rb") as source:
            for number in range(-(-os.fstat(source.fileno()).st_size // PIECE)):
                with (self._folder / f"piece-{number}").open("wb") as piece:
                    left = PIECE
                    while left and (data := source.read(min(left, 1 << 20))):
                        piece.write(data)
                        left -= len(data)

    def up(self) -> float:
        """Uploads all pieces over one connection; returns the seconds."""
        requests = []
        for path in sorted(self._folder.glob("piece-*")):
            key = f"curl/{path.name}"
            headers = {"Content-Type": "application/octet-stream"}
            signature = self._files.authorization("put", BUCKET, key, dict(headers))
            requests.append(
                f'url = "{self._base}/{key}"\nupload-file = "{path}"\noutput = "/dev/null"\n'
                f'header = "Authorization: {signature}"\nheader = "Content-Type: {headers["Content-Type"]}"\n'
                'header = "Expect:"\n'
            )
        began = time.monotonic()
        _run("next\n".join(requests))
        return time.monotonic() - began


def _run(config: str) -> None:
    subprocess.run(
        ["curl", "--silent", "--fail", "--noproxy", "*", "--config", "-"], input=config, text=True, check=True
    )
