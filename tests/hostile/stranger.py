"""The eleventh tenant: every right in its own namespace, and no scruples."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from typing import Any

import requests

from devcluster.controlplane import ControlPlane
from tests.hostile import sent
from tests.hostile.extremes import LEFT_OUT, RULED, Extremes, leaves, reached
from tests.loop.api import IMAGES, RBAC, Api, Object, wait_for

NAMESPACE = "stranger"
COPIES = 5
"""Objects of each extreme."""
JOBS, EVENTS, PODS = 60, 1000, 20
HUGE, HUGE_EVENTS = 1_000_000, 40
"""Bytes of most Jobs and pods and of some Events. The API server takes 1.5 MiB."""
PAUSE = 0.5
"""Seconds between two requests while the others run."""
ADMITTED = RULED | {"ufile.region": "cn-bj", "ufile.endpoint": {"scheme": "http", "suffix": ".ufile.devcluster.test"}}
NOT_ADMITTED = {"scheduling", "resources", "export.resources", "build.resources", "test.resources", "build.cache"} | {
    "export.formats",
    "image.additionalRepositories",
}
"""What the installation refuses at first sight. Without it an extreme object gets its Jobs."""
RULES = [
    {"apiGroups": ["uai.ucloud.cn"], "resources": ["inferenceimages", "inferenceimages/status"], "verbs": ["*"]},
    {"apiGroups": ["batch"], "resources": ["jobs", "jobs/status"], "verbs": ["*"]},
    {"apiGroups": [""], "resources": ["pods", "pods/status", "events"], "verbs": ["*"]},
]
JOBS_PATH = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"
PODS_PATH = f"/api/v1/namespaces/{NAMESPACE}/pods"
EVENTS_PATH = f"/api/v1/namespaces/{NAMESPACE}/events"
IMAGES_PATH = IMAGES.format(NAMESPACE)
NO_JOB = {"kind": "Job", "namespace": NAMESPACE, "name": "x", "uid": "x"}
MERGE = "application/merge-patch+json"


class Stranger:
    """Sends. What the API server refuses is counted, not raised: it is the first wall."""

    def __init__(self, plane: ControlPlane, admin: Api, schema: dict[str, Any], victims: list[Object]) -> None:
        """`schema` is that of the CRD; `victims` is the metadata of objects of others."""
        self._schema = schema
        self._victims = victims
        self._own: list[Object] = []
        self.reached: set[str] = set()
        """Fields of the CRD that an accepted object has."""
        self.accepted = self.refused = 0
        self._grant(admin)
        self._api = Api(plane, admin.token(NAMESPACE, "default"))

    @property
    def fields(self) -> set[str]:
        """Every field of the CRD that holds a value."""
        spec, status = ({path for path, _ in leaves(self._schema[part])} for part in ("spec", "status"))
        return spec | {f"status.{path}" for path in status}

    def _grant(self, admin: Api) -> None:
        path, version = f"{RBAC}/namespaces/{NAMESPACE}", "rbac.authorization.k8s.io"
        body = {"apiVersion": f"{version}/v1", "metadata": {"name": "all"}}
        admin.apply(f"{path}/roles/all", body | {"kind": "Role", "rules": RULES})
        subjects = [{"kind": "ServiceAccount", "name": "default", "namespace": NAMESPACE}]
        role = {"apiGroup": version, "kind": "Role", "name": "all"}
        admin.apply(f"{path}/rolebindings/all", body | {"kind": "RoleBinding", "roleRef": role, "subjects": subjects})
        account = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/default"
        wait_for("its account exists", lambda: (admin.find(account) or {}).get("kind") == "ServiceAccount")
        admin.await_rights()

    def _send(self, method: str, path: str, body: Object, kind: str = "application/json") -> requests.Response:
        answer = self._api.send(method, path, body, kind)
        self.accepted += answer.ok
        self.refused += not answer.ok
        return answer

    def send_all(self) -> None:
        """Everything once, one kind after the other."""
        self.objects()
        self.statuses()
        self.jobs()
        self.events()
        self.pods()

    def objects(self) -> None:
        """Every field of the spec at its extreme: as the schema admits it, and as the installation admits it too."""
        spec, texts = self._schema["spec"], Counter[str]()
        for turn, left_out in enumerate(LEFT_OUT):
            for fixed, less in ((RULED, set()), (ADMITTED, NOT_ADMITTED)):
                found = Extremes(spec, left_out | less, fixed, turn, texts).accepted(self._refusals)
                self.reached |= reached(spec, found)
                for number in range(COPIES):
                    if less:
                        found["image"]["repository"] = f"uhub.devcluster.test/{'a/' * 100}a-{turn}"
                    name = f"{'runs' if less else 'extreme'}-{turn}-{number}"
                    answer = self._send("POST", IMAGES_PATH, _image(name, found))
                    assert answer.ok, answer.text[:2000]
                    self._own.append(answer.json()["metadata"])

    def _refusals(self, spec: Object) -> list[tuple[str, str]]:
        answer = self._api.send("POST", f"{IMAGES_PATH}?dryRun=All&fieldValidation=Strict", _image("dry-run", spec))
        if answer.ok:
            return []
        causes = answer.json().get("details", {}).get("causes")
        assert causes, answer.text[:2000]
        return [(cause.get("field", ""), cause["message"]) for cause in causes]

    def statuses(self) -> None:
        """Every field of the status, one object each: huge, at the ends of all ranges and times, forged."""
        schema = self._schema["status"]
        for number, name in enumerate(schema["properties"]):
            found = Extremes(schema, set(schema["properties"]) - {name}, {}, number).value(schema)
            if self._write_status(self._own[number % len(self._own)], found):
                self.reached |= {f"status.{path}" for path in reached(schema, found)}

    def _write_status(self, image: Object, status: Object) -> bool:
        return self._send("PATCH", f"{IMAGES_PATH}/{image['name']}/status", {"status": status}, MERGE).ok

    def jobs(self) -> None:
        """Jobs that claim to be the operator's, for its own objects and for those of others, most of them large."""
        owners = [*self._own[::COPIES], *self._victims]
        self._all(range(JOBS), lambda n: (JOBS_PATH, sent.job(f"forged-{n}", owners[n % len(owners)], size=_size(n))))

    def events(self) -> None:
        """Warnings about its Jobs, some of them as large as the API server takes them."""
        about = [{"kind": "Job", "namespace": NAMESPACE, "name": j["name"], "uid": j["uid"]} for j in self._real_jobs()]
        about = about or [NO_JOB]

        def one(n: int) -> tuple[str, Object]:
            size = HUGE if n < HUGE_EVENTS else 500
            return EVENTS_PATH, sent.event(f"event-{n}", about[n % len(about)], n, size=size)

        self._all(range(EVENTS), one)

    def pods(self) -> None:
        """Pods that claim to be of the operator's Jobs, and what no kubelet writes about the real ones."""
        uids = [job["uid"] for job in self._real_jobs()] or ["x"]
        self._all(range(PODS), lambda n: (PODS_PATH, sent.pod(f"forged-{n}", uids[n % len(uids)], size=_size(n))))
        for number, pod in enumerate(self._api.get(f"{PODS_PATH}?labelSelector=uai.ucloud.cn/stage")["items"]):
            names = [container["name"] for container in pod["spec"]["containers"]]
            path = f"{PODS_PATH}/{pod['metadata']['name']}/status"
            self._send("PATCH", path, {"status": sent.pod_status(names, number)}, MERGE)

    def _real_jobs(self) -> list[Object]:
        """Metadata of the Jobs that the operator made for its objects."""
        jobs = self._api.get(f"{JOBS_PATH}?labelSelector=uai.ucloud.cn/inferenceimage")["items"]
        return [job["metadata"] for job in jobs]

    def _all(self, numbers: Iterable[int], one: Callable[[int], tuple[str, Object]]) -> None:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda n: self._send("POST", *one(n)), numbers))

    @contextmanager
    def at_it(self) -> Iterator[None]:
        """Edits, requests, Events and statuses go on meanwhile."""
        stop = threading.Event()
        keeping = threading.Thread(target=self._keep_on, args=[stop])
        keeping.start()
        try:
            yield
        finally:
            stop.set()
            keeping.join()

    def _keep_on(self, stop: threading.Event) -> None:
        for number in count(EVENTS):
            image = self._own[number % len(self._own)]
            path = f"{IMAGES_PATH}/{image['name']}"
            match number % 4:
                case 0:
                    annotations = {"uai.ucloud.cn/requestedAt": str(number)}
                    self._send("PATCH", path, {"metadata": {"annotations": annotations}}, MERGE)
                case 1:
                    self._send("POST", EVENTS_PATH, sent.event(f"event-{number}", NO_JOB, number))
                case 2:
                    self._send("PATCH", path, {"spec": {"suspend": number % 8 > 3}}, MERGE)
                case 3:
                    self._write_status(image, {"observedGeneration": number, "stage": {"name": "Build", "job": "x"}})
            if stop.wait(PAUSE):
                return


def _size(number: int) -> int:
    return HUGE if number % 3 else 0


def _image(name: str, spec: Object) -> Object:
    return {"apiVersion": sent.API_VERSION, "kind": sent.KIND, "metadata": {"name": name}, "spec": spec}
