"""deploy/kustomize gives the objects of the chart, by Kustomize itself."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from devcluster import settings
from release import kustomize, source

COMMITTED = settings.REPOSITORY / "deploy" / "kustomize"
CHART = settings.REPOSITORY / "deploy" / "helm"
VALUES: dict[str, Any] = {
    "watchNamespaces": ["team-a", "team-b"],
    "networkPolicy": {"enabled": True, "stepNamespaces": ["team-a"]},
    "metrics": {part: {"enabled": True} for part in ("podMonitor", "rules", "dashboard")},
    "podAnnotations": {"a": "b"},
    "podDisruptionBudget": {"enabled": True},
    "config": {"workers": 3},
}

Objects = list[dict[str, Any]]
Kustomize = Callable[[Path], Objects]


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Files of values: those of the committed folder, and others."""
    folder = tmp_path_factory.mktemp("values")
    (folder / "defaults.yaml").write_text(yaml.safe_dump(kustomize.defaults(source.version())))
    (folder / "more.yaml").write_text(yaml.safe_dump(VALUES))
    return [folder / "defaults.yaml", folder / "more.yaml"]


@pytest.fixture(scope="module")
def others(values: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder written with the other values."""
    folder = tmp_path_factory.mktemp("others")
    kustomize.write(CHART, values, folder)
    return folder


def by_name(objects: Objects) -> dict[tuple[str, ...], Any]:
    """The objects without what only Helm or only Kustomize adds; the configuration as it is read."""
    found = {}
    for one in kustomize.without_helm(objects):
        meta = one["metadata"]
        if one["kind"] == "ConfigMap" and kustomize.CONFIG in one["data"]:
            meta["name"] = _unhashed(meta["name"])
            one["data"][kustomize.CONFIG] = yaml.safe_load(one["data"][kustomize.CONFIG])
        if one["kind"] == "Deployment":
            (config,) = (volume for volume in one["spec"]["template"]["spec"]["volumes"] if volume["name"] == "config")
            config["configMap"]["name"] = _unhashed(config["configMap"]["name"])
        found[one["kind"], meta.get("namespace", ""), meta["name"]] = one
    assert len(found) == len(objects)
    return found


def _unhashed(name: str) -> str:
    return re.sub(r"-[a-z0-9]{10}$", "", name)


def test_the_committed_files_are_those_of_the_chart(values: list[Path], tmp_path: Path) -> None:
    written = kustomize.write(CHART, values[:1], tmp_path)
    now = {str(path.relative_to(tmp_path)): path.read_text() for path in written}
    committed = {str(path.relative_to(COMMITTED)): path.read_text() for path in COMMITTED.rglob("*.yaml")}
    assert committed == now, "run `make kustomize`"


@pytest.mark.parametrize("overlay", kustomize.OVERLAYS)
def test_an_overlay_gives_the_objects_of_the_chart(
    kubectl_kustomize: Kustomize, values: list[Path], overlay: str
) -> None:
    chart = by_name(kustomize.rendered(CHART, values[:1], overlay))
    assert by_name(kubectl_kustomize(COMMITTED / "overlays" / overlay)) == chart
    assert {kind for kind, *_ in chart} >= {"Deployment", "ConfigMap", "ValidatingAdmissionPolicy"}


@pytest.mark.parametrize("overlay", kustomize.OVERLAYS)
def test_so_it_does_with_other_values(
    kubectl_kustomize: Kustomize, values: list[Path], others: Path, overlay: str
) -> None:
    chart = by_name(kustomize.rendered(CHART, values, overlay))
    assert by_name(kubectl_kustomize(others / "overlays" / overlay)) == chart
    steps = ("NetworkPolicy", "team-a", "inference-image-operator-steps")
    assert "app.kubernetes.io/managed-by" in chart[steps]["spec"]["podSelector"]["matchLabels"]


def test_a_namespace_of_the_values_gets_a_role(kubectl_kustomize: Kustomize, others: Path) -> None:
    found = by_name(kubectl_kustomize(others / "overlays" / "namespaced"))
    assert {namespace for kind, namespace, _ in found if kind == "Role"} == {"team-a", "team-b"}
    assert not [kind for kind, *_ in found if kind.startswith("ClusterRole")]
    config = found["ConfigMap", "inference-image-system", "inference-image-operator"]
    assert config["data"][kustomize.CONFIG]["watchNamespaces"] == ["team-a", "team-b"]


def test_a_changed_configuration_restarts_the_operator(kubectl_kustomize: Kustomize, others: Path) -> None:
    def mounted(folder: Path) -> str:
        (found,) = (one for one in kubectl_kustomize(folder) if one["kind"] == "Deployment")
        name: str = found["spec"]["template"]["spec"]["volumes"][0]["configMap"]["name"]
        return name

    cluster_wide = Path("overlays", "cluster-wide")
    assert mounted(COMMITTED / cluster_wide) != mounted(others / cluster_wide)
