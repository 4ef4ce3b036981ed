"""A reader of a walk in docs/guides/gitops.md: its commands, its files in deploy/, and what they make."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import yaml

from devcluster import settings, versions
from devcluster.binaries import ensure, kubernetes
from devcluster.controlplane import ControlPlane
from docs_tools.markdown import blocks
from tests.loop.api import Api, Object, wait_for
from tests.loop.pipeline import Pipeline
from tests.support.git_server import IDENTITY

ROOT = settings.REPOSITORY
PAGE = ROOT / "docs" / "guides" / "gitops.md"
ADDRESS = "https://git.example.com/"
NAMESPACE = "object-detect"


class Reader:
    """One reader of a walk, with a namespace in place of the page's and an address in place of its host."""

    heading: ClassVar[str]
    """Of the walk in the page."""
    files: ClassVar[Path]
    """The folder that the walk names, below the repository."""

    def __init__(self, plane: ControlPlane, api: Api, pipeline: Pipeline, folder: Path, address: str) -> None:
        self._api, self._pipeline = api, pipeline
        self.namespace, self.folder = pipeline.namespace, folder
        section = PAGE.read_text().partition(f"### {self.heading}\n")[2].partition("\n## ")[0]
        self._blocks = iter(blocks(section, "sh"))
        (folder / ".gitconfig").write_text(f'[url "{address}"]\n\tinsteadOf = {ADDRESS}\n')
        kubectl = ensure(kubernetes(versions.chosen()))["kubectl"]
        self._environment = IDENTITY | {
            "PATH": f"{kubectl.parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "KUBECONFIG": str(plane.kubeconfig),
        }
        self._copy_files(address)

    def _copy_files(self, address: str) -> None:
        copy = self.folder / self.files
        shutil.copytree(ROOT / self.files, copy)
        for file in copy.rglob("*.yaml"):
            text = file.read_text().replace(f"namespace: {NAMESPACE}", f"namespace: {self.namespace}")
            file.write_text(text.replace(ADDRESS, address))

    def install(self, program: Path, environment: Mapping[str, str]) -> None:
        """Gives the reader a program more, and what it reads from the environment."""
        self._environment |= {"PATH": f"{program.parent}:{self._environment['PATH']}"} | environment

    def run_next(self) -> str:
        """What the commands of the page's next block print."""
        return self.run(next(self._blocks).replace(f"-n {NAMESPACE} ", f"-n {self.namespace} "))

    def at_the_end(self) -> bool:
        return next(self._blocks, None) is None

    def kubectl(self, *words: str) -> None:
        self.run(shlex.join(["kubectl", "-n", self.namespace, *words]))

    def run(self, text: str) -> str:
        """What these commands print."""
        done = subprocess.run(
            ["sh", "-euc", text],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}\n{self.explain()}"
        return done.stdout

    @property
    def commit(self) -> str:
        """The last one of the reader."""
        head = ["git", "-C", self.folder / "models", "rev-parse", "HEAD"]
        done = subprocess.run(head, env=self._environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def until(self, what: str, find: Any) -> Any:
        return wait_for(what, find, self.explain)

    def objects(self) -> list[Object]:
        """Those of the tool."""
        raise NotImplementedError

    def explain(self) -> str:
        """The tool's objects, the InferenceImage with its Jobs, the operator's log, and every Event."""
        listed = self.objects()
        events = self._api.get(f"/api/v1/namespaces/{self.namespace}/events")["items"]
        told = [f"{one['involvedObject']['kind']} {one['reason']}: {one.get('message')}" for one in events]
        for one in listed:
            one["metadata"].pop("managedFields", None)
        return "\n".join([yaml.safe_dump_all(listed), *told, self._pipeline.explain()])
