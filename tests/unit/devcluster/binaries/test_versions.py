"""Kubernetes versions: module files, chart, pages and node configuration agree with the table of `versions`."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from devcluster import binaries, settings, versions
from devcluster.binaries import kubernetes_modules
from devcluster.node import configuration

ROOT = settings.REPOSITORY
PAGE = "docs/operations/kubernetes-versions.md"
NAMES = list(versions.VERSIONS)
MODULE_LINE = re.compile(r"^\t?(?:require )?k8s\.io/kubernetes (\S+)", re.MULTILINE)
REPLACE = re.compile(r"^replace (\S+) => (\S+) (\S+)$", re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_the_module_files_require_the_release(name: str) -> None:
    version = versions.find(name)
    module = (binaries.TOOLS / version.modules / "go.mod").read_text()
    assert MODULE_LINE.findall(module) == [version.release]
    assert version.release.startswith(f"v{name}.")


@pytest.mark.parametrize("name", NAMES)
def test_every_library_has_the_version_released_with_kubernetes(name: str) -> None:
    version = versions.find(name)
    replaced = REPLACE.findall((binaries.TOOLS / version.modules / "go.mod").read_text())
    assert {"k8s.io/api", "k8s.io/kubelet", "k8s.io/kubectl"} <= {old for old, _, _ in replaced}
    wanted = kubernetes_modules.staging_version(version.release)
    assert [one for one in replaced if one[0] != one[1] or one[2] != wanted] == []


@pytest.mark.parametrize("name", NAMES)
def test_programs_that_are_built_together_have_the_names_of_their_packages(name: str) -> None:
    programs = binaries.kubernetes(versions.find(name)).programs
    assert [*programs] == [package.rpartition("/")[2] for package in programs.values()]
    together = [tools for tools in binaries.all_tool_sets() if len(tools.programs) > 1]
    assert together == [binaries.kubernetes(versions.chosen())]


def test_only_the_folders_of_kubernetes_are_replaced() -> None:
    module = {
        "Replace": [
            {"Old": {"Path": "k8s.io/api"}, "New": {"Path": "./staging/src/k8s.io/api"}},
            {"Old": {"Path": "example.org/a"}, "New": {"Path": "example.org/b", "Version": "v1.0.0"}},
        ]
    }
    assert [*kubernetes_modules.replacements(module, "v1.30.14")] == ["k8s.io/api=k8s.io/api@v0.30.14"]
    assert [*kubernetes_modules.replacements({"Replace": None}, "v1.30.14")] == []


def test_the_chart_requires_the_oldest_version() -> None:
    chart = yaml.safe_load((ROOT / "deploy" / "helm" / "Chart.yaml").read_text())
    assert chart["kubeVersion"] == f">={versions.FLOOR}.0-0"


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md", "docs/operations/install.md", PAGE])
def test_the_page_names_every_version(page: str) -> None:
    named = set(re.findall(r"\b1\.[23]\d\b", _about_kubernetes(ROOT / page)))
    assert set(NAMES) <= named


def _about_kubernetes(page: Path) -> str:
    return "\n".join(line for line in page.read_text().splitlines() if "Kubernetes" in line or line.startswith("|"))


def test_ci_runs_every_version_that_other_tests_do_not_run() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    assert {*jobs["kubernetes"]["strategy"]["matrix"]["version"], versions.DEVELOPMENT} == {*NAMES}


def test_the_page_of_versions_has_a_row_for_each_release() -> None:
    rows = re.findall(r"^\| (1\.\d+) \| `(v\S+)` \|", (ROOT / PAGE).read_text(), re.MULTILINE)
    assert dict(rows) == {name: version.release for name, version in versions.VERSIONS.items()}


def test_the_page_has_figures_of_every_version_that_make_test_does_not_run() -> None:
    text = (ROOT / PAGE).read_text()
    (figures,) = re.findall(r"<!-- test-kubernetes -->(.*)<!-- /test-kubernetes -->", text, re.DOTALL)
    assert {*re.findall(r"^\| (1\.\d+) \|.* passed in ", figures, re.MULTILINE), versions.DEVELOPMENT} == {*NAMES}


def test_the_error_for_an_unknown_version_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"1\.31 .*1\.30, 1\.32, 1\.34"):
        versions.find("1.31")


def test_an_unknown_version_ends_a_command_before_it_writes_anything() -> None:
    environment = {**os.environ, versions.VARIABLE: "1.31"}
    done = subprocess.run(
        [sys.executable, "-m", "devcluster", "down"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == "Kubernetes 1.31 is not a supported version. Use one of 1.30, 1.32, 1.34.\n"
    assert not (ROOT / settings.state_name("1.31")).exists()


def test_each_version_has_its_own_state_folder() -> None:
    assert settings.state_name(versions.DEVELOPMENT) == ".devcluster"
    assert len({settings.state_name(name) for name in NAMES}) == len(NAMES)


def test_the_environment_chooses_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(versions.VARIABLE, "1.30")
    assert binaries.control_plane()[1].name == "kubernetes-1.30"
    monkeypatch.setenv(versions.VARIABLE, "")
    assert binaries.control_plane()[1].name == "kubernetes"


def test_the_servers_report_their_release() -> None:
    flags = binaries.kubernetes(versions.find("1.30")).flags
    assert "gitVersion=v1.30.14" in flags[-1]


def test_a_program_can_leave_out_parts_of_itself() -> None:
    assert binaries.PROMTOOL.flags == (*binaries.HELM.flags, "-tags=remove_all_sd")


def test_every_program_that_a_test_uses_is_built_before() -> None:
    names = [tools.name.split("-")[0] for tools in binaries.of_tests()]
    assert len({*names}) == len(names), "`python -m devcluster binaries NAME` tells them apart"


@pytest.mark.parametrize("name", configuration.FILES)
def test_the_newest_version_uses_the_configuration_unpatched(name: str) -> None:
    written = yaml.safe_load((settings.CONFIG / name).read_text())
    assert configuration.document(name, versions.find(NAMES[-1])) == written


def test_patches_for_older_kubelets_and_proxies() -> None:
    oldest = versions.find("1.30")
    written = yaml.safe_load((settings.CONFIG / "kubelet.yaml").read_text())
    assert written.keys() - configuration.document("kubelet.yaml", oldest).keys() == {"failCgroupV1"}
    assert configuration.document("kube-proxy.yaml", oldest)["featureGates"] == {"NFTablesProxyMode": True}


@pytest.mark.parametrize(
    ("target", "patch", "merged"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patches_follow_rfc_7386(target: object, patch: dict, merged: dict) -> None:
    assert configuration.merge_patch(target, patch) == merged


def test_the_command_prints_the_versions_for_make() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "devcluster.versions"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == NAMES
    assert json.loads(f"[{', '.join(NAMES)}]") == sorted(map(float, NAMES)), "oldest first"
