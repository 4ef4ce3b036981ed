"""Builds Kubernetes, etcd, CoreDNS, Kaniko, helm, KWOK and the pause program from their Go modules, and caches them."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from devcluster import settings, versions
from devcluster.lib import cached
from devcluster.lib.locks import locked
from devcluster.lib.progress import step
from devcluster.lib.run import run
from devcluster.lib.system import find_go, go_environment

VERSION_PACKAGES = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
TOOLS = settings.REPOSITORY / "devcluster" / "tools"


@dataclass(frozen=True)
class ToolSet:
    """Programs built by one command."""

    name: str
    programs: dict[str, str]
    """Program name -> Go package. Of several, each has the name of its package."""
    expect: str
    """How long a build takes on two cores when nothing is cached."""
    linker: str = "-s -w"
    tags: str = ""
    """Build tags, with which a program leaves out parts of itself."""
    beside: str = ""
    """The set in whose folder of tools/ it is too: what both import then has one version, and is compiled once."""

    @property
    def folder(self) -> str:
        """The folder of tools/ with its go.mod."""
        return self.beside or self.name

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags of `go build`. The linker drops DWARF; a compiler that writes none takes a sixth less time."""
        tags = (f"-tags={self.tags}",) if self.tags else ()
        return ("-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false", f"-ldflags={self.linker}", *tags)


KUBERNETES_PROGRAMS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "kubectl",
)
ETCD = ToolSet("etcd", {"etcd": "go.etcd.io/etcd/server/v3"}, "about 1 min", beside="kubernetes")
COREDNS = ToolSet("coredns", {"coredns": "./coredns"}, "about 15 s after Kubernetes", beside="kubernetes")
KANIKO = ToolSet("kaniko", {"executor": "github.com/chainguard-dev/kaniko/cmd/executor"}, "about 2 min")
HELM = ToolSet("helm", {"helm": "helm.sh/helm/v3/cmd/helm"}, "about 20 s after Kubernetes", beside="kubernetes")
PAUSE = ToolSet("pause", {"pause": "."}, "seconds")
KUBE_ROUTER = ToolSet(
    "kube-router", {"kube-router": "github.com/cloudnativelabs/kube-router/v2/cmd/kube-router"}, "about 3 min"
)
"""Enforces NetworkPolicies, in a cluster that is started with that option."""
KWOK = ToolSet("kwok", {"kwok": "sigs.k8s.io/kwok/cmd/kwok"}, "about 2 min")
"""Simulates kubelets in the fault tests; not part of the cluster."""
ARGO = ToolSet(
    "argo",
    {"workflow-controller": "github.com/argoproj/argo-workflows/v3/cmd/workflow-controller"},
    "about 3 min",
)
"""The benchmarks compare the operator with it; not part of the cluster."""
VERDICTS = ToolSet("verdicts", {"verdicts": "."}, "about 2 min")
"""Asks kstatus, Flux and Argo CD's interpreter what they make of an object; not part of the cluster."""
PROMTOOL = ToolSet(
    "promtool",
    {"promtool": "github.com/prometheus/prometheus/cmd/promtool"},
    "about 3 min",
    tags="remove_all_sd",  # the clients of every cloud, with which it would look for targets
)
"""Tests the alerts and the page of metrics; not part of the cluster."""
FLUX = ToolSet(
    "flux",
    {name: f"github.com/fluxcd/{name}" for name in ("source-controller", "kustomize-controller")},
    "about 8 min",
)
"""The walk through Git runs on them; not part of the cluster."""
ARGOCD = ToolSet("argocd", {"argocd": "github.com/argoproj/argo-cd/v3/cmd"}, "about 6 min")
"""Argo CD, all servers and the command in one program: the walk through Git runs on it; not part of the cluster."""
UNITTEST = ToolSet("unittest", {"unittest": "github.com/helm-unittest/helm-unittest/cmd/helm-unittest"}, "about 1 min")
"""Runs the suites of the chart; not part of the cluster."""
KSERVE = ToolSet("kserve", {"kserve-manager": "github.com/kserve/kserve/cmd/manager"}, "about 8 min")
"""KServe's controller, in a test of rollouts; not part of the cluster."""
VEGETA = ToolSet("vegeta", {"vegeta": "github.com/tsenart/vegeta/v12"}, "about 30 s")
"""Sends requests to the inference server in a benchmark; not part of the cluster."""
KREW = ToolSet(
    "krew", {name: f"sigs.k8s.io/krew/cmd/{name}" for name in ("krew", "validate-krew-manifest")}, "about 20 s"
)
"""Installs the plugin from a release, in a test; not part of the cluster."""


def kubernetes(version: versions.Version) -> ToolSet:
    """The servers, kubelet and kubectl of one Kubernetes version."""
    return ToolSet(
        version.modules,
        {name: f"k8s.io/kubernetes/cmd/{name}" for name in KUBERNETES_PROGRAMS},
        "about 7 min",
        " ".join(["-s -w", *(f"-X {package}.gitVersion={version.release}" for package in VERSION_PACKAGES)]),
    )


def control_plane() -> tuple[ToolSet, ...]:
    """The programs of etcd and of the chosen Kubernetes version. Raises ValueError for an unsupported version."""
    return (ETCD, kubernetes(versions.chosen()))


def all_tool_sets() -> tuple[ToolSet, ...]:
    """Every program of a cluster. Raises ValueError as `control_plane` does."""
    return (*control_plane(), COREDNS, KANIKO, HELM, PAUSE)


def of_tests() -> tuple[ToolSet, ...]:
    """Every program of a cluster and of `make test`. A build takes minutes, so no test begins one."""
    return (*all_tool_sets(), KWOK, VERDICTS, PROMTOOL, UNITTEST, KREW)


def key(sources: Path, flags: tuple[str, ...], go_version: str) -> str:
    """The cache key of a build: a hash of the module files, our sources, the flags and the compiler."""
    digest = hashlib.sha256()
    for part in (go_version, *flags):
        digest.update(part.encode() + b"\0")
    for path in sorted(path for path in sources.rglob("*") if path.is_file()):
        digest.update(path.relative_to(sources).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def ensure(*tool_sets: ToolSet) -> dict[str, Path]:
    """Program name -> path, for every program of these tool sets. Builds those that are not cached."""
    go = find_go()
    version = run([go, "version"]).strip()
    return {name: path for tools in tool_sets for name, path in _ensure(tools, go, version).items()}


def module(folder: str, path: str) -> Path:
    """The files of a Go module, in the version that devcluster/tools/FOLDER/go.mod names; downloads what is missing."""
    found = run([find_go(), "mod", "download", "-json", path], cwd=TOOLS / folder, env=go_environment())
    return Path(json.loads(found)["Dir"])


def _ensure(tools: ToolSet, go: Path, version: str) -> dict[str, Path]:
    sources = TOOLS / tools.folder
    target = settings.cache() / "binaries" / f"{tools.name}-{key(sources, tools.flags, version)}"
    if not cached.is_filled(target):
        with locked(target.with_name(f".{target.name}.lock")):  # a second one waits, and builds nothing
            if not cached.is_filled(target):
                title = f"Building {tools.name} ({', '.join(tools.programs)})"
                with step(title, f"{tools.expect} when nothing is cached"):
                    _build(tools, go, sources, target)
    return {name: target / name for name in tools.programs}


def _build(tools: ToolSet, go: Path, sources: Path, target: Path) -> None:
    """One command for all programs: while one is linked, which uses one core, the next is compiled."""
    with cached.fill(target) as scratch:
        result = scratch / "result"
        result.mkdir()
        name, *others = tools.programs
        output = result if others else result / name
        run([go, "build", *tools.flags, "-o", output, *tools.programs.values()], cwd=sources, env=go_environment())
