"""The command line: `python -m devcluster up|down|status|binaries|images|prune|exec -- PROGRAM ARGUMENT...`.

`up --network-policies` starts a cluster that enforces NetworkPolicies.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

from devcluster import binaries, cluster, settings, versions
from devcluster.images import buildah, catalog
from devcluster.lib import cached, system
from devcluster.lib.locks import locked
from devcluster.lib.run import CommandError, NotReadyError
from devcluster.node import inside, status

DAY = 24 * 60 * 60.0


def alone() -> AbstractContextManager[None]:
    """Locks the state directory, so that two commands never change it at the same time."""
    return locked(settings.STATE / "lock", "Another devcluster command is running; waiting for it to end.")


def prepare(needs: Mapping[str, str] = system.PACKAGES) -> None:
    """Checks for root and installs the packages that the cluster needs."""
    system.require_root()
    system.install_packages(needs)


def install() -> None:
    """Installs the Debian packages that the cluster and the tests need; waits for nobody when none is missing."""
    if system.missing_packages():
        with alone():
            prepare()


def up(*, network_policies: bool = False) -> None:
    """Starts the cluster and waits until it is ready."""
    with alone():
        prepare(system.PACKAGES | (system.FIREWALL_PACKAGES if network_policies else {}))
        cluster.up(network_policies=network_policies)


def down() -> None:
    """Stops the cluster."""
    with alone():
        cluster.down()


def build_binaries(names: Sequence[str]) -> None:
    """Builds the programs that are not cached: those named, or all of the cluster and of `make test`.

    Raises ValueError for an unknown name.
    """
    usual = {tools.name.split("-")[0]: tools for tools in binaries.of_tests()}
    known = usual | {tools.name: tools for tools in (binaries.FLUX, binaries.ARGOCD, binaries.KSERVE)}
    if unknown := set(names) - set(known):
        raise ValueError(f"Unknown: {', '.join(sorted(unknown))}. Known: {', '.join(known)}.")
    binaries.ensure(*(known[name] for name in names or usual))


def publish_images(names: Sequence[str]) -> None:
    """Builds the images that are not cached and pushes those that the registry does not have."""
    with alone():
        prepare()
        catalog.publish(names)


def prune(days: float) -> None:
    """Removes from the cache what was not used for so many days, and buildah's layers. No build may run meanwhile."""
    with alone():
        prepare()
        places = [settings.cache() / kind for kind in ("answers", "binaries", "builds", "fixture", "images", "roots")]
        for path in cached.remove_unused(places, days * DAY):
            print(path)
        buildah.remove_all()


COMMANDS: dict[str, Callable[[], None]] = {
    "packages": install,
    "down": down,
    "status": status.show,
}


def main() -> int:
    """Returns the exit code: 1 after printing an error message."""
    parser = argparse.ArgumentParser(prog="python -m devcluster")
    parser.add_argument("command", choices=[*COMMANDS, "up", "binaries", "images", "prune", "exec"])
    parser.add_argument("words", nargs="*", help="binaries, images: names (default: all); exec: -- PROGRAM ARGUMENT...")
    parser.add_argument("--days", type=float, default=7, help="prune: what was used in so many days stays (default: 7)")
    parser.add_argument("--network-policies", action="store_true", help="up: a cluster that enforces NetworkPolicies")
    chosen = parser.parse_args()
    try:
        versions.chosen()  # rejects an unknown version before anything is written
        if chosen.command == "up":
            up(network_policies=chosen.network_policies)
        elif chosen.command == "images":
            publish_images(chosen.words)
        elif chosen.command == "prune":
            prune(chosen.days)
        elif chosen.command == "binaries":
            build_binaries(chosen.words)
        elif chosen.command != "exec":
            COMMANDS[chosen.command]()
        elif chosen.words:
            inside.enter()
            os.execvp(chosen.words[0], chosen.words)  # noqa: S606 - the caller's own program
        else:
            parser.error("exec needs a program: python -m devcluster exec -- PROGRAM ARGUMENT...")
    except (CommandError, NotReadyError, system.MachineError, OSError, ValueError, subprocess.TimeoutExpired) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
