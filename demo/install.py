"""Installs the CRD, the operator and the example's namespace as a user does: with kubectl and helm only."""

import json
from collections.abc import Mapping

import yaml

from demo import kubectl
from devcluster import settings
from devcluster.certs import credentials
from devcluster.lib.run import run

RELEASE = "inference-image-operator"
NAMESPACE = "inference-image-operator"
PULL_SECRET = "inference-image-pull"  # noqa: S105 - the name of a Secret
SHARED_IMAGES = {
    "from": "uhub.service.ucloud.cn/uaishare",
    "to": f"{settings.REGISTRY_HOST}/uaishare",
}
"""Rewrites UCloud's public images to copies in this installation's registry."""
VALUES = settings.STATE / "values.yaml"
CRD = settings.REPOSITORY / "crds" / "inferenceimages.uai.ucloud.cn.yaml"
CHART = settings.REPOSITORY / "deploy" / "helm"


def values(references: Mapping[str, str]) -> dict[str, object]:
    """The Helm values of this installation: images by digest, registry, object store, pull Secrets."""
    return {
        "images": {name: references[name] for name in ("operator", "export", "build", "kaniko")}
        | {"exportOnnx": references.get("export-onnx", "")},
        "imagePullSecrets": [{"name": PULL_SECRET}],
        "config": {
            "registries": {"allowed": [settings.REGISTRY_HOST]},
            "sources": {
                "gitHosts": [settings.GIT_HOST],
                "inferenceBase": references["inference-base"],
                "baseImageRewrites": [SHARED_IMAGES],
            },
            "ufile": {
                "allowedEndpoints": [{"scheme": "http", "suffix": settings.UFILE_SUFFIX}],
                "restore": {"expedited": {"every": "5s", "deadline": "20s"}},  # short, so that a test sees its end
            },
            "jobs": {"imagePullSecrets": [{"name": PULL_SECRET}]},
            "rollout": {"allowed": ["Deployment"]},  # a target has to agree all the same
            "resync": "20s",  # short, so that a test sees one
        },
    }


def operator(references: Mapping[str, str]) -> None:
    """Installs the CRD, then the chart; returns when the operator is ready, which requires that the CRD is served."""
    kubectl.kubectl("apply", "--server-side", "-f", str(CRD))
    kubectl.apply(kubectl.namespace(NAMESPACE, "restricted"), pull_secret(NAMESPACE))
    VALUES.write_text(yaml.safe_dump(values(references)))
    helm("upgrade", "--install", RELEASE, str(CHART), "-n", NAMESPACE, "-f", str(VALUES), "--wait", "--timeout=180s")


def namespace(name: str) -> None:
    """Creates a namespace for InferenceImages, with the Secrets that the example refers to."""
    public, private = credentials.ufile_keys()
    kubectl.apply(
        kubectl.namespace(name, "baseline"),
        pull_secret(name),
        push_secret(name),
        kubectl.secret(name, "uhub-ca", {"ca.crt": ca()}),
        kubectl.secret(name, "ufile", {"publicKey": public, "privateKey": private}),
    )


def pull_secret(namespace_: str) -> kubectl.Object:
    """The Secret that pulls the images of the operator and of the steps."""
    return _registry_secret(namespace_, PULL_SECRET, credentials.docker_config_text())


def push_secret(namespace_: str, text: str | None = None) -> kubectl.Object:
    """The Secret that pushes built images; `text` is another docker config.json."""
    return _registry_secret(namespace_, "uhub", text or credentials.docker_config_text())


def ca() -> str:
    """The certificate of the CA that signed the registry's."""
    return (credentials.trust_directory() / "ca.crt").read_text()


def helm(*arguments: str) -> str:
    """Runs helm against the development cluster."""
    return run([settings.STATE / "bin" / "helm", f"--kubeconfig={kubectl.KUBECONFIG}", *arguments], timeout=300)


def _registry_secret(namespace_: str, name: str, text: str) -> kubectl.Object:
    json.loads(text)
    return kubectl.secret(namespace_, name, {".dockerconfigjson": text}, "kubernetes.io/dockerconfigjson")
