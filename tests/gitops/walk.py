"""The walk of docs/guides/gitops.md: its commands, the files of deploy/flux, and the objects that they make."""

import os
import shlex
import shutil
import subprocess
from itertools import count
from pathlib import Path
from typing import Any

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
FILES = ROOT / "deploy" / "flux"
ADDRESS = "https://git.example.com/"
NAMESPACE = "object-detect"
REQUEST = "reconcile.fluxcd.io/requestedAt"
FLUX = {
    "gitrepositories": "source.toolkit.fluxcd.io/v1",
    "kustomizations": "kustomize.toolkit.fluxcd.io/v1",
}
_requests = count(1)


class Walk:
    """One reader of the page, with a namespace in place of the page's and an address in place of its host."""

    def __init__(self, plane: ControlPlane, api: Api, pipeline: Pipeline, folder: Path, address: str) -> None:
        self._api, self._pipeline = api, pipeline
        self.namespace, self.folder = pipeline.namespace, folder
        section = PAGE.read_text().partition("### A walk through a repository")[2].partition("\n## ")[0]
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
        copy = self.folder / "deploy" / "flux"
        shutil.copytree(FILES, copy)
        for file in copy.rglob("*.yaml"):
            text = file.read_text().replace(f"namespace: {NAMESPACE}", f"namespace: {self.namespace}")
            file.write_text(text.replace(ADDRESS, address))

    def judge_by_expressions(self) -> None:
        """The Kustomization of the images gets the expressions of health-checks.yaml."""
        file = self.folder / "deploy" / "flux" / "models.yaml"
        documents = list(yaml.safe_load_all(file.read_text()))
        (detectors,) = (one for one in documents if one["metadata"]["name"] == "detectors")
        detectors["spec"]["healthCheckExprs"] = yaml.safe_load((FILES / "health-checks.yaml").read_text())
        file.write_text(yaml.safe_dump_all(documents))

    def run_next(self) -> str:
        """What the commands of the page's next block print."""
        return self._run(next(self._blocks).replace(f"-n {NAMESPACE} ", f"-n {self.namespace} "))

    def kubectl(self, *words: str) -> None:
        self._run(shlex.join(["kubectl", "-n", self.namespace, *words]))

    def _run(self, text: str) -> str:
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

    def at_the_end(self) -> bool:
        return next(self._blocks, None) is None

    @property
    def revision(self) -> str:
        """The last commit of the reader, as Flux writes it."""
        head = ["git", "-C", self.folder / "models", "rev-parse", "HEAD"]
        done = subprocess.run(head, env=self._environment, capture_output=True, text=True, check=True)
        return f"main@sha1:{done.stdout.strip()}"

    def path(self, plural: str, name: str) -> str:
        return f"/apis/{FLUX[plural]}/namespaces/{self.namespace}/{plural}/{name}"

    def status(self, name: str) -> Object:
        """Of a Kustomization."""
        return (self._api.find(self.path("kustomizations", name)) or {}).get("status", {})

    def ready(self, name: str) -> tuple[str, str, str]:
        """Status, reason and message of a Kustomization's condition Ready."""
        found = (one for one in self.status(name).get("conditions", []) if one["type"] == "Ready")
        return next(((one["status"], one["reason"], one["message"]) for one in found), ("", "", ""))

    def until_ready(self, name: str) -> None:
        """A Kustomization has applied the last commit, and all that is in it is ready."""
        self.until(
            f"{name} is Ready with the last commit",
            lambda: self.status(name).get("lastAppliedRevision") == self.revision and self.ready(name)[0] == "True",
        )

    def request(self, name: str) -> str:
        """Asks Flux to look at a Kustomization once more, as `flux reconcile` does. Returns the request."""
        request = str(next(_requests))
        self._api.merge(self.path("kustomizations", name), {"metadata": {"annotations": {REQUEST: request}}})
        return request

    def reconcile(self, name: str) -> None:
        """Returns when Flux has looked at a Kustomization once more, and it is Ready."""
        request = self.request(name)
        self.until(f"Flux has looked at {name}", lambda: self.status(name).get("lastHandledReconcileAt") == request)
        self.until(f"{name} is Ready", lambda: self.ready(name)[0] == "True")

    def until(self, what: str, find: Any) -> Any:
        return wait_for(what, find, self.explain)

    def explain(self) -> str:
        """Flux's objects, the InferenceImage with its Jobs, the operator's log, and every Event."""
        listed = [one for plural in FLUX for one in self._api.get(self.path(plural, "").rstrip("/"))["items"]]
        events = self._api.get(f"/api/v1/namespaces/{self.namespace}/events")["items"]
        told = [f"{one['involvedObject']['kind']} {one['reason']}: {one.get('message')}" for one in events]
        for one in listed:
            one["metadata"].pop("managedFields", None)
        return "\n".join([yaml.safe_dump_all(listed), *told, self._pipeline.explain()])
