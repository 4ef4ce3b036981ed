"""A Git repository, and `git http-backend` behind HTTPS as on big hosts.

`python -m tests.support.git_server FOLDER HOST PORT TLS_FOLDER` serves the repositories below a folder until
standard input ends. The first line of the input is the password. It prints one line when it is ready.
"""

import http.server
import os
import ssl
import subprocess
import sys
from base64 import b64encode
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from devcluster.lib.in_thread import serving

IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "test"), ("EMAIL", "test@example.com"), ("DATE", "2026-01-01T00:00:00Z"))
}


@dataclass
class Repository:
    """A working copy whose commits the servers serve; `git` runs git there."""

    folder: Path

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "GIT_CONFIG_NOSYSTEM": "1"} | IDENTITY,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def commit(self, files: dict[str, bytes], executables: Collection[str] = ()) -> str:
        for name, data in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            if name in executables:
                path.chmod(0o755)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "change")
        return self.git("rev-parse", "HEAD")


def new_repository(folder: Path, files: dict[str, bytes]) -> Repository:
    """A repository with these files on its branch main."""
    folder.mkdir(parents=True)
    made = Repository(folder)
    made.git("init", "--quiet", "--initial-branch=main")
    made.commit(files)
    return made


def authorization(password: str) -> str:
    """The Authorization header of a reader."""
    return "Basic " + b64encode(f"git:{password}".encode()).decode()


def answer(request: http.server.BaseHTTPRequestHandler, body: bytes, folder: Path) -> None:
    """The response of git's own backend for the repositories below a folder, each named `NAME.git`: bare, or copies."""
    path, _, query = request.path.partition("?")
    name = path.strip("/").partition(".git/")[0]
    is_copy = (folder / f"{name}.git" / ".git").is_dir()
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_PROJECT_ROOT": str(folder),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
        "REQUEST_METHOD": request.command,
        "PATH_INFO": path.replace(".git/", ".git/.git/", 1) if is_copy else path,
        "QUERY_STRING": query,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        "HTTP_GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        "CONTENT_LENGTH": str(len(body)),
    }
    # It also fails for rejected requests; its output before tells.
    done = subprocess.run(["git", "http-backend"], env=environment, input=body, capture_output=True, check=False).stdout
    head, _, content = done.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
    request.send_response(int(headers.pop("Status", "200").split()[0]))
    for name, value in (headers | {"Content-Length": str(len(content))}).items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(content)


def main(folder: Path, address: tuple[str, int], tls: ssl.SSLContext) -> None:
    wanted = authorization(sys.stdin.readline().strip())

    class Handler(http.server.BaseHTTPRequestHandler):
        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Authorization") == wanted:
                answer(self, body, folder)
            else:
                self.send_error(401)

        do_GET = do_POST = _handle  # noqa: N815 - http.server looks for these names

    server = http.server.ThreadingHTTPServer(address, Handler)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    with serving(server):
        print("serving", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(sys.argv[4], "tls.crt"), Path(sys.argv[4], "tls.key"))
    main(Path(sys.argv[1]), (sys.argv[2], int(sys.argv[3])), context)
