"""The example's code on a Git host, reachable from pods."""

import contextlib
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from demo import kubectl
from demo.seed import EXAMPLE
from devcluster import settings
from devcluster.lib.locks import locked
from devcluster.node import inside
from tests.e2e.stack import Case
from tests.support.git_server import Repository, new_repository
from tests.support.registries.tls import make_tls

FILES = {
    str(path.relative_to(EXAMPLE)): path.read_bytes()
    for path in (EXAMPLE / "object-detect.conf", *sorted((EXAMPLE / "code").glob("*.py")))
}


class GitHost(NamedTuple):
    """A repository without a Dockerfile, on a host with TLS and a login."""

    repository: Repository
    secret: dict[str, str]

    def give_to(self, case: Case, **more: Any) -> None:
        """Makes this repository the case's source, with a generated Dockerfile."""
        kubectl.apply(kubectl.secret(case.namespace, "git", self.secret))
        url = f"https://{settings.GIT_HOST}/detector.git"
        git = {"url": url, "ref": "main", "path": "serving", "secretRef": {"name": "git"}} | more
        case.spec["source"] = {"git": git, "checkpointDir": "code/checkpoint_dir"}
        del case.spec["build"]["args"]  # the generated Dockerfile uses the installation's base


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[GitHost]:
    """Serves in the cluster's network until the block ends; one at a time, because the installation allows one port."""
    host, port = settings.GIT_HOST.split(":")
    tls = make_tls(folder / "tls", host)
    password = secrets.token_urlsafe(12)
    repository = new_repository(
        folder / "served" / "detector.git", {f"serving/{name}": data for name, data in FILES.items()}
    )
    arguments = (folder / "served", settings.NODE_ADDRESS, port, tls.ca.parent)
    command = inside.argv([sys.executable, "-m", "tests.support.git_server", *arguments])
    pipe = subprocess.PIPE
    with (
        locked(settings.STATE / "git-host.lock"),
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=settings.REPOSITORY) as process,
    ):
        try:
            process.stdin.write(f"{password}\n")
            process.stdin.flush()
            assert process.stdout.readline() == "serving\n"
            yield GitHost(repository, {"username": "git", "password": password, "ca.crt": tls.ca.read_text()})
        finally:
            process.communicate("")
