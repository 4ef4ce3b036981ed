"""An installation by Helm, and its upgrade as docs/operations/install.md has it. The operator runs as a process."""

import os
import shutil
from pathlib import Path

import yaml

from devcluster import binaries, settings, versions
from devcluster.controlplane import ControlPlane
from devcluster.lib.run import run
from tests.loop.api import IMAGE_VALUES, Api, kubeconfig, wait_for
from tests.loop.conftest import CRD_PATH
from tests.loop.process import Process

CURRENT = settings.REPOSITORY
RELEASE = "inference-image-operator"
NAMESPACE = "inference-image-system"
VALUES = {
    "images": IMAGE_VALUES,
    "config": {
        "registries": {"allowed": ["uhub.devcluster.test"]},
        "ufile": {"allowedEndpoints": [{"scheme": "http", "suffix": ".ufile.devcluster.test"}]},
        "resync": "5s",
    },
}
"""Both versions know them: an upgrade keeps the file with the values."""


class Installation:
    """One release of the chart. `folder` is for its files."""

    def __init__(self, plane: ControlPlane, api: Api, folder: Path) -> None:
        self._plane = plane
        self._api = api
        self._folder = folder
        self._values = folder / "my-values.yaml"
        self._values.write_text(yaml.safe_dump(VALUES))

    def install(self, version: Path) -> None:
        """As for a release: the chart contains the CRD, and Helm creates it."""
        self._helm("upgrade", "--install", "--create-namespace", RELEASE, self._chart(version), *self._where())
        self._await_crd(version)

    def upgrade_crd(self, version: Path) -> None:
        """The first command of the upgrade."""
        crd = self._helm("show", "crds", self._chart(version))
        kubectl = binaries.ensure(binaries.kubernetes(versions.chosen()))["kubectl"]
        words = ("apply", "--server-side", "--force-conflicts", "-f", "-")
        run([kubectl, f"--kubeconfig={self._plane.kubeconfig}", *words], text=crd)
        self._await_crd(version)

    def upgrade_chart(self, version: Path) -> None:
        """The second one."""
        self._helm("upgrade", RELEASE, self._chart(version), *self._where())

    def operator(self, version: Path, name: str) -> Process:
        """The operator's process of this version, with the rights and the configuration of the chart in the cluster."""
        directory = self._folder / name
        directory.mkdir()
        process = Process(directory, [version / "operator", version / "job_contract"])
        path = f"/api/v1/namespaces/{NAMESPACE}"
        process.configure(self._api.get(f"{path}/configmaps/{RELEASE}"))
        self._api.await_rights()
        process.connect(kubeconfig(self._api.token(NAMESPACE, RELEASE), self._plane.url, self._plane.ca))
        return process

    def _where(self) -> list[str]:
        return [f"--namespace={NAMESPACE}", f"--values={self._values}", f"--kubeconfig={self._plane.kubeconfig}"]

    def _chart(self, version: Path) -> str:
        """The chart with its CRD, as `make release` packs it."""
        chart = self._folder / f"chart-of-{version.name}"
        if not chart.exists():
            shutil.copytree(version / "deploy" / "helm", chart)
            shutil.copytree(version / "crds", chart / "crds")
        return str(chart)

    def _helm(self, *words: str) -> str:
        return run([binaries.ensure(binaries.HELM)["helm"], *words], env={**os.environ, "HOME": str(self._folder)})

    def _await_crd(self, version: Path) -> None:
        (file,) = (version / "crds").glob("*.yaml")
        specified = yaml.safe_load(file.read_text())["spec"]["versions"][0]["schema"]

        def served() -> bool:
            found = self._api.get(CRD_PATH)
            conditions = {one["type"]: one["status"] for one in found.get("status", {}).get("conditions", [])}
            schema = found["spec"]["versions"][0]["schema"]
            return schema == specified and conditions.get("Established") == "True"

        wait_for("the CRD is served", served)
