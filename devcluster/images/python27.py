"""Root file systems of Debian 11 with Python 2.7 and the packages of a lock, for tests without a cluster."""

from collections.abc import Sequence
from pathlib import Path

from devcluster import settings
from devcluster.images import base_image, oci
from devcluster.images.image_build import Image, build
from devcluster.lib import cached
from devcluster.lib.locks import locked
from devcluster.lib.progress import step

TENSORFLOW_1_7 = "tutorial-base"
TENSORFLOW_1_15 = "tensorflow-1.15"
"""Lock files in requirements/."""

WORK = "/mnt"
"""Path of the working directory inside a root."""

_ENTER = """
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
mount --rbind /dev "$1/dev"
mount -t proc proc "$1/proc"
mount -t tmpfs tmpfs "$1/tmp"
mount --bind "$2" "$1/mnt"
root=$1
shift 2
exec chroot "$root" "$@"
"""


def ensure(lock: str) -> Path:
    """The root with the packages of a lock; makes it unless it is cached. Needs root. Nobody writes to it later.

    The packages are the same as in the first stages of examples/tutorial/base.Dockerfile.
    """
    image = Image(
        f"python27-{lock}",
        "examples/tutorial/base.Dockerfile",
        "about 2 min",
        target="packages",
        arguments=(f"LOCK={lock}",),
        base=base_image.DEBIAN_11,
    )
    roots = settings.cache() / "roots"
    with locked(roots / ".lock"):
        layout = build(image)
        digest = oci.digest(layout).removeprefix("sha256:")
        target = roots / f"{lock}-{digest[:16]}"
        if not cached.is_filled(target):
            with cached.fill(target) as scratch, step(f"Unpacking the root {target.name}"):
                oci.unpack(layout, scratch / "result")
    return target


def argv(root: Path, work: Path, command: Sequence[str]) -> list[str]:
    """The command line that runs a program in a root, as root, in this network, with `work` mounted at WORK.

    The root is mounted read-only in a mount namespace that ends with the program, so several programs can share it.
    Programs start in `/`; WORK and /tmp are writable.
    """
    return ["unshare", "--mount", "sh", "-euc", _ENTER, "sh", str(root), str(work), *command]
