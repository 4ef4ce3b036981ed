"""Reads an InferenceImage again and again over one connection.

kubectl is a new process for each request, a tenth of a second of CPU time: for four waiting tests, half a core.
"""

import functools
import json
import time

import requests

from demo.kubectl import KUBECONFIG, PATIENCE, TICK, Object
from devcluster import settings
from devcluster.lib.run import CommandError

_PATH = "/apis/uai.ucloud.cn/v1alpha1/namespaces/{}/inferenceimages/{}"
_TIMEOUT = 60.0


def image(namespace: str, name: str) -> Object:
    """The object. Raises CommandError when the API server refuses, or is away for longer than `PATIENCE` seconds."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            answer = _session().get(_server() + _PATH.format(namespace, name), timeout=_TIMEOUT)
            break
        except requests.RequestException as error:
            if time.monotonic() > deadline:
                raise CommandError(f"The API server does not answer: {error}") from error
        time.sleep(TICK)
    if not answer.ok:
        raise CommandError(f"infimg/{name} in {namespace}: {answer.status_code} {answer.text}")
    found: Object = answer.json()
    return found


def _server() -> str:
    """The address, which changes when the cluster starts again."""
    server: str = json.loads(KUBECONFIG.read_text())["clusters"][0]["cluster"]["server"]
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
