"""Changes objects in the object store; runs inside the cluster's network, instructions as JSON on standard input.

Each is one of `{"copy": [from, to]}`, `{"delete": key}`, `{"write": [key, text]}`, `{"upload": [file, key]}`,
`{"download": [key, file]}`, `{"archive": key}` and `{"later": seconds}`, which advances the object store's clock; for
the registry `{"take": [repository, digest, file]}`, which moves a manifest into a file, and `{"give": [...]}`, which
puts it back.
"""

import json
import os
import sys
from pathlib import Path

import requests

from demo.seed import store
from devcluster import settings


def control(method: str, path: str, document: dict) -> None:
    """Sends a control request to the object store stand-in."""
    url = f"http://127.0.0.1:{settings.UFILE_CONTROL_PORT}/{path}"
    requests.request(method, url, json=document, timeout=30).raise_for_status()


def registry(verb: str, repository: str, digest: str, file: str) -> None:
    user, password = json.loads(os.environ["REGISTRY_LOGIN"])
    url = f"https://{settings.REGISTRY_HOST}/v2/{repository}/manifests/{digest}"
    session = requests.Session()
    session.trust_env = False
    session.auth, session.verify = (user, password), str(settings.STATE / "pki" / "trust" / "ca.crt")
    if verb == "take":
        accept = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
        answer = session.get(url, headers={"Accept": accept}, timeout=30)
        answer.raise_for_status()
        Path(file).write_bytes(answer.content)
        session.delete(url, timeout=30).raise_for_status()
    else:
        data = Path(file).read_bytes()
        kind = json.loads(data)["mediaType"]
        session.put(url, data=data, headers={"Content-Type": kind}, timeout=30).raise_for_status()


if __name__ == "__main__":
    target = store()
    for step in json.load(sys.stdin):
        ((verb, value),) = step.items()
        if verb == "copy":
            target.copy(*value)
        elif verb == "delete":
            target.delete(value)
        elif verb in ("take", "give"):
            registry(verb, *value)
        elif verb == "archive":
            control("PUT", "objects", {"bucket": settings.UFILE_BUCKET, "key": value, "storageClass": "ARCHIVE"})
        elif verb == "later":
            control("POST", "clock", {"advance": value})
        elif verb == "download":
            target.download(value[0], Path(value[1]))
        elif verb == "upload":
            target.upload(Path(value[0]), value[1])
        else:
            target.write(value[1].encode(), value[0])
