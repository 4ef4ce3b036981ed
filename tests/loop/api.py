"""The API server over plain HTTP, for tests: paths in, JSON out."""

import json
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import requests

from devcluster.controlplane import ControlPlane

DEADLINE = READ = 180
"""Seconds for what the operator does, and for an answer: a busy machine is slow."""
TICK = 0.05
RBAC = "/apis/rbac.authorization.k8s.io/v1"
IMAGES = "/apis/uai.ucloud.cn/v1alpha1/namespaces/{}/inferenceimages"
IMAGE_VALUES = {name: f"r.test/{name}@sha256:{'0' * 64}" for name in ("operator", "export", "build", "kaniko")}
"""Values of the chart: nothing pulls these images."""

T = TypeVar("T")
Object = dict[str, Any]
_numbers = count(1)


class Api:
    """The administrator's connection, or that of a token's user."""

    def __init__(self, plane: ControlPlane, token: str = "") -> None:
        self._url = plane.url
        self._session = requests.Session()
        self._session.trust_env = False  # REQUESTS_CA_BUNDLE would override our CA
        self._session.verify = str(plane.ca)
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"
        else:
            self._session.cert = (str(plane.client_certificate), str(plane.client_key))

    def request(self, method: str, path: str, body: object = None, kind: str = "application/json") -> Object:
        answer = self.send(method, path, body, kind)
        if not answer.ok:
            raise AssertionError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json()

    def send(self, method: str, path: str, body: object = None, kind: str = "application/json") -> requests.Response:
        """The answer, whatever it is."""
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        return self._session.request(method, self._url + path, data=data, headers={"Content-Type": kind}, timeout=READ)

    def get(self, path: str) -> Object:
        return self.request("GET", path)

    def find(self, path: str) -> Object | None:
        answer = self._session.get(self._url + path, timeout=READ)
        return None if answer.status_code == 404 else answer.json()

    def apply(self, path: str, body: Object) -> Object:
        return self.request("PATCH", f"{path}?fieldManager=test&force=true", body, "application/apply-patch+yaml")

    def merge(self, path: str, body: Object) -> Object:
        return self.request("PATCH", path, body, "application/merge-patch+json")

    def until_served(self, version: str, plural: str) -> None:
        """Waits until discovery names a resource of this group and version, `/apis/GROUP/VERSION`.

        It answers requests a moment before. A controller reads discovery when it starts, and ends if one is missing.
        """

        def named() -> bool:
            found = self.find(version) or {"resources": []}
            return any(one["name"] == plural for one in found["resources"])

        wait_for(f"{plural} are served", named)

    def token(self, namespace: str, account: str) -> str:
        """One that the API server accepts from this service account."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        return self.request("POST", path, request)["status"]["token"]

    def await_rights(self) -> None:
        """Returns once the authorizer knows every role and binding created, changed or deleted so far.

        It learns of them in order, kind by kind, after the answer to who wrote them. So a last one of each kind is
        written, and awaited.
        """
        name = f"marker-{next(_numbers)}"
        subjects = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name}]
        for kind, scope in (("ClusterRole", ""), ("Role", "/namespaces/default")):
            rules = [{"apiGroups": ["marker"], "resources": [kind], "verbs": ["get"]}]
            role = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}
            body = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": name}}
            path = f"{RBAC}{scope}/{kind.lower()}"
            self.apply(f"{path}s/{name}", body | {"kind": kind, "rules": rules})
            binding = {"kind": f"{kind}Binding", "roleRef": role, "subjects": subjects}
            self.apply(f"{path}bindings/{name}", body | binding)
            attributes = {"namespace": "default", "group": "marker", "resource": kind, "verb": "get"}
            wait_for(f"the authorizer knows {kind} {name}", lambda a=attributes: self.may(name, a))

    def may(self, user: str, attributes: Object) -> bool:
        """Whether the user has this right, as the API server's authorizer knows it now."""
        review = {"kind": "SubjectAccessReview", "spec": {"user": user, "resourceAttributes": attributes}}
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        return self.request("POST", path, {"apiVersion": "authorization.k8s.io/v1"} | review)["status"]["allowed"]


def kubeconfig(token: str, server: str, ca: Path | None = None) -> Object:
    """The connection of this token's user; `ca` signs the server's certificate."""
    cluster = {"server": server} | ({"certificate-authority": str(ca)} if ca else {})
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {"token": token}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }


def wait_for(what: str, find: Callable[[], T | None], explain: Callable[[], str] = str, seconds: float = DEADLINE) -> T:
    """The result of `find` as soon as it has one. A failure names what was expected and shows what is there instead."""
    deadline = time.monotonic() + seconds
    while True:
        found = find()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}\n{explain()}")
        time.sleep(TICK)


def container_status(name: str, state: Object, **more: object) -> Object:
    """A container in the status of a pod, with the fields that the API server demands."""
    return {"name": name, "image": "i", "imageID": "", "ready": False, "restartCount": 0, "state": state} | more
