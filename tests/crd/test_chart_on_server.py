"""The rendered chart: the API server accepts it, Pod Security `restricted` too, and it grants the documented rights."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, utils

from inference_image_operator.config import installation
from tests.loop.api import Api

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "helm"
NAMES = ("operator-system", "team-a", "team-b")
SYSTEM, TEAM_A, TEAM_B = NAMES
ACCOUNT = "inference-image-operator"

Objects = list[dict[str, Any]]


@pytest.fixture(scope="session")
def render(helm_template: Callable[..., Objects]) -> Callable[..., Objects]:
    """The objects of the chart with some values set (`a.b=c`)."""
    return lambda *settings: helm_template(*settings, namespace=SYSTEM)


@pytest.fixture(scope="module")
def namespaces(api_client: client.ApiClient) -> Iterator[None]:
    """Namespaces that enforce Pod Security restricted."""
    core = client.CoreV1Api(api_client)
    for name in NAMES:
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        core.create_namespace({"metadata": {"name": name, "labels": labels}})
    yield
    for name in NAMES:
        core.delete_namespace(name)


SETTINGS = [
    (),
    ("watchNamespaces={team-a,team-b}",),
    ("networkPolicy.enabled=true", "watchNamespaces={team-a}"),
    ("networkPolicy.enabled=true", "networkPolicy.stepNamespaces={team-a}", "networkPolicy.stepAllowed={10.1.0.0/24}"),
    ("networkPolicy.enabled=true", "watchNamespaces={team-a}", "networkPolicy.dnsAllowed={169.254.20.10/32}"),
    (
        "imagePullSecrets[0].name=uhub",
        "priorityClassName=system-cluster-critical",
        "nodeSelector.a=b",
        "tolerations[0].operator=Exists",
        "logLevel=DEBUG",
    ),
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.usefixtures("namespaces")
def test_the_api_server_accepts_every_object(
    api_client: client.ApiClient, render: Callable[..., Objects], settings: tuple[str, ...]
) -> None:
    objects = render(*settings)
    assert "Deployment" in {document["kind"] for document in objects}
    for document in objects:
        utils.create_from_dict(api_client, document, dry_run="All", field_validation="Strict")


@pytest.mark.usefixtures("namespaces")
def test_the_operator_runs_under_pod_security_restricted(
    api_client: client.ApiClient, render: Callable[..., Objects]
) -> None:
    by_kind = {document["kind"]: document for document in render()}
    core = client.CoreV1Api(api_client)
    core.create_namespaced_service_account(SYSTEM, by_kind["ServiceAccount"])
    spec = by_kind["Deployment"]["spec"]["template"]["spec"]
    core.create_namespaced_pod(SYSTEM, {"metadata": {"name": "operator"}, "spec": spec}, dry_run="All")
    spec["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    with pytest.raises(client.ApiException, match="violates PodSecurity"):
        core.create_namespaced_pod(SYSTEM, {"metadata": {"name": "operator"}, "spec": spec}, dry_run="All")


def test_the_operator_can_read_the_configuration(render: Callable[..., Objects]) -> None:
    (document,) = [
        document
        for document in render(
            "watchNamespaces={team-a}",
            "config.registries.allowed={registry.test:5000}",
            "config.ufile.allowedEndpoints[0].scheme=http",
            "config.ufile.allowedEndpoints[0].suffix=.ufile.test",
            "config.jobs.resources.kaniko.limits.memory=3Gi",
        )
        if document["kind"] == "ConfigMap"
    ]
    read = installation.parse(document["data"]["config.yaml"])
    assert read.watch_namespaces == ("team-a",)
    assert read.registries.allowed == ("registry.test:5000",)
    assert read.ufile.allowed_endpoints == (installation.UFileEndpoint(scheme="http", suffix=".ufile.test"),)
    assert read.jobs.resources.kaniko.limits == {"memory": "3Gi"}


def test_a_change_of_the_configuration_restarts_the_operator(render: Callable[..., Objects]) -> None:
    def checksum(*settings: str) -> str:
        (deployment,) = [document for document in render(*settings) if document["kind"] == "Deployment"]
        found: str = deployment["spec"]["template"]["metadata"]["annotations"]["checksum/config"]
        return found

    assert checksum() == checksum("logLevel=DEBUG")
    assert checksum() != checksum("config.workers=2")


def test_the_objects_for_prometheus_and_grafana(render: Callable[..., Objects]) -> None:
    parts = ("podMonitor", "rules", "dashboard")
    rendered = render(*(f"metrics.{part}.enabled=true" for part in parts))
    found = {d["kind"]: d for d in rendered}
    (endpoint,) = found["PodMonitor"]["spec"]["podMetricsEndpoints"]
    pod = found["Deployment"]["spec"]["template"]
    assert found["PodMonitor"]["spec"]["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    assert endpoint["port"] in {port["name"] for port in pod["spec"]["containers"][0]["ports"]}
    assert found["PrometheusRule"]["spec"] == yaml.safe_load((CHART / "files" / "alerts.yaml").read_text())
    (dashboard,) = [d for d in rendered if "grafana_dashboard" in d["metadata"]["labels"]]
    assert dashboard["kind"] == "ConfigMap"
    (text,) = dashboard["data"].values()
    assert json.loads(text) == json.loads((CHART / "files" / "dashboard.json").read_text())
    assert not {d["kind"] for d in render()} & {"PodMonitor", "PrometheusRule"}


Right = tuple[str, str, str, str]
"""API group, resource, subresource, verb."""
Rights = list[Right]
ALLOWED: Rights = [
    ("uai.ucloud.cn", "inferenceimages", "", "watch"),
    ("uai.ucloud.cn", "inferenceimages", "status", "patch"),
    ("batch", "jobs", "", "create"),
    ("batch", "jobs", "", "delete"),
    ("", "pods", "", "list"),
    ("", "pods", "", "watch"),
    ("", "pods", "log", "get"),
    ("", "events", "", "create"),
]
DENIED: Rights = [
    *(("", "secrets", "", verb) for verb in ("get", "list", "watch", "create")),
    *(("", resource, "", "get") for resource in ("configmaps", "serviceaccounts", "nodes", "namespaces")),
    ("", "pods", "", "create"),
    ("", "pods", "exec", "create"),
    ("", "serviceaccounts", "token", "create"),
    ("batch", "jobs", "", "patch"),
    ("batch", "jobs", "", "deletecollection"),
    ("uai.ucloud.cn", "inferenceimages", "", "patch"),
    ("uai.ucloud.cn", "inferenceimages", "", "delete"),
    ("apiextensions.k8s.io", "customresourcedefinitions", "", "get"),
    ("rbac.authorization.k8s.io", "clusterroles", "", "bind"),
]


def _denied(api: Api, namespace: str) -> Rights:
    """Those of ALLOWED and DENIED that the operator's account does not have."""
    return [right for right in (*ALLOWED, *DENIED) if not _may(api, namespace, right)]


def _may(api: Api, namespace: str, right: Right) -> bool:
    attributes = dict(zip(("group", "resource", "subresource", "verb"), right, strict=True))
    return api.may(f"system:serviceaccount:{SYSTEM}:{ACCOUNT}", {"namespace": namespace, **attributes})


@pytest.fixture
def grant(
    api_client: client.ApiClient, api: Api, render: Callable[..., Objects], namespaces: None
) -> Iterator[Callable[..., None]]:
    """Applies the roles and bindings of the chart; they are removed afterwards."""
    given: Objects = []

    def apply(*settings: str) -> None:
        given.extend(document for document in render(*settings) if "rbac" in document["apiVersion"])
        for document in given:
            utils.create_from_dict(api_client, document)
        api.await_rights()

    yield apply
    rbac = client.RbacAuthorizationV1Api(api_client)
    delete = {
        "ClusterRole": lambda name, _: rbac.delete_cluster_role(name),
        "ClusterRoleBinding": lambda name, _: rbac.delete_cluster_role_binding(name),
        "Role": rbac.delete_namespaced_role,
        "RoleBinding": rbac.delete_namespaced_role_binding,
    }
    for document in given:
        meta = document["metadata"]
        delete[document["kind"]](meta["name"], meta.get("namespace"))


def test_rights_in_all_namespaces(api: Api, grant: Callable[..., None]) -> None:
    grant()
    assert _denied(api, TEAM_B) == DENIED


def test_rights_in_the_watched_namespaces_only(api: Api, grant: Callable[..., None]) -> None:
    grant("watchNamespaces={team-a}")
    assert _denied(api, TEAM_A) == DENIED
    for elsewhere in (TEAM_B, SYSTEM, ""):
        assert _denied(api, elsewhere) == [*ALLOWED, *DENIED]
