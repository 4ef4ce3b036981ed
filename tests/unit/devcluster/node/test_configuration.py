"""The static configuration files agree with the code: names, addresses, paths."""

import json
import tomllib

import pytest
import yaml

from devcluster import cluster, settings
from devcluster.node import namespaces
from devcluster.settings import CONFIG, NODE_ADDRESS, NODE_NAME, NODE_STATE, REGISTRY_HOST


def read_yaml(name):
    return yaml.safe_load((CONFIG / name).read_text())


def test_containerd_uses_the_prepared_paths():
    cri = tomllib.loads((CONFIG / "containerd.toml").read_text())["plugins"]["io.containerd.grpc.v1.cri"]
    assert cri["sandbox_image"] == cluster.PAUSE_IMAGE
    assert cri["registry"]["config_path"] == f"{settings.NODE_CONFIG}/certs.d"
    assert cri["cni"]["conf_dir"] == f"{settings.NODE_CONFIG}/cni"


def test_the_node_verifies_the_registry_with_the_clusters_ca():
    hosts = tomllib.loads((CONFIG / "certs.d" / REGISTRY_HOST / "hosts.toml").read_text())
    assert hosts["server"] == f"https://{REGISTRY_HOST}"
    assert hosts["host"][f"https://{REGISTRY_HOST}"]["ca"] == f"{NODE_STATE}/pki/ca.crt"


def test_the_registry_listens_at_the_address_of_its_name():
    registry = read_yaml("registry.yml")
    assert registry["http"]["addr"] == f"{NODE_ADDRESS}:443"
    assert registry["http"]["host"] == f"https://{REGISTRY_HOST}"
    assert REGISTRY_HOST in namespaces.HOSTS


def test_dns_names_resolve_to_the_node():
    corefile = (CONFIG / "Corefile").read_text()
    assert corefile.count(f"bind {NODE_ADDRESS}") == 3
    assert f'answer "{{{{ .Name }}}} 30 IN A {NODE_ADDRESS}"' in corefile
    assert namespaces.RESOLV_CONF.startswith(f"nameserver {NODE_ADDRESS}\n")


def test_pods_use_the_address_of_the_dns_service():
    documents = {d["kind"]: d for d in yaml.safe_load_all((CONFIG / "bootstrap.yaml").read_text())}
    assert documents["Service"]["spec"]["clusterIP"] == read_yaml("kubelet.yaml")["clusterDNS"][0]
    assert documents["EndpointSlice"]["endpoints"][0]["addresses"] == [NODE_ADDRESS]


def test_the_proxy_and_the_pods_agree_on_their_network():
    plugin = json.loads((CONFIG / "cni" / "10-pods.conflist").read_text())["plugins"][0]
    subnet = plugin["ipam"]["ranges"][0][0]["subnet"]
    proxy = read_yaml("kube-proxy.yaml")
    assert proxy["hostnameOverride"] == NODE_NAME
    assert subnet.split(".")[:2] == proxy["clusterCIDR"].split(".")[:2]


@pytest.mark.parametrize("verb", ["create", "update", "patch", "delete"])
def test_writes_that_tests_examine_are_audited_with_their_body(verb):
    rules = read_yaml("audit-policy.yaml")["rules"]
    assert rules[0]["level"] == "Request"
    assert verb in rules[0]["verbs"]
    assert {"uai.ucloud.cn", "batch"} <= {resource["group"] for resource in rules[0]["resources"]}
    assert rules[-1] == {"level": "Metadata"}
