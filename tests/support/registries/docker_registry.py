"""Debian's docker-registry on loopback, and uploads over its HTTP API."""

import contextlib
import hashlib
import json
import os
import secrets
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bcrypt
import requests
import yaml

from devcluster.lib import ports
from inference_image_build.registry.client import MANIFEST_TYPES
from tests.support.registries.tls import Tls

DEADLINE = 120.0


@dataclass
class RegistryServer:
    """A running docker-registry, and uploads over its HTTP API."""

    host: str
    tls: Tls
    data: Path
    user: str
    password: str
    session: requests.Session

    def _url(self, path: str) -> str:
        return f"https://{self.host}/v2/{path}"

    def push_blob(self, repository: str, data: bytes) -> dict[str, object]:
        """Uploads a blob; returns its descriptor."""
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        start = self.session.post(self._url(f"{repository}/blobs/uploads/"))
        assert start.status_code == 202, start.text
        location = start.headers["Location"]
        done = self.session.put(f"{location}{'&' if '?' in location else '?'}digest={digest}", data=data)
        assert done.status_code == 201, done.text
        return {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "size": len(data), "digest": digest}

    def push_manifest(self, repository: str, tag: str, document: dict[str, object], media_type: str) -> str:
        data = json.dumps(document).encode()
        tag = tag or f"sha256:{hashlib.sha256(data).hexdigest()}"
        reply = self.session.put(
            self._url(f"{repository}/manifests/{tag}"), data=data, headers={"Content-Type": media_type}
        )
        assert reply.status_code == 201, reply.text
        return reply.headers["Docker-Content-Digest"]

    def push_image(
        self,
        repository: str,
        tag: str,
        content: bytes = b"layer",
        env: tuple[str, ...] = (),
        architecture: str = "amd64",
    ) -> str:
        """Pushes a small image; returns its digest. An empty tag pushes by digest only."""
        document = {"architecture": architecture, "os": "linux"} | ({"config": {"Env": env}} if env else {})
        config = self.push_blob(repository, json.dumps(document, separators=(",", ":")).encode())
        layer = self.push_blob(repository, content)
        document = {"schemaVersion": 2, "mediaType": MANIFEST_TYPES[0], "layers": [layer]}
        document["config"] = config | {"mediaType": "application/vnd.oci.image.config.v1+json"}
        return self.push_manifest(repository, tag, document, MANIFEST_TYPES[0])

    def digest(self, repository: str, tag: str) -> str:
        """The digest of a tag, empty for an unknown tag; does not use our own client."""
        accept = {"Accept": ", ".join(MANIFEST_TYPES)}
        reply = self.session.get(self._url(f"{repository}/manifests/{tag}"), headers=accept)
        return reply.headers["Docker-Content-Digest"] if reply.ok else ""


def htpasswd(folder: Path, user: str, password: str) -> dict[str, object]:
    """The section `auth` of a docker-registry with one user."""
    path = folder / "htpasswd"
    path.write_text(f"{user}:{bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()}\n")
    return {"htpasswd": {"realm": "test", "path": str(path)}}


@contextlib.contextmanager
def serve_registry(
    folder: Path, tls: Tls | None, auth: dict[str, object], *, delete: bool = True, port: int = 0, on_disk: bool = True
) -> Iterator[str]:
    """Runs docker-registry on loopback, by default on a free port; yields its host. Plain HTTP without `tls`.

    A registry that is not `on_disk` keeps its images in memory: it does not wait for the disk at every upload.
    """
    storage = {"filesystem": {"rootdirectory": str(folder / "data")}} if on_disk else {"inmemory": {}}
    port = port or ports.reserve(1)[0]
    config = {
        "version": "0.1",
        "log": {"level": "warn"},
        "storage": {**storage, "delete": {"enabled": delete}},
        "http": {"addr": f"127.0.0.1:{port}", "secret": secrets.token_hex(8), "relativeurls": tls is None},
    }
    if tls:
        config["http"]["tls"] = {"certificate": str(tls.certificate), "key": str(tls.key)}
    if auth:
        config["auth"] = auth
    (folder / "config.yml").write_text(yaml.safe_dump(config))
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["docker-registry", "serve", str(folder / "config.yml")],
            env={**os.environ, "GOGC": "400"},  # its heap is small: by default it collects garbage all the time
            stdout=output,
            stderr=output,
        )
    try:
        _wait_for_port(port, process, log)
        yield f"localhost:{port}"
    finally:
        process.terminate()
        process.wait(DEADLINE)


def _wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        threading.Event().wait(0.02)
    raise AssertionError(f"docker-registry does not listen: {log.read_text()}")
