"""The Kubernetes versions that this project is tested on: the modules and the configuration of each.

`python -m devcluster.versions` prints them; with a version as argument, it checks that the version is one of them.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

VARIABLE = "DEVCLUSTER_KUBERNETES"
"""The environment variable that chooses the version of the development cluster and of the tests' control planes."""


@dataclass(frozen=True)
class Version:
    """One minor version. A patch is a JSON merge patch (RFC 7386) of the file in config/: None removes a key."""

    release: str
    """The version of the Go module k8s.io/kubernetes. The servers report it; helm and clients act on it."""
    modules: str
    """The folder below tools/ with its module files."""
    kubelet: Mapping[str, object] = field(default_factory=dict)
    """Patch of kubelet.yaml."""
    kube_proxy: Mapping[str, object] = field(default_factory=dict)
    """Patch of kube-proxy.yaml."""


VERSIONS = {
    "1.30": Version(
        "v1.30.14",
        "kubernetes-1.30",
        kubelet={"failCgroupV1": None},  # since 1.31; the kubelet of 1.30 runs on cgroup v1 without it
        kube_proxy={"featureGates": {"NFTablesProxyMode": True}},  # alpha until 1.30, on by default since 1.31
    ),
    "1.32": Version("v1.32.2", "kubernetes-1.32"),
    "1.34": Version("v1.34.4", "kubernetes"),
}
"""The versions that UK8S offers: three even minor versions at a time (uk8s: version/maintain.md, _sidebar.md)."""

FLOOR = min(VERSIONS, key=lambda name: tuple(map(int, name.split("."))))
"""The oldest version that the chart supports."""
DEVELOPMENT = "1.34"
"""The default of the demo and the tests."""


def find(name: str) -> Version:
    """The version of this name (`1.30`). Raises ValueError, which lists the known names."""
    if name not in VERSIONS:
        raise ValueError(f"Kubernetes {name or '(none)'} is not a supported version. Use one of {', '.join(VERSIONS)}.")
    return VERSIONS[name]


def chosen_name() -> str:
    """The name in the environment, unchecked; the default without one."""
    return os.environ.get(VARIABLE) or DEVELOPMENT


def chosen() -> Version:
    """The version that the environment chooses. Raises ValueError as `find` does."""
    return find(chosen_name())


def main(arguments: Sequence[str]) -> int:
    """Prints the names of all versions, or checks one: exit code 1 with an error message for an unknown one."""
    if not arguments:
        print("\n".join(VERSIONS))
        return 0
    try:
        find(arguments[0])
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
