"""deploy/kustomize: the chart's objects for Kustomize, a base and two overlays.

Helm's own labels are left out, and the ConfigMap is generated: Kustomize puts a hash of its content into its name, so
that a changed configuration restarts the operator, as the annotation checksum/config does in the chart.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from release import catalog, manifest
from release.devtools import helm, run
from release.package import OLDEST_KUBERNETES

Object = dict[str, Any]

OVERLAYS = ("cluster-wide", "namespaced")
NAMESPACES = ["object-detect"]
"""Namespaces that the overlay `namespaced` serves if the values name none: the examples'."""
CONFIG = "config.yaml"
MANAGED_BY = ("app.kubernetes.io/managed-by", "Helm")
ONLY_HELMS = ("helm.sh/chart", "checksum/config")

_HEADER = "# Written by `make kustomize` from the chart: edit deploy/helm instead.\n"


class _Dumper(yaml.SafeDumper):
    """Indents the items of lists, as the YAML of this repository does."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        """Overrides PyYAML's choice."""
        super().increase_indent(flow, indentless=False)


def _dumped(*documents: object) -> str:
    return _HEADER + yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)


@dataclass(frozen=True)
class Installation:
    """The objects of one rendering: the ConfigMap of the configuration, its content, and all others."""

    config: Object
    settings: Object
    others: list[Object]


def installation(rendered: Sequence[Object]) -> Installation:
    """What the chart rendered, without what only Helm needs."""
    stripped = [without_helm(found) for found in rendered]
    (config,) = (found for found in stripped if found["kind"] == "ConfigMap" and CONFIG in found["data"])
    return Installation(config, yaml.safe_load(config["data"][CONFIG]), [one for one in stripped if one is not config])


def without_helm(found: Any) -> Any:  # noqa: ANN401 - any part of an object
    """Without Helm's labels and the checksum of the configuration, and without a map that they leave empty."""
    if isinstance(found, list):
        return [without_helm(one) for one in found]
    if not isinstance(found, dict):
        return found
    kept = {
        name: without_helm(one) for name, one in found.items() if name not in ONLY_HELMS and (name, one) != MANAGED_BY
    }
    return {name: one for name, one in kept.items() if one != {} or found[name] == {}}


def files(rendered: Mapping[str, Sequence[Object]]) -> dict[str, str]:
    """Path -> text. `rendered`: overlay -> the chart's objects for it."""
    parts = {name: installation(rendered[name]) for name in OVERLAYS}
    wide, narrow = parts.values()
    shared = [found for found in wide.others if found in narrow.others]
    written = {
        "base/kustomization.yaml": _kustomization(["objects.yaml"], wide.config, "create"),
        "base/objects.yaml": _dumped(*shared),
        f"base/{CONFIG}": _dumped(wide.settings),
    }
    for name, part in parts.items():
        config = part.config if part.settings != wide.settings else None
        written |= {
            f"overlays/{name}/kustomization.yaml": _kustomization(["../../base", "objects.yaml"], config, "merge"),
            f"overlays/{name}/objects.yaml": _dumped(*(found for found in part.others if found not in shared)),
            **({f"overlays/{name}/{CONFIG}": _dumped(part.settings)} if config else {}),
        }
    return written


def _kustomization(resources: Sequence[str], config: Object | None, behavior: str) -> str:
    document: Object = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": resources,
    }
    if config:
        meta = config["metadata"]
        generated = {"name": meta["name"], "namespace": meta["namespace"], "behavior": behavior, "files": [CONFIG]}
        document["configMapGenerator"] = [generated | {"options": {"labels": meta["labels"]}}]
    return _dumped(document)


def defaults(version: str) -> Object:
    """The values of the committed files: images in a registry that does not exist."""
    return catalog.values({name: catalog.tagged(manifest.PLACEHOLDER, name, version) for name in catalog.VALUES})


def rendered(chart: Path, values: Sequence[Path], overlay: str) -> list[Object]:
    """The chart's objects with these values, for an overlay."""
    named = [name for path in values for name in (yaml.safe_load(path.read_text()) or {}).get("watchNamespaces") or []]
    watched = (named or NAMESPACES) if overlay == "namespaced" else []
    text = run(
        [
            *(helm(), "template", manifest.NAME, chart, "--skip-tests", f"--namespace={manifest.NAMESPACE}"),
            *(f"--kube-version={OLDEST_KUBERNETES}", *(f"--values={path}" for path in values)),
            f"--set-json=watchNamespaces={json.dumps(watched)}",
        ]
    )
    return [found for found in yaml.safe_load_all(text) if found]


def write(chart: Path, values: Sequence[Path], target: Path) -> list[Path]:
    """Writes the files into a folder and returns their paths."""
    made = files({overlay: rendered(chart, values, overlay) for overlay in OVERLAYS})
    for name, text in made.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return [target / name for name in made]
