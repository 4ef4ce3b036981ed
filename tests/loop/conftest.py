"""The operator as a real process with the chart's rights, on a real control plane. The test plays the kubelet."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
import yaml

from devcluster import binaries, settings, versions
from devcluster.controlplane import CONTROLLERS, ControlPlane, control_plane
from devcluster.lib.run import run
from tests.loop.api import IMAGE_VALUES, Api, kubeconfig, wait_for
from tests.loop.pipeline import Pipeline
from tests.loop.process import Process

CRD = settings.REPOSITORY / "crds" / "inferenceimages.uai.ucloud.cn.yaml"
CRD_PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/inferenceimages.uai.ucloud.cn"
CHART = settings.REPOSITORY / "deploy" / "helm"
_numbers = count(1)


@pytest.fixture(scope="session")
def plane() -> Iterator[ControlPlane]:
    more = ("resourcequota-controller", "deployment-controller", "replicaset-controller")
    with control_plane([*CONTROLLERS, *more]) as found:
        yield found


@pytest.fixture(scope="session")
def api(plane) -> Api:
    found = Api(plane)
    install_crd(found)
    return found


def install_crd(api: Api) -> None:
    api.apply(CRD_PATH, yaml.safe_load(CRD.read_text()))
    wait_for(
        "the CRD is served",
        lambda: (
            any(
                c["type"] == "Established" and c["status"] == "True"
                for c in api.get(CRD_PATH).get("status", {}).get("conditions") or []
            )
            and api.find("/apis/uai.ucloud.cn/v1alpha1")
        ),
    )


@pytest.fixture
def namespace(api) -> str:
    name = f"loop-{next(_numbers)}"
    api.request("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


class Operator(Process):
    """One operator process with exactly the rights of the chart."""

    def __init__(
        self,
        plane: ControlPlane,
        api: Api,
        namespace: str,
        directory: Path,
        release: str = "operator",
        **config: object,
    ) -> None:
        super().__init__(directory)
        self._release = release
        values = {
            "images": IMAGE_VALUES,
            "watchNamespaces": config.pop("watchNamespaces", [namespace]),
            "watchSelector": config.pop("watchSelector", ""),
            "traces": config.pop("traces", {}),
            "config": {
                "registries": {"allowed": ["uhub.devcluster.test"]},
                "ufile": {"allowedEndpoints": [{"scheme": "http", "suffix": ".ufile.devcluster.test"}]},
                "resync": "5s",
                "scheduling": {"allowedQueues": ["detectors"]},
                **config,
            },
        }
        rendered = self._render(namespace, values)
        account = ""
        for found in rendered:
            if found["kind"] == "ConfigMap":
                self.configure(found)
            if found["kind"] == "Deployment":
                self.container = found["spec"]["template"]["spec"]["containers"][0]
                """As the chart has it: limits and probes."""
            if found["kind"] == "ServiceAccount":
                account = found["metadata"]["name"]
            if found["kind"] in PLURALS:
                api.apply(_path(found, namespace), found)
        api.await_rights()
        self.user = f"system:serviceaccount:{namespace}:{account}"
        """Its name in the audit log."""
        self.connect(kubeconfig(api.token(namespace, account), plane.url, plane.ca))

    def _render(self, namespace: str, values: dict) -> list[dict]:
        path = self._directory / "values.yaml"
        path.write_text(yaml.safe_dump(values))
        helm = binaries.ensure(binaries.HELM)["helm"]
        version = f"--kube-version={versions.chosen().release}"
        text = run([helm, "template", "--skip-tests", self._release, CHART, "-n", namespace, "-f", path, version])
        return [found for found in yaml.safe_load_all(text) if found]


@contextmanager
def started(operator: Operator) -> Iterator[Operator]:
    """Runs the operator for a test, which may end it before."""
    operator.start()
    try:
        yield operator
    finally:
        if operator.running:
            operator.kill()


@pytest.fixture
def operator(plane, api, namespace, tmp_path) -> Iterator[Operator]:
    with started(Operator(plane, api, namespace, tmp_path)) as found:
        yield found


@pytest.fixture
def pipeline(api, namespace, operator) -> Pipeline:
    return Pipeline(api, namespace, operator)


POLICY = "ValidatingAdmissionPolicy"
PLURALS = {
    "ServiceAccount": "serviceaccounts",
    "Role": "roles",
    "RoleBinding": "rolebindings",
    "ClusterRole": "clusterroles",
    "ClusterRoleBinding": "clusterrolebindings",
    POLICY: "validatingadmissionpolicies",
    f"{POLICY}Binding": "validatingadmissionpolicybindings",
}
"""The objects of the chart that limit the operator."""


def _path(found: dict, namespace: str) -> str:
    version, kind, name = found["apiVersion"], found["kind"], found["metadata"]["name"]
    root = "/api" if version == "v1" else "/apis"
    scope = (
        "" if kind.startswith(("Cluster", POLICY)) else f"/namespaces/{found['metadata'].get('namespace', namespace)}"
    )
    return f"{root}/{version}{scope}/{PLURALS[kind]}/{name}"
