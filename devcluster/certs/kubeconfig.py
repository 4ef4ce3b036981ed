"""Kubeconfig files with a client certificate. They are JSON, which every YAML parser accepts."""

import base64
import json
from pathlib import Path

from devcluster.certs.pki import write_private


def write(path: Path, server: str, ca: Path, certificate: Path, key: Path) -> None:
    """Writes a self-contained kubeconfig that works wherever it is copied."""

    def inline(file: Path) -> str:
        return base64.b64encode(file.read_bytes()).decode()

    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "devcluster", "cluster": {"server": server, "certificate-authority-data": inline(ca)}},
        ],
        "users": [
            {
                "name": "devcluster",
                "user": {"client-certificate-data": inline(certificate), "client-key-data": inline(key)},
            }
        ],
        "contexts": [{"name": "devcluster", "context": {"cluster": "devcluster", "user": "devcluster"}}],
        "current-context": "devcluster",
    }
    write_private(path, json.dumps(document, indent=2).encode() + b"\n")
