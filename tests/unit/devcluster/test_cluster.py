"""A start of a cluster that runs already."""

from pathlib import Path

import pytest

from devcluster import binaries, cluster
from devcluster.lib.run import NotReadyError
from devcluster.node import supervisor

PROGRAMS = {"etcd": Path("/bin/etcd"), "kubectl": Path("/bin/kubectl")}
RECORDED = {name: str(path) for name, path in PROGRAMS.items()}


@pytest.fixture
def running(monkeypatch):
    """A cluster runs; returns a function that sets the record of its start. It is never started or asked."""
    monkeypatch.setattr(binaries, "ensure", lambda *_: PROGRAMS)
    monkeypatch.setattr(supervisor, "process", lambda: 1)
    monkeypatch.setattr(cluster, "wait_until_ready", lambda: None)
    return lambda **record: monkeypatch.setattr(supervisor, "record", lambda: record)


@pytest.mark.parametrize(
    ("recorded", "told"),
    [
        pytest.param(RECORDED, False, id="the same programs"),
        pytest.param(RECORDED | {"kube-router": "/bin/kube-router"}, False, id="more programs"),
        pytest.param(RECORDED | {"etcd": "/old/etcd"}, True, id="another version"),
        pytest.param({"etcd": "/bin/etcd"}, True, id="a program is missing"),
        pytest.param(None, True, id="no record"),
    ],
)
def test_a_cluster_with_other_programs_is_pointed_out(running, capsys, recorded, told):
    running(binaries=recorded)
    cluster.up()
    assert ("programs of another version" in capsys.readouterr().err) is told


def test_a_cluster_without_a_firewall_enforces_no_policies(running):
    running(binaries=RECORDED, networkPolicies=False)
    with pytest.raises(NotReadyError, match=r"enforces no NetworkPolicies: stop it with `make cluster-down`\."):
        cluster.up(network_policies=True)


def test_a_cluster_with_a_firewall_is_used_again(running):
    running(binaries=RECORDED, networkPolicies=True)
    cluster.up(network_policies=True)
