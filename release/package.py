"""Makes the Python packages, the chart and install.yaml from the files of a commit."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from release import archives, manifest, versions
from release.devtools import helm, run

OLDEST_KUBERNETES = "1.30.0"
"""The Kubernetes version that install.yaml is rendered for: the oldest that the chart supports."""
CONSTRAINTS = Path("requirements", "release.txt")


def python_packages(source: Path, target: Path, epoch: int) -> None:
    """The sdist, and the wheel that is built from it with the locked setuptools."""
    uv = Path(sys.executable).with_name("uv")
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}
    with tempfile.TemporaryDirectory(prefix="release-") as scratch:
        options = ("--quiet", "--no-config", "--no-create-gitignore", "--require-hashes")
        locked = f"--build-constraints={source / CONSTRAINTS}"
        run(
            [uv, "build", *options, locked, f"--python={sys.executable}", f"--out-dir={scratch}", source],
            env=environment,
        )
        (wheel,) = Path(scratch).glob("*.whl")
        (sdist,) = Path(scratch).glob("*.tar.gz")
        shutil.copy(wheel, target)
        (target / sdist.name).write_bytes(archives.normalized(sdist.read_bytes(), epoch))


def chart(source: Path, target: Path, version: str, epoch: int, described: Callable[[str], str]) -> Path:
    """The chart with the CRD in its crds/, which Helm installs once and never updates. `described` edits Chart.yaml."""
    with tempfile.TemporaryDirectory(prefix="release-") as scratch:
        staged = Path(scratch, "chart")
        shutil.copytree(source / "deploy" / "helm", staged)
        shutil.copytree(source / "crds", staged / "crds")
        head = staged / "Chart.yaml"
        head.write_text(described(head.read_text()))
        numbers = (f"--version={versions.chart_version(version)}", f"--app-version={version}")
        run([helm(), "package", *numbers, f"--destination={scratch}", staged])
        (made,) = Path(scratch).glob("*.tgz")
        (target / made.name).write_bytes(archives.normalized(made.read_bytes(), epoch))
        return target / made.name


def install_manifest(chart_file: Path, values: Path, target: Path, version: str, registry: str) -> None:
    """install.yaml, rendered from the chart that is released."""
    rendered = run(
        [
            *(helm(), "template", manifest.NAME, chart_file, "--include-crds", "--skip-tests"),
            *(f"--namespace={manifest.NAMESPACE}", f"--kube-version={OLDEST_KUBERNETES}", f"--values={values}"),
        ]
    )
    (target / "install.yaml").write_text(manifest.install(version, registry, rendered))
