"""The commands of kubectl and helm in the pages work, in their order, on a real API server without a node."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from devcluster import settings, versions
from devcluster.binaries import HELM, ensure, kubernetes
from devcluster.controlplane import ControlPlane, control_plane
from docs_tools.markdown import blocks, commands
from inference_image_operator.api import GROUP, PLURAL, VERSION
from tests.crd.conftest import CHART, CRD
from tests.loop.api import Api, wait_for

ROOT = Path(__file__).parents[2]
PAGES = [
    "README.md",
    "deploy/helm/README.md",
    "deploy/kustomize/README.md",
    "docs/guides/registries.md",
    "docs/guides/usage.md",
    "docs/operations/install.md",
    "docs/reference/build-failures.md",
    "docs/reference/reasons.md",
]
TOP = ("deploy", "docs", "examples", "tests")
NOT_HERE = {
    "port-forward": "needs a pod",
    "rollout status": "needs pods",
    "helm test": "needs pods",
    "--watch": "never ends",
    "kubectl delete -f crds/": "others below need the CRD",
    ".tgz": "needs a release (tests/release installs its files)",
    "--set images.operator=...": "leaves values out",
    "deploy/flux/": "needs Flux (tests/gitops runs that page)",
    "kustomization/": "needs Flux",
    "gitrepository/": "needs Flux",
    "kubectl krew": "tests/release installs the plugin",
    "deploy/argocd/": "needs Argo CD (tests/argocd runs that page)",
    "application/": "needs Argo CD",
    "condition=RolledOut": "needs pods",
    "kubectl inferenceimage": "tests/unit/docs and tests/loop test the plugin",
}
"""A part of a command -> why it is not run."""
OBJECTS_IN = ("default", "object-detect")
NAMESPACES = ("object-detect", "team-a", "team-b")
APPLIED = {"kubectl.kubernetes.io/last-applied-configuration": "{}"}
"""Without it, `kubectl apply` warns."""


def shown(page: str) -> list[str]:
    """The page's commands that are run."""
    found = commands((ROOT / page).read_text())
    ours = (command for command in found if command.startswith(("kubectl ", "helm ", "make kustomize ")))
    return [command for command in ours if not any(part in command for part in NOT_HERE)]


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    """An API server that no other page has changed."""
    with control_plane() as found:
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A clone as the pages assume it, with what `make images` and the reader have written."""
    for path in ROOT.iterdir():
        if path.name not in ("out", ".git"):
            (tmp_path / path.name).symlink_to(path)
    (readme,) = blocks((ROOT / "README.md").read_text(), "yaml")
    (tmp_path / "inferenceimage.yaml").write_text(readme)
    installation = blocks((ROOT / "docs" / "operations" / "install.md").read_text(), "yaml")
    (tmp_path / "my-values.yaml").write_text(next(text for text in installation if text.startswith("# my-values")))
    (tmp_path / "out" / "images").mkdir(parents=True)
    (tmp_path / "out" / "images" / "values.yaml").write_bytes((CHART / "ci" / "test-values.yaml").read_bytes())
    (tmp_path / "password").write_text("a password")
    return tmp_path


def prepare(api: Api, folder: Path) -> None:
    """The namespaces that the pages use, and the object `object-detect`, which is Ready."""
    api.request("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", yaml.safe_load(CRD.read_text()))
    manifest = yaml.safe_load((folder / "inferenceimage.yaml").read_text())
    ready = {"type": "Ready", "status": "True", "reason": "Published", "message": "", "observedGeneration": 1}
    ready["lastTransitionTime"] = "2026-01-01T00:00:00Z"
    for namespace in NAMESPACES:
        api.request("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    for namespace in OBJECTS_IN:
        path = f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{PLURAL}"
        manifest["metadata"] = {"name": "object-detect", "namespace": namespace, "annotations": APPLIED}
        wait_for("the API server serves the CRD", lambda path=path: api.send("POST", path, manifest).ok)
        api.merge(f"{path}/object-detect/status", {"status": {"conditions": [ready]}})


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_work(page: str, plane: ControlPlane, folder: Path) -> None:
    prepare(Api(plane), folder)
    binaries = {str(path.parent) for path in (ensure(kubernetes(versions.chosen()))["kubectl"], ensure(HELM)["helm"])}
    environment = {
        "PATH": ":".join([*binaries, os.environ["PATH"]]),
        "HOME": str(folder),
        "INFERENCE_IMAGE_CACHE": str(settings.cache()),
        "KUBECONFIG": str(plane.kubeconfig),
        "UHUB_PASSWORD": "a password",
    }
    for command in shown(page):
        text = command.replace(" NAME ", " object-detect ").replace("make ", "make -o setup ")
        done = subprocess.run(
            ["sh", "-euc", text], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        assert "Warning" not in done.stderr, f"{text}\n{done.stderr}"


def test_no_page_with_commands_is_left_out() -> None:
    pages = (page for pattern in ("*.md", *(f"{top}/**/*.md" for top in TOP)) for page in ROOT.glob(pattern))
    with_commands = {name for page in pages if shown(name := str(page.relative_to(ROOT)))}
    assert with_commands - {"README.zh-CN.md"} == set(PAGES)  # the READMEs show the same: tests/unit/docs
