"""`in_root.py ROOT WORKSPACE PROGRAM ARGUMENT...`: becomes a program in a root of its own, as Kaniko needs it.

To be run as root in a mount namespace of its own (`unshare --mount`). The workspace is mounted where pods mount it, so
that Kaniko takes it for a volume, and /proc is there because Kaniko reads its mounts from it.
"""

import os
import subprocess
import sys
from pathlib import Path

WORKSPACE = "inference-image"


def main(root: Path, workspace: Path, program: list[str]) -> None:
    """Replaces this process."""
    for source, target in ((workspace, WORKSPACE), (Path("/proc"), "proc"), (Path("/dev"), "dev")):
        (root / target).mkdir(exist_ok=True)
        subprocess.run(["mount", "--bind", source, root / target], check=True)
    os.chroot(root)
    os.chdir("/")
    environment = {"PATH": "/kaniko", "HOME": "/root", "USER": "root", "DOCKER_CONFIG": "/kaniko/.docker"}
    os.execve(program[0], program, environment)  # noqa: S606 - the caller's own program


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
