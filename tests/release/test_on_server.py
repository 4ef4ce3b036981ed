"""The installation of a release on a real API server: with kubectl, with Helm, and the upgrade of the CRD."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from devcluster import binaries, settings, versions
from devcluster.controlplane import ControlPlane, control_plane
from release import manifest

CRD = "inferenceimages.uai.ucloud.cn"
CONTROLLERS = ("namespace-controller", "serviceaccount-controller")

Run = Callable[..., str]


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    with control_plane(controllers=CONTROLLERS) as found:
        yield found


@pytest.fixture
def kubectl(plane: ControlPlane) -> Run:
    program = binaries.ensure(binaries.kubernetes(versions.chosen()))["kubectl"]

    def call(*words: str, text: str | None = None) -> str:
        argv = [str(program), f"--kubeconfig={plane.kubeconfig}", *words]
        ended = subprocess.run(argv, check=False, capture_output=True, text=True, input=text)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    return call


@pytest.fixture
def helm(plane: ControlPlane, tmp_path: Path) -> Run:
    program = binaries.ensure(binaries.HELM)["helm"]

    def call(*words: str) -> str:
        argv = [str(program), *words, f"--kubeconfig={plane.kubeconfig}"]
        environment = {**os.environ, "HOME": str(tmp_path)}
        ended = subprocess.run(argv, check=False, capture_output=True, text=True, env=environment)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    return call


def test_kubectl_applies_the_installation_and_applies_it_again(files: Path, kubectl: Run) -> None:
    apply = ("apply", "--server-side", "--validate=strict", f"--filename={files / 'install.yaml'}")
    applied = kubectl(*apply).splitlines()
    for kind in ("namespace", "customresourcedefinition", "serviceaccount", "configmap", "clusterrole", "deployment"):
        assert any(line.startswith(kind) for line in applied), kind
    kubectl("wait", "--for=condition=Established", "--timeout=180s", f"crd/{CRD}")
    generation = ("get", "deployment", "--namespace", manifest.NAMESPACE, "--output=jsonpath={..metadata.generation}")
    before = kubectl(*generation)
    assert kubectl(*apply).splitlines() == applied
    assert kubectl(*generation) == before


def test_helm_installs_the_crd_and_kubectl_upgrades_it(files: Path, kubectl: Run, helm: Run) -> None:
    """The commands of docs/operations/install.md."""
    (chart,) = map(str, files.glob("*.tgz"))
    where = (manifest.NAME, chart, f"--namespace={manifest.NAMESPACE}", f"--values={files / 'images-values.yaml'}")
    helm("upgrade", "--install", "--create-namespace", *where)
    kubectl("wait", "--for=condition=Established", "--timeout=180s", f"crd/{CRD}")

    newer = yaml.safe_load(helm("show", "crds", chart))
    schema(newer)["description"] = "newer"
    with pytest.raises(AssertionError, match="conflict with"):  # Helm owns what it created
        kubectl("apply", "--server-side", "--filename=-", text=json.dumps(newer))
    kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", text=json.dumps(newer))
    helm("upgrade", *where)
    assert schema(json.loads(kubectl("get", "crd", CRD, "--output=json")))["description"] == "newer"

    helm("uninstall", manifest.NAME, f"--namespace={manifest.NAMESPACE}")
    assert kubectl("get", "crd", "--output=name").split() == [f"customresourcedefinition.apiextensions.k8s.io/{CRD}"]


def test_helm_test_runs_one_pod_under_restricted_and_leaves_nothing(kubectl: Run, helm: Run) -> None:
    """The test plays the kubelet: its pod succeeds. What the pod asks, tests/loop/test_installed.py runs."""
    chart = settings.REPOSITORY / "deploy" / "helm"
    where = f"--namespace={manifest.NAMESPACE}"
    values = f"--values={chart / 'ci' / 'test-values.yaml'}"
    helm("upgrade", "--install", "--create-namespace", manifest.NAME, str(chart), where, values)
    kubectl("label", "namespace", manifest.NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
    objects = ("get", "pods,services,serviceaccounts", where, "--output=name")
    with ThreadPoolExecutor(1) as pool:
        tested = pool.submit(helm, "test", manifest.NAME, where, "--timeout=180s")
        pod = f"pod/{manifest.NAME}-test"
        kubectl("wait", "--for=create", pod, where, "--timeout=180s")
        kubectl("patch", pod, where, "--subresource=status", "--type=merge", '--patch={"status":{"phase":"Succeeded"}}')
        assert tested.result(60).count("Phase:          Succeeded") == 3
    assert f"{manifest.NAME}-test" not in kubectl(*objects)


def schema(crd: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return found
