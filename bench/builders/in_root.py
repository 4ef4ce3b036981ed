"""`in_root.py ROOT WORKSPACE PROGRAM ARGUMENT...`: executes a program in a separate root file system, as Kaniko needs.

Run it as root in a new mount namespace (`unshare --mount`). It mounts the workspace where pods mount it, so that
Kaniko treats it as a volume, and /proc, from which Kaniko reads its mounts.
"""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

WORKSPACE = "inference-image"
CAPABILITIES = "IN_ROOT_CAPABILITIES"
"""The variable that lists the numbers of the capabilities that the program keeps; if unset, it keeps all."""
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 24, 38
_LAST_CAPABILITY = 40


def main(root: Path, workspace: Path, program: list[str]) -> None:
    """Replaces this process with the program."""
    for source, target in ((workspace, WORKSPACE), (Path("/proc"), "proc"), (Path("/dev"), "dev")):
        (root / target).mkdir(exist_ok=True)
        subprocess.run(["mount", "--bind", source, root / target], check=True)
    kept = os.environ.get(CAPABILITIES)
    os.chroot(root)
    os.chdir("/")
    environment = {"PATH": "/kaniko", "HOME": "/root", "USER": "root", "DOCKER_CONFIG": "/kaniko/.docker"}
    if kept is not None:
        _keep({int(number) for number in kept.split(",") if number})
    os.execve(program[0], program, environment)  # noqa: S606 - the caller's own program


def _keep(capabilities: set[int]) -> None:
    """Drops the other capabilities, as a pod's `capabilities` and `allowPrivilegeEscalation: false` do."""
    libc = ctypes.CDLL(None, use_errno=True)
    for number in range(_LAST_CAPABILITY + 1):
        if number not in capabilities and libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0):
            raise OSError(ctypes.get_errno(), f"cannot drop capability {number}")
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "cannot forbid new privileges")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
