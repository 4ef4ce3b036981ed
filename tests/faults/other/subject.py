"""The Mirror operator as a subject: everything that an author of another kopf operator has to write."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.faults.harness.audit import Write
from tests.faults.harness.subject import Bench, Scenario, Subject
from tests.loop.api import Api, Object, wait_for

NAME = "hello"
GROUP = "/apis/faults.test/v1"
CRD_PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/mirrors.faults.test"
RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces"
CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "mirrors.faults.test"},
    "spec": {
        "group": "faults.test",
        "scope": "Namespaced",
        "names": {"plural": "mirrors", "singular": "mirror", "kind": "Mirror"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}
RULES = [
    {"apiGroups": ["faults.test"], "resources": ["mirrors", "mirrors/status"], "verbs": ["*"]},
    {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "get", "patch"]},
]


def install(api: Api) -> None:
    """Installs the CRD, and waits until the API server serves it."""
    api.apply(CRD_PATH, CRD)
    wait_for("mirrors are served", lambda: api.find(GROUP))


def grant(api: Api, namespace: str) -> str:
    """Creates a service account with the rights of the operator."""
    subject = {"kind": "ServiceAccount", "name": "mirror", "namespace": namespace}
    api.apply(f"/api/v1/namespaces/{namespace}/serviceaccounts/mirror", {
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "mirror"},
    })  # fmt: skip
    rbac = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "mirror"}}
    api.apply(f"{RBAC}/{namespace}/roles/mirror", rbac | {"kind": "Role", "rules": RULES})
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "mirror"}
    binding = rbac | {"kind": "RoleBinding", "roleRef": role, "subjects": [subject]}
    api.apply(f"{RBAC}/{namespace}/rolebindings/mirror", binding)
    api.await_rights()
    return "mirror"


def command(_: Path, namespace: str, wanted: Mapping[str, Any]) -> tuple[Sequence[str], Mapping[str, str]]:
    """The command, as its users start it."""
    program = Path(__file__).with_name("mirror.py")
    argv = [sys.executable, "-m", "kopf", "run", "--standalone", f"--namespace={namespace}", str(program)]
    return argv, {"BUG": str(wanted.get("bug", ""))}


def _path(bench: Bench) -> str:
    return bench.path(GROUP, "mirrors", NAME)


def _say(bench: Bench, text: str) -> None:
    body = {"apiVersion": "faults.test/v1", "kind": "Mirror", "metadata": {"name": NAME}, "spec": {"text": text}}
    bench.api.apply(_path(bench), body)

    bench.until(f"a ConfigMap says {text}", lambda: text in _texts(bench))


def _texts(bench: Bench) -> list[str]:
    maps = bench.api.get(bench.path("/api/v1", "configmaps"))["items"]
    return sorted(m["data"]["text"] for m in maps if m["metadata"]["name"].startswith(NAME))


def _create(bench: Bench) -> None:
    _say(bench, "good morning")


def _edit(bench: Bench) -> None:
    _say(bench, "good morning")
    _say(bench, "good night")


def final(bench: Bench) -> Object:
    """The texts, and whether the status names a ConfigMap."""
    return {"texts": _texts(bench), "noted": "configMap" in bench.api.get(_path(bench)).get("status", {})}


def violations(writes: Sequence[Write]) -> list[str]:
    """Violations: a ConfigMap without an owner."""
    return [
        f"ConfigMap {write.name} belongs to nobody"
        for write in writes
        if write.resource == "configmaps" and write.name.startswith(NAME) and write.done
        if not write.object.get("metadata", {}).get("ownerReferences")
    ]


def show(bench: Bench) -> str:
    """The object."""
    return json.dumps(bench.api.find(_path(bench)), indent=1)


def subject(**settings: Any) -> Subject:
    """The operator, or a faulty variant: `bug="generated"`, `bug="noted"`."""
    return Subject(
        name="mirror",
        install=install,
        grant=grant,
        command=command,
        scenarios={"create": Scenario(_create), "edit": Scenario(_edit)},
        final=final,
        violations=violations,
        show=show,
        audited=[{"group": "", "resources": ["configmaps"]}],
        settings=settings,
    )


SUBJECT = subject()
