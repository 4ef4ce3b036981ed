"""Row 50 of the fault table, on the real kubelet: no secret appears anywhere after a whole run."""

import base64
import gzip
import json
from pathlib import Path

import pytest

from demo import install, kubectl
from devcluster import settings
from devcluster.certs import credentials
from tests.e2e import registry
from tests.e2e.stack import fresh_repository

KINDS = "infimg,jobs,pods,events,configmaps"
CHUNK = 1 << 20


def told(namespace: str) -> str:
    """All objects except Secrets, and every container log."""
    objects = kubectl.kubectl("-n", namespace, "get", KINDS, "-o", "json")
    pods = kubectl.get("-n", namespace, "pods")["items"]
    logs = [kubectl.kubectl("-n", namespace, "logs", pod["metadata"]["name"], "--all-containers") for pod in pods]
    return "\n".join([objects, *logs])


def found_in(path: Path, secrets: list[bytes]) -> list[bytes]:
    """The secrets in an image's unpacked blob."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    found, rest = [], b""
    with gzip.open(path) if packed else path.open("rb") as file:
        while chunk := file.read(CHUNK):
            found += [secret for secret in secrets if secret in rest + chunk]
            rest = chunk[-200:]
    return found


@pytest.mark.row(50, "canary secrets in every credential")
def test_no_secret_appears(case, git_host, tmp_path):
    git_host.give_to(case)
    case.spec["image"]["repository"] = fresh_repository()
    case.apply()
    case.until_ready()
    password = credentials.registry_password()
    login = base64.b64encode(f"{settings.REGISTRY_USER}:{password}".encode()).decode()
    secrets = [credentials.ufile_keys()[1], password, login, git_host.secret["password"]]
    secrets += [base64.b64encode(secret.encode()).decode() for secret in secrets]

    texts = told(case.namespace) + told(install.NAMESPACE)
    assert case.name in texts
    assert [secret for secret in secrets if secret in texts] == []

    registry.fetch(case.status["image"]["reference"], tmp_path / "image")
    blobs = [path for path in (tmp_path / "image").iterdir() if path.is_file()]
    assert len(blobs) > len(json.loads((tmp_path / "image" / "manifest.json").read_text())["layers"])
    assert [found for path in blobs for found in found_in(path, [secret.encode() for secret in secrets])] == []
