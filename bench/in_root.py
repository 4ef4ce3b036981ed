"""`in_root.py ROOT WORKSPACE PROGRAM ARGUMENT...`: executes a program in a separate root file system, as Kaniko needs.

Run it as root in a new mount namespace (`unshare --mount`). It mounts the workspace where pods mount it, so that
Kaniko treats it as a volume, and /proc, from which Kaniko reads its mounts.
"""

import os
import subprocess
import sys
from pathlib import Path

WORKSPACE = "inference-image"


def main(root: Path, workspace: Path, program: list[str]) -> None:
    """Replaces this process with the program."""
    for source, target in ((workspace, WORKSPACE), (Path("/proc"), "proc"), (Path("/dev"), "dev")):
        (root / target).mkdir(exist_ok=True)
        subprocess.run(["mount", "--bind", source, root / target], check=True)
    os.chroot(root)
    os.chdir("/")
    environment = {"PATH": "/kaniko", "HOME": "/root", "USER": "root", "DOCKER_CONFIG": "/kaniko/.docker"}
    os.execve(program[0], program, environment)  # noqa: S606 - the caller's own program


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
