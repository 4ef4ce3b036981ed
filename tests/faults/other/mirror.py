"""A small, typical kopf operator: it copies a Mirror's text into a ConfigMap. It tests the harness.

With BUG=generated it makes up a name for the ConfigMap and notes it in the status afterwards: a crash in
between leaves a ConfigMap that nobody knows. With BUG=noted it leaves its status to kopf, which writes it after its own
annotation, the one that says that all is done: a crash in between loses it.
"""

import os
import uuid
from typing import Any

import kopf
from kubernetes import client, config

BUG = os.environ.get("BUG", "")


@kopf.on.startup()
def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
    config.load_kube_config()
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.networking.error_backoffs = [0.1, 0.5, 1, 2, 4]


@kopf.on.create("faults.test", "v1", "mirrors")
@kopf.on.update("faults.test", "v1", "mirrors", field="spec")
def mirrored(spec: kopf.Spec, status: kopf.Status, name: str, namespace: str, patch: kopf.Patch, **_: Any) -> None:
    core = client.CoreV1Api()
    known = status.get("configMap")
    name = f"{name}-{uuid.uuid4().hex[:5]}" if BUG == "generated" else name
    body: dict[str, Any] = {"metadata": {"name": known or name}, "data": {"text": spec["text"]}}
    body |= {"apiVersion": "v1", "kind": "ConfigMap"}
    kopf.adopt(body)
    core.patch_namespaced_config_map(
        known or name, namespace, body, field_manager="mirror", force=True, _content_type="application/apply-patch+yaml"
    )
    if BUG:
        patch.status["configMap"] = known or name
