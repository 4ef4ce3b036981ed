"""Every manifest of this repository passes a real API server: kubectl's server-side dry run, strictly validated."""

import copy
import os
import re
import subprocess
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client

from devcluster import versions
from devcluster.binaries import ensure, kubernetes
from docs_tools.markdown import blocks
from tests.crd.conftest import CRD, MINIMAL

ROOT = Path(__file__).parents[2]
FILES = [
    *sorted(ROOT.glob("crds/*.yaml")),
    *sorted(ROOT.glob("examples/**/*.yaml")),
    *sorted(ROOT.glob("deploy/argocd/repository/*.yaml")),
    *sorted(ROOT.glob("deploy/flux/repository/**/*.yaml")),
    ROOT / "devcluster" / "config" / "bootstrap.yaml",
    *sorted(ROOT.glob("tests/unit/operator/golden/*.yaml")),
]
SCHEMA = yaml.safe_load(CRD.read_text())["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
SPEC = set(SCHEMA["properties"]["spec"]["properties"])
PAGES = sorted([ROOT / "README.md", ROOT / "README.zh-CN.md", *ROOT.glob("docs/**/*.md")])

Apply = Callable[[str], subprocess.CompletedProcess[str]]

ELSEWHERE = ("kustomize.toolkit.fluxcd.io/", "serving.kserve.io/")
"""API groups of other tools, which the server here does not have.

tests/loop/test_kserve.py checks those of KServe, tests/gitops those of Flux.
"""


def manifests(page: Path) -> list[str]:
    """The whole manifests in a page, of Kubernetes and of this project."""
    return [text for text in blocks(page.read_text(), "yaml") if _is_ours(text)]


def fragments(page: Path) -> list[str]:
    """The parts of a `spec` in a page, each in a whole manifest."""
    found = (yaml.safe_load(textwrap.dedent(text)) for text in blocks(page.read_text(), "yaml"))
    parts = (one.get("spec", one) for one in found if isinstance(one, dict) and "apiVersion" not in one)
    return [yaml.safe_dump(_with(part)) for part in parts if part.keys() & SPEC]


def _with(part: dict[str, Any]) -> dict[str, Any]:
    """A manifest with a part of another spec: of alternatives, such as Git and US3, only that of the part stays."""
    manifest = copy.deepcopy(MINIMAL)
    spec = manifest["spec"]
    for field, value in part.items():
        alternatives = field == "source" or (field == "model" and "frozenGraph" in part.get("export", {}))
        spec[field] = value if alternatives else spec.get(field, {}) | value
    return manifest


def _is_ours(text: str) -> bool:
    found = re.findall(r"^apiVersion: (.*)", text, re.MULTILINE)
    return bool(found) and not any(version.startswith(ELSEWHERE) for version in found)


MANIFESTS = {str(path.relative_to(ROOT)): path.read_text() for path in FILES} | {
    f"{page.relative_to(ROOT)}:{number}": text
    for page in PAGES
    for number, text in enumerate([*manifests(page), *fragments(page)])
}


@pytest.fixture(scope="module")
def namespaces(api_client: client.ApiClient) -> Iterator[None]:
    """The namespaces of the manifests, at the Pod Security level that the operator requires."""
    core = client.CoreV1Api(api_client)
    loaded = (one for text in MANIFESTS.values() for one in yaml.safe_load_all(text) if one)
    wanted = {one["metadata"].get("namespace", "default") for one in loaded}
    missing = wanted - {one.metadata.name for one in core.list_namespace().items}
    levels = {f"pod-security.kubernetes.io/{mode}": "baseline" for mode in ("enforce", "warn")}
    for name in missing:
        core.create_namespace({"metadata": {"name": name, "labels": levels}})
    yield
    for name in missing:
        core.delete_namespace(name)


@pytest.fixture(scope="module")
def apply(
    api_client: client.ApiClient, server: object, namespaces: None, tmp_path_factory: pytest.TempPathFactory
) -> Apply:
    """`kubectl apply --server-side --dry-run=server` of a manifest, independent of this shell's KUBECONFIG."""
    settings = api_client.configuration
    argv = [
        str(ensure(kubernetes(versions.chosen()))["kubectl"]),
        f"--kubeconfig={os.devnull}",
        f"--cache-dir={tmp_path_factory.mktemp('discovery')}",
        f"--server={settings.host}",
        f"--certificate-authority={settings.ssl_ca_cert}",
        f"--client-certificate={settings.cert_file}",
        f"--client-key={settings.key_file}",
        *("apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", "-"),
    ]

    def run(text: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(argv, check=False, input=text, capture_output=True, text=True, timeout=60)

    return run


@pytest.mark.parametrize("name", MANIFESTS)
def test_the_api_server_accepts_it_without_a_warning(apply: Apply, name: str) -> None:
    answer = apply(MANIFESTS[name])
    assert (answer.returncode, answer.stderr) == (0, "")


@pytest.mark.parametrize(
    "name", ["examples/object-detect/inferenceimage.yaml", "tests/unit/operator/golden/build.yaml"]
)
def test_an_unknown_field_is_refused(apply: Apply, name: str) -> None:
    answer = apply(MANIFESTS[name].replace("\nspec:\n", "\nspec:\n  surprise: 1\n", 1))
    assert answer.returncode == 1
    assert "surprise" in answer.stderr


def test_a_pod_above_the_level_causes_a_warning(apply: Apply) -> None:
    job: dict[str, Any] = yaml.safe_load(MANIFESTS["tests/unit/operator/golden/build.yaml"])
    job["spec"]["template"]["spec"]["hostNetwork"] = True
    assert "violate PodSecurity" in apply(yaml.safe_dump(job)).stderr


def test_pages_show_manifests_and_parts_of_them() -> None:
    assert {"README.md:0", "README.zh-CN.md:0", "docs/guides/build.md:1", "docs/guides/usage.md:2"} <= set(MANIFESTS)
