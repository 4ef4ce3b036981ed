"""Reads an InferenceImage again and again over one connection.

kubectl is a new process for each request, a tenth of a second of CPU time: for four waiting tests, half a core.
"""

import functools
import json

import requests

from demo import kubectl
from demo.kubectl import Object
from devcluster import settings
from devcluster.lib.run import CommandError

_PATH = "/apis/uai.ucloud.cn/v1alpha1/namespaces/{}/inferenceimages/{}"
_TIMEOUT = 60.0


def image(namespace: str, name: str) -> Object:
    """The object. Raises CommandError when the API server refuses, or is away for longer than `kubectl.PATIENCE`."""
    answer = kubectl.patiently(lambda: _answer(_PATH.format(namespace, name)))
    if not answer.ok:
        raise CommandError(f"infimg/{name} in {namespace}: {answer.status_code} {answer.text}")
    found: Object = answer.json()
    return found


def _answer(path: str) -> requests.Response:
    try:
        return _session().get(_server() + path, timeout=_TIMEOUT)
    except requests.RequestException as error:
        raise CommandError(f"{kubectl.UNREACHED}: it does not answer: {error}") from error


def _server() -> str:
    """The address, which changes when the cluster starts again."""
    server: str = json.loads(kubectl.KUBECONFIG.read_text())["clusters"][0]["cluster"]["server"]
    return server


@functools.cache
def _session() -> requests.Session:
    """With the administrator's certificate. The environment's proxy and CAs are not for this server."""
    session = requests.Session()
    session.trust_env = False
    pki = settings.STATE / "pki"
    session.verify = str(pki / "ca.crt")
    session.cert = (str(pki / "admin.crt"), str(pki / "admin.key"))
    return session
