"""The control plane of the fault tests: a real etcd, API server and controller-manager, with KWOK as the kubelet.

The controller-manager has higher request rates (1,000 a second, bursts of 2,000), so that the tests measure the
operator. The audit log has every write to the watched resources, with the resulting object.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from devcluster import binaries
from devcluster.controlplane import CONTROLLERS, ControlPlane, Program, control_plane
from tests.faults.harness import pods
from tests.faults.harness.audit import AuditLog
from tests.loop.api import Api, wait_for

OF_DEPLOYMENTS = ("deployment-controller", "replicaset-controller")
JOBS = {"group": "batch", "resources": ["jobs", "jobs/status"]}
FLAGS = (
    "--feature-gates=MutatingAdmissionPolicy=true",
    "--runtime-config=admissionregistration.k8s.io/v1beta1=true",
)


@dataclass
class Plane:
    """The running control plane."""

    control_plane: ControlPlane
    kwok: Program
    audit: AuditLog
    _numbers: "count[int]"

    def api(self) -> Api:
        """A new connection as administrator; use one for each thread."""
        return Api(self.control_plane)

    def namespace(self, prefix: str, outcomes: dict[str, str] | None = None) -> str:
        """A new namespace whose pods end as `outcomes` (annotations, see `pods`) set."""
        name = f"{prefix}-{next(self._numbers)}"
        meta = {"name": name, "annotations": outcomes or {}}
        self.api().request("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
        return name


@contextlib.contextmanager
def fault_plane(
    stage_label: str, audited: Sequence[dict[str, Any]], directory: Path, controllers: Sequence[str] = ()
) -> Iterator[Plane]:
    """Starts the control plane, and stops it at the end of the context.

    `stage_label` is the label with a pod's stage. `audited` lists entries of an audit policy's `resources` to log
    beside Jobs. `controllers` lists controllers beside the usual ones.
    """
    kwok = binaries.ensure(binaries.KWOK)["kwok"]
    policy = directory / "audit-policy.yaml"
    policy.write_text(yaml.safe_dump(_audit_policy([JOBS, *audited])))
    flags = [*FLAGS, f"--audit-policy-file={policy}"]
    with control_plane([*CONTROLLERS, *OF_DEPLOYMENTS, *controllers], api_server_flags=flags) as found:
        config = directory / "kwok.yaml"
        config.write_text(yaml.safe_dump_all(pods.stages()))
        player = Program(
            [
                str(kwok),
                f"--kubeconfig={found.kubeconfig}",
                f"--config={config}",
                f"--manage-single-node={pods.NODE}",
                "--node-lease-duration-seconds=0",
            ],
            directory / "kwok.log",
        )
        plane = Plane(found, player, AuditLog(found.audit_log), count(1))
        player.start()
        try:
            _prepare(plane.api(), stage_label)
            yield plane
        finally:
            player.stop()


def _prepare(api: Api, stage_label: str) -> None:
    for document in pods.policy(stage_label):
        kind = "mutatingadmissionpolicies" if "mutations" in document["spec"] else "mutatingadmissionpolicybindings"
        api.apply(f"/apis/admissionregistration.k8s.io/v1beta1/{kind}/{document['metadata']['name']}", document)
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": pods.NODE}}
    api.request("POST", "/api/v1/nodes", node)
    probe = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "probe", "namespace": "default"},
        "spec": {"containers": [{"name": "c", "image": "x"}]},
    }

    def stamped() -> bool:
        path = "/api/v1/namespaces/default/pods?dryRun=All"
        return api.request("POST", path, probe)["spec"].get("nodeName") == pods.NODE

    wait_for("the admission policy stamps pods", stamped)


def _audit_policy(resources: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The audit policy: writes to the watched resources with the resulting object, other writes by name, no reads."""
    writes = ["create", "update", "patch", "delete", "deletecollection"]
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [
            {"level": "RequestResponse", "verbs": writes, "resources": [*resources], "omitManagedFields": True},
            {"level": "Metadata", "verbs": writes, "userGroups": ["system:serviceaccounts"]},
            {"level": "None"},
        ],
    }
