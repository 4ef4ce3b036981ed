"""The walk of docs/guides/gitops.md with Flux: the files of deploy/flux, and Flux's objects."""

from itertools import count
from pathlib import Path

import yaml

from tests.gitops.reader import ROOT, Reader
from tests.loop.api import Object

REQUEST = "reconcile.fluxcd.io/requestedAt"
FLUX = {
    "gitrepositories": "source.toolkit.fluxcd.io/v1",
    "kustomizations": "kustomize.toolkit.fluxcd.io/v1",
}
_requests = count(1)


class Walk(Reader):
    """One reader of the page, and what Flux says."""

    heading = "A walk through a repository"
    files = Path("deploy", "flux")

    def judge_by_expressions(self) -> None:
        """The Kustomization of the images gets the expressions of health-checks.yaml."""
        file = self.folder / self.files / "models.yaml"
        documents = list(yaml.safe_load_all(file.read_text()))
        (detectors,) = (one for one in documents if one["metadata"]["name"] == "detectors")
        checks = ROOT / self.files / "health-checks.yaml"
        detectors["spec"]["healthCheckExprs"] = yaml.safe_load(checks.read_text())
        file.write_text(yaml.safe_dump_all(documents))

    @property
    def revision(self) -> str:
        """The last commit of the reader, as Flux writes it."""
        return f"main@sha1:{self.commit}"

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

    def objects(self) -> list[Object]:
        return [one for plural in FLUX for one in self._api.get(self.path(plural, "").rstrip("/"))["items"]]
