"""Writes the module files of a Kubernetes version: `python -m devcluster.binaries.kubernetes_modules 1.30`.

k8s.io/kubernetes requires its own libraries (staging/src/k8s.io/*) as `v0.0.0` and replaces them with folders of its
repository, which are out of reach for other modules. This module replaces each with the one released alongside:
Kubernetes v1.30.14 goes with k8s.io/api v0.30.14. Run it after you change a release in `versions`. Other programs that
the folder has stay in it.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from devcluster import binaries, versions
from devcluster.lib.run import CommandError, run
from devcluster.lib.system import find_go, go_environment

MODULE = "k8s.io/kubernetes"


def staging_version(release: str) -> str:
    """v0.30.14 for v1.30.14."""
    return "v0." + release.removeprefix("v1.")


def replacements(module: dict[str, Any], release: str) -> Iterator[str]:
    """`PATH=PATH@VERSION` for each module that `module` (`go mod edit -json`) replaces with a local folder."""
    for one in module.get("Replace") or []:
        if one["New"]["Path"].startswith("./staging/"):
            path = one["Old"]["Path"]
            yield f"{path}={path}@{staging_version(release)}"


def write(version: versions.Version) -> Path:
    """Writes go.mod and go.sum of a version into its folder below tools/ and returns the folder."""
    go = find_go()
    environment = {**go_environment(), "GOFLAGS": "-mod=mod"}
    target = binaries.TOOLS / version.modules
    target.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kubernetes-modules-") as name:
        scratch = Path(name)

        def call(*arguments: str) -> str:
            return run([go, *arguments], cwd=scratch, env=environment)

        if (target / "go.mod").exists():
            shutil.copytree(target, scratch, dirs_exist_ok=True)
        else:
            call("mod", "init", f"devcluster/{version.modules}")
        released = json.loads(call("mod", "download", "-json", f"{MODULE}@{version.release}"))
        module = json.loads(call("mod", "edit", "-json", released["GoMod"]))
        call(
            "mod", "edit", f"-go={module['Go']}", *(f"-replace={one}" for one in replacements(module, version.release))
        )
        packages = binaries.kubernetes(version).programs.values()
        call("get", "-tool", *(f"{package}@{version.release}" for package in packages))
        call("mod", "tidy")
        for file in ("go.mod", "go.sum"):
            shutil.copy(scratch / file, target / file)
    return target


def main() -> int:
    """Returns the exit code: 1 after printing an error message."""
    try:
        for name in sys.argv[1:]:
            print(write(versions.find(name)))
    except (CommandError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
