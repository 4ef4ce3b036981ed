"""Runs and measures the builders: each builds a workspace as its container does."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.builders import in_root
from devcluster import binaries, settings
from devcluster.images.buildah import POLICY

KANIKO_FLAGS = ("--compressed-caching=false", "--snapshot-mode=redo", "--ignore-var-run=false")
"""The operator's flags that limit Kaniko's memory, and the one that keeps `/var/run`."""
_TAIL = 2000


class BuildError(RuntimeError):
    """A builder failed; the message ends with its output."""


@dataclass(frozen=True)
class Cost:
    """The cost of one build."""

    seconds: float
    peak_bytes: int
    """Peak resident set of any of its processes."""


@dataclass(frozen=True)
class Target:
    """The target of a build; `repository` is host/path."""

    repository: str
    tag: str

    @property
    def host(self) -> str:
        return self.repository.partition("/")[0]


def append(workspace: Path, target: Target, *, cgroup: str = "") -> Cost:
    """The append builder, in a cgroup if given."""
    driver = [sys.executable, "-m", "bench.builders.append_once", str(workspace), target.repository, target.tag]
    path = ":".join(str(settings.REPOSITORY / part) for part in ("", "job_contract", "object_store", "build_job"))
    return measured([driver], env=os.environ | {"PYTHONPATH": path}, cgroup=cgroup)


def kaniko(
    workspace: Path,
    target: Target,
    *flags: str,
    capabilities: Iterable[int] | None = None,
    logins: Mapping[str, str] | None = None,
) -> Cost:
    """Kaniko as root in a new mount namespace and root file system, with the operator's flags.

    It pulls and pushes by itself, as on a laptop. In a pod it does both with a depot: `bench.builders.depot`.

    `capabilities` are the numbers of those that it keeps (linux/capability.h); all by default. `logins` are the base64
    of user and password, by host.
    """
    kept = {} if capabilities is None else {in_root.CAPABILITIES: ",".join(map(str, capabilities))}
    executor = binaries.ensure(binaries.KANIKO)["executor"]
    with tempfile.TemporaryDirectory(dir=workspace.parent) as folder:
        root = Path(folder)
        for part in ("kaniko/.docker", "etc", "tmp", "root"):
            (root / part).mkdir(parents=True)
        shutil.copy2(executor, root / "kaniko/executor")
        auths = {host: {"auth": login} for host, login in (logins or {}).items()}
        (root / "kaniko/.docker/config.json").write_text(json.dumps({"auths": auths}))
        (root / "etc/resolv.conf").touch()
        (root / "etc/hosts").write_text("127.0.0.1 localhost\n")
        program = [
            "/kaniko/executor",
            "--force",
            "--context=dir:///inference-image/context",
            "--dockerfile=/inference-image/Dockerfile",
            f"--destination={target.repository}:{target.tag}",
            "--digest-file=/inference-image/digest",
            f"--insecure-registry={target.host}",
            "--insecure",
            "--insecure-pull",
            *KANIKO_FLAGS,
            *flags,
        ]
        enter = ["unshare", "--mount", "--propagation=private", sys.executable, "-m", "bench.builders.in_root"]
        return measured([[*enter, str(root), str(workspace), *program]], env=os.environ | kept)


def buildah(workspace: Path, target: Target) -> Cost:
    """buildah with new, empty storage, as on a new node."""
    with tempfile.TemporaryDirectory(dir=workspace.parent) as folder:
        storage = [f"--root={folder}/root", f"--runroot={folder}/run", "--storage-driver=overlay"]
        name = f"{target.repository}:{target.tag}"
        policy = f"--signature-policy={POLICY}"
        build = ["build", policy, "--tls-verify=false", f"--file={workspace}/Dockerfile", f"--tag={name}"]
        push = ["push", policy, "--tls-verify=false", "--quiet", name]
        prefix = ["buildah", *storage]
        try:
            return measured([[*prefix, *build, str(workspace / "context")], [*prefix, *push]])
        finally:
            subprocess.run([*prefix, "rmi", "--all", "--force"], capture_output=True, check=False)


def kaniko_reproducible(workspace: Path, target: Target) -> Cost:
    """Kaniko with `spec.build.reproducible`."""
    return kaniko(workspace, target, "--reproducible")


BUILDERS: Mapping[str, Callable[[Path, Target], Cost]] = {
    "buildah": buildah,
    "Append": append,
    "Kaniko": kaniko,
    "Kaniko reproducible": kaniko_reproducible,
}


def measured(commands: Sequence[Sequence[str]], *, env: Mapping[str, str] | None = None, cgroup: str = "") -> Cost:
    """Runs the commands one after the other; returns the sum of their times and the highest peak.

    Raises BuildError.
    """
    seconds, peak = 0.0, 0
    for command in commands:
        with tempfile.NamedTemporaryFile() as result:
            measure = [sys.executable, "-S", "-E", str(Path(__file__).with_name("measure.py")), result.name, cgroup]
            done = subprocess.run(
                [*measure, *command], cwd=settings.REPOSITORY, env=env, capture_output=True, text=True, check=False
            )
            if done.returncode:
                said = (done.stdout + done.stderr)[-_TAIL:]
                raise BuildError(f"{command[0]} failed with exit code {done.returncode}:\n{said}")
            cost = json.loads(Path(result.name).read_text())
        seconds, peak = seconds + cost["seconds"], max(peak, cost["peak"])
    return Cost(seconds, peak)
