"""The machine: packages, Go, pip, cgroups, cached builds."""

import configparser
import os
import re
import stat
import time
from pathlib import Path

import pytest

from devcluster import binaries
from devcluster.images import pip_settings
from devcluster.lib import cached, system
from devcluster.node import cgroups


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26)),
        ("go version go1.25 linux/arm64", (1, 25)),
        ("go version devel +abc linux/amd64", (0, 0)),
        ("", (0, 0)),
    ],
)
def test_the_version_of_a_go_toolchain(text, version):
    assert system.go_version(text) == version


def test_the_accepted_go_builds_every_program():
    """No build fetches another toolchain, so one that is older than a go.mod demands fails in the middle of it."""
    modules = Path(binaries.__file__).parents[1].glob("tools/*/go.mod")
    demanded = {
        path.parent.name: system.go_version(f"go{found[1]}")
        for path in modules
        if (found := re.search(r"^go (\S+)$", path.read_text(), re.MULTILINE))
    }
    assert len(demanded) > 10
    assert max(demanded.values()) <= system.GO_AT_LEAST, demanded
    assert system.go_version(system.GO_PACKAGE.replace("-bin==", "")) >= system.GO_AT_LEAST


def test_only_missing_packages_are_installed(tmp_path, monkeypatch):
    (tmp_path / "here").touch(mode=0o755)
    needs = {"here": "package-a", "absent-program": "package-b", str(tmp_path / "here"): "c", str(tmp_path / "no"): "d"}
    monkeypatch.setenv("PATH", str(tmp_path))
    assert system.missing_packages(needs) == ["d", "package-b"]


PIP_LISTING = """\
global.cert='/etc/own.pem'
global.index-url='https://user:pass@index.test/simple'
global.find-links='/opt/wheels'
install.trusted-host='index.test'
:env:.index-url='https://other.test/simple'
"""


def test_pip_settings_that_apply_inside_a_build():
    assert pip_settings.parse(PIP_LISTING) == {"index-url": "https://other.test/simple", "trusted-host": "index.test"}


def test_the_pip_configuration_of_a_build_is_private_and_valid(tmp_path, monkeypatch):
    monkeypatch.setattr(pip_settings, "run", lambda _: "global.index-url='https://user:100%@index.test/simple'\n")
    pip_settings.write(tmp_path / "pip.conf")
    configuration = configparser.ConfigParser(interpolation=None)
    configuration.read(tmp_path / "pip.conf")
    assert configuration["global"]["index-url"] == "https://user:100%@index.test/simple"
    assert stat.S_IMODE((tmp_path / "pip.conf").stat().st_mode) == 0o600


@pytest.fixture
def v1(tmp_path, monkeypatch):
    for name in ("memory", "cpu,cpuacct"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cgroup.procs").touch()
    (tmp_path / "cpu").symlink_to("cpu,cpuacct")
    (tmp_path / "no-hierarchy").mkdir()
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    return tmp_path


@pytest.fixture
def v2(tmp_path, monkeypatch):
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu memory rdma pids\n")
    (tmp_path / "cgroup.subtree_control").write_text("")
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    return tmp_path


def test_cgroup_v1_has_one_group_per_hierarchy(v1):
    cgroups.create("ours")
    assert sorted(path.parent.name for path in v1.glob("*/ours")) == ["cpu", "cpu,cpuacct", "memory"]
    assert len(cgroups.hierarchies()) == 2


def test_cgroup_v2_enables_controllers_for_children(v2):
    cgroups.create("ours")
    assert (v2 / "ours").is_dir()
    assert (v2 / "cgroup.subtree_control").read_text() == "+pids"  # the kernel's file accepts one write after the other


@pytest.mark.parametrize(("version", "place", "file"), [("v1", "cpu,cpuacct", "cpu.shares"), ("v2", "", "cpu.weight")])
def test_pods_weigh_more_than_one_thread_of_the_machine(request, version, place, file):
    root = request.getfixturevalue(version)
    weight = root / place / "ours" / file
    weight.parent.mkdir()
    weight.write_text("1")  # the kernel makes the file
    cgroups.create("ours")
    assert int(weight.read_text()) == 6 * {"cpu.shares": 1024, "cpu.weight": 100}[file]


@pytest.mark.parametrize(("version", "place", "file"), [("v1", "cpu,cpuacct", "cpu.shares"), ("v2", "", "cpu.weight")])
def test_the_node_weighs_more_than_all_pods(request, version, place, file):
    root = request.getfixturevalue(version)
    group = root / place / "ours-node"
    group.mkdir()
    (group / file).write_text("1")
    cgroups.join("ours")
    assert int((group / file).read_text()) == 8 * {"cpu.shares": 1024, "cpu.weight": 100}[file]
    assert (group / "cgroup.procs").read_text() == str(os.getpid())
    assert len(list(root.glob("**/cgroup.procs"))) == (3 if version == "v1" else 1)  # joined nowhere else


def test_a_cgroup_is_removed_with_its_children(v1):
    cgroups.create("ours")
    (v1 / "memory" / "ours" / "pods" / "pod1").mkdir(parents=True)
    cgroups.join("ours")
    cgroups.remove("ours")
    assert not list(v1.glob("*/ours*"))


def test_a_cgroup_in_use_is_named(v1, monkeypatch):
    monkeypatch.setattr(cgroups, "REMOVE_TIMEOUT", 0.0)
    cgroups.create("ours")
    (v1 / "memory" / "ours" / "in-use").touch()  # a file blocks rmdir of a folder as a process blocks that of a cgroup
    with pytest.raises(cgroups.NotReadyError, match="memory/ours"):
        cgroups.remove("ours")


def fail_while_filling(target):
    with cached.fill(target) as scratch:
        (scratch / "result").mkdir()
        raise RuntimeError


def test_what_nobody_has_used_for_long_is_removed(tmp_path, monkeypatch):
    for name in ("used", "unused", ".killed-x1"):
        (tmp_path / name / "inside").mkdir(parents=True)
    (tmp_path / ".used.lock").touch()
    now = time.time()
    monkeypatch.setattr(cached.time, "time", lambda: now + 60)
    assert cached.remove_unused([tmp_path], 90) == []
    assert cached.is_filled(tmp_path / "used")
    assert not cached.is_filled(tmp_path / "nothing")
    os.utime(tmp_path / ".used.used", (now + 30, now + 30))
    assert sorted(path.name for path in cached.remove_unused([tmp_path], 45)) == [".killed-x1", "unused"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".used.lock", ".used.used", "used"]


def test_a_cached_directory_appears_atomically(tmp_path):
    with pytest.raises(RuntimeError):
        fail_while_filling(tmp_path / "target")
    assert list(tmp_path.iterdir()) == []
    with cached.fill(tmp_path / "target") as scratch:
        (scratch / "result").mkdir()
        (scratch / "result" / "file").touch()
        assert not (tmp_path / "target").exists()
    assert [path.name for path in tmp_path.rglob("*")] == ["target", "file"]


def test_the_first_of_two_clones_that_build_the_same_wins(tmp_path):
    with cached.fill(tmp_path / "target") as scratch:
        (scratch / "result").mkdir()
        (tmp_path / "target").mkdir()
        (tmp_path / "target" / "first").touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["target", "first"]


@pytest.mark.parametrize(
    "change",
    [
        {"flags": ("-race",)},
        {"go_version": "go version go1.99.0"},
        {"content": "module other\n"},
        {"source": "package main // other\n"},
    ],
)
def test_the_key_of_a_build_covers_every_input(tmp_path, change):
    def key(
        *, flags=("-trimpath",), go_version="go version go1.26.0", content="module tools\n", source="package main\n"
    ):
        (tmp_path / "go.mod").write_text(content)
        program = tmp_path / "program"
        program.mkdir(exist_ok=True)
        (program / "main.go").write_text(source)
        return binaries.key(tmp_path, flags, go_version)

    assert key(**change) != key()
    assert key() == key()


def test_every_tool_set_has_module_files_without_local_paths():
    for tools in binaries.all_tool_sets():
        text = (binaries.TOOLS / tools.folder / "go.mod").read_text()
        assert text.startswith(f"module devcluster/{tools.folder}\n")
        assert "=> /" not in text, f"{tools.name} refers to a local folder"
