"""The object as it is after `kubectl apply` of a manifest: a three-way merge, as kubectl makes it. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from inference_image_operator.api import REQUESTED_AT
from kubectl_inferenceimage.cluster.connection import Object

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def applied(live: Object, manifest: Object) -> tuple[Object, str]:
    """The spec and the value of the request annotation after the manifest is applied.

    What the manifest no longer has is removed if it was applied before. Without a record of that, the manifest's spec
    is taken as the whole spec, save for `suspend`, which the plugin sets.
    """
    before = _last_applied(live)
    if before is None:
        kept = {"suspend": live["spec"]["suspend"]} if live["spec"].get("suspend") else {}
        return kept | manifest["spec"], _annotations(manifest).get(REQUESTED_AT, _request(live))
    request = "" if REQUESTED_AT in _annotations(before) else _request(live)
    spec = _merged(live["spec"], before.get("spec", {}), manifest["spec"])
    return spec, _annotations(manifest).get(REQUESTED_AT, request)


def _merged(live: Mapping[str, Any], before: Mapping[str, Any], manifest: Mapping[str, Any]) -> Object:
    """Maps are merged by key; every other value, lists too, is replaced."""
    found = {name: value for name, value in live.items() if name in manifest or name not in before}
    for name, value in manifest.items():
        there, was = found.get(name), before.get(name)
        if isinstance(value, dict) and isinstance(there, dict):
            found[name] = _merged(there, was if isinstance(was, dict) else {}, value)
        else:
            found[name] = value
    return found


def _last_applied(live: Object) -> Object | None:
    try:
        found = json.loads(_annotations(live)[_LAST_APPLIED])
    except (KeyError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _annotations(document: Object) -> dict[str, str]:
    return document.get("metadata", {}).get("annotations") or {}


def _request(live: Object) -> str:
    return _annotations(live).get(REQUESTED_AT, "")
