"""Installs and starts the InferenceImage operator with the CRD, and the chart's rights and configuration."""

import functools
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from devcluster import binaries, settings, versions
from devcluster.lib import ports
from devcluster.lib.run import run
from tests.faults.image.objects import GROUP
from tests.loop.api import IMAGE_VALUES, Api, Object, wait_for

CRD = settings.REPOSITORY / "crds" / "inferenceimages.uai.ucloud.cn.yaml"
CRD_PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/inferenceimages.uai.ucloud.cn"
PLACEHOLDER = "faults-placeholder"


def install(api: Api) -> None:
    """Installs the CRD, and waits until the API server serves it."""
    api.apply(CRD_PATH, yaml.safe_load(CRD.read_text()))

    def served() -> bool:
        established = [c for c in api.get(CRD_PATH).get("status", {}).get("conditions") or [] if c["status"] == "True"]
        return any(c["type"] == "Established" for c in established) and api.find(GROUP) is not None

    wait_for("the CRD is served", served)


@functools.cache
def chart() -> str:
    """The chart's own manifests for one namespace, rendered once."""
    values = {
        "images": IMAGE_VALUES,
        "watchNamespaces": [PLACEHOLDER],
        "config": {
            "registries": {"allowed": ["uhub.devcluster.test"]},
            "rollout": {"allowed": ["Deployment"]},
            "ufile": {"allowedEndpoints": [{"scheme": "http", "suffix": ".ufile.devcluster.test"}]},
        },
    }
    helm = binaries.ensure(binaries.HELM)["helm"]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump(values, file)
        file.flush()
        place = settings.REPOSITORY / "deploy" / "helm"
        version = f"--kube-version={versions.chosen().release}"
        return run([helm, "template", "--skip-tests", "operator", place, "-n", PLACEHOLDER, "-f", file.name, version])


def _rendered(namespace: str) -> list[Object]:
    return [found for found in yaml.safe_load_all(chart().replace(PLACEHOLDER, namespace)) if found]


RIGHTS = {
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts/",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles/",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings/",
}


def grant(api: Api, namespace: str) -> str:
    """Creates the chart's service account with exactly its rights. Returns the account's name."""
    account = ""
    for found in _rendered(namespace):
        if found["kind"] in RIGHTS:
            api.apply(RIGHTS[found["kind"]].format(namespace) + found["metadata"]["name"], found)
        if found["kind"] == "ServiceAccount":
            account = found["metadata"]["name"]
    api.await_rights()
    return account


def command(directory: Path, namespace: str, wanted: Mapping[str, Any]) -> tuple[Sequence[str], Mapping[str, str]]:
    """The operator's command with the chart's configuration. `wanted` overrides it; `program` replaces the module."""
    wanted = dict(wanted)
    program = wanted.pop("program", ["-m", "inference_image_operator"])
    config = next(yaml.safe_load(d["data"]["config.yaml"]) for d in _rendered(namespace) if d["kind"] == "ConfigMap")
    file = directory / "config.yaml"
    file.write_text(json.dumps(config | {"resync": "10m", "probes": {"port": ports.reserve(1)[0]}} | wanted))
    return [sys.executable, *program, f"--config={file}"], {}
