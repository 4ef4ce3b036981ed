"""A bare Git repository behind HTTP on loopback, to which everybody may push."""

import http.server
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devcluster.lib.in_thread import serving
from tests.support.git_server import answer


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address below which the bare repository models.git is; the folder has it too."""
    bare = folder / "models.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", bare], check=True)
    subprocess.run(["git", "-C", bare, "config", "http.receivepack", "true"], check=True)

    class Handler(http.server.BaseHTTPRequestHandler):
        def _handle(self) -> None:
            answer(self, self.rfile.read(int(self.headers.get("Content-Length") or 0)), folder)

        def log_message(self, *_: object) -> None:
            pass

        do_GET = do_POST = _handle  # noqa: N815 - http.server looks for these names

    with serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
