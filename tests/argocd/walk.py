"""The walk of docs/guides/gitops.md with Argo CD: the files of deploy/argocd, and the Application."""

from pathlib import Path
from typing import Any

from tests.argocd.installation import GROUP, NAMESPACE
from tests.gitops.reader import Reader
from tests.loop.api import Object

REFRESH = "argocd.argoproj.io/refresh"


class Walk(Reader):
    """One reader of the page, and what Argo CD says."""

    heading = "A walk with Argo CD"
    files = Path("deploy", "argocd")
    name = "models"
    path = f"{GROUP}/namespaces/{NAMESPACE}/applications/{name}"

    @property
    def status(self) -> Object:
        """Of the Application."""
        return (self._api.find(self.path) or {}).get("status", {})

    def said(self, *fields: str) -> Any:
        """A field of the Application's status; None without it."""
        found: Any = self.status
        for field in fields:
            found = (found or {}).get(field)
        return found

    @property
    def verdict(self) -> tuple[str | None, str | None]:
        """Whether it is as Git says, and its health."""
        return self.said("sync", "status"), self.said("health", "status")

    @property
    def synced(self) -> str:
        """The commit of the last sync that ended well."""
        return (self.said("history") or [{"revision": ""}])[-1]["revision"]

    def until_synced(self) -> None:
        """The last commit is synced, and all that is in it is healthy."""
        wanted = (self.commit, ("Synced", "Healthy"))
        self.until("the Application is Synced and Healthy", lambda: (self.synced, self.verdict) == wanted)

    def refresh(self) -> None:
        """Returns when Argo CD has compared the cluster with Git once more."""
        self._api.merge(self.path, {"metadata": {"annotations": {REFRESH: "hard"}}})
        self.until("Argo CD has compared", lambda: REFRESH not in self._annotations)

    @property
    def _annotations(self) -> Object:
        return self._api.get(self.path)["metadata"].get("annotations", {})

    def push(self, old: str, new: str) -> None:
        """A commit that replaces a text in the manifest of the InferenceImage. Argo CD looks at once."""
        file = self.folder / "models" / "inferenceimage.yaml"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))
        self.run(f"git -C models commit -qam '{new}' && git -C models push -q origin HEAD:main")
        self._api.merge(self.path, {"metadata": {"annotations": {REFRESH: "normal"}}})

    def objects(self) -> list[Object]:
        return self._api.get(self.path.rpartition("/")[0])["items"]

    def end(self) -> None:
        """Deletes the Application, and none of its objects."""
        if self._api.find(self.path):
            self._api.request("DELETE", self.path)
