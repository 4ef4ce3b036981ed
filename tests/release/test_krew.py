"""krew itself installs the plugin from the files of a release, and kubectl runs it."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import inference_image_contract
from devcluster import binaries, versions
from kubectl_inferenceimage.__main__ import parser

VERSION = inference_image_contract.__version__
ARCHIVE = f"kubectl-inferenceimage-{VERSION}.tar.gz"

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a program, with kubectl and krew on PATH, and with a root of krew's own."""
    built = binaries.ensure(binaries.kubernetes(versions.chosen()), binaries.KREW)
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, program in (("kubectl", "kubectl"), ("kubectl-krew", "krew"), ("validate", "validate-krew-manifest")):
        (programs / name).symlink_to(built[program])
    root = tmp_path / "krew"
    path = f"{root / 'bin'}:{programs}:{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "KREW_ROOT": str(root), "KREW_NO_UPGRADE_CHECK": "1"}

    def call(*words: str, folder: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        ended = subprocess.run(words, check=False, capture_output=True, text=True, cwd=folder, env=environment)
        assert ended.returncode == 0, f"{words}\n{ended.stdout}\n{ended.stderr}"
        return ended

    return call


def test_the_manifest_is_valid_and_its_address_has_the_archive(files: Path, run: Run) -> None:
    """The check of krew's own index. It downloads and installs the plugin of each system, and looks for a license."""
    told = run("validate", f"-manifest={files / 'inferenceimage.yaml'}").stderr
    assert "all 2 spec.platforms installed fine" in told


def test_krew_installs_the_plugin(files: Path, run: Run, tmp_path: Path) -> None:
    """From the files, as without a connection to the repository. A module in the current folder is not imported."""
    words = ("--manifest=inferenceimage.yaml", f"--archive={ARCHIVE}")
    told = run("kubectl", "krew", "install", *words, folder=files).stderr
    assert "Installed plugin: inferenceimage" in told
    assert "The plugin needs Python 3.11 or later" in told
    for module in ("pip", "venv", "yaml"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit('a module of the current folder')")

    first = run("kubectl", "inferenceimage", "--help")
    assert "installing its Python packages, which happens once" in first.stderr
    assert first.stdout == parser().format_help()
    assert run("kubectl", "inferenceimage", "--help").stderr == ""

    link = tmp_path / "krew" / "bin" / "kubectl_complete-inferenceimage"
    link.symlink_to("kubectl-inferenceimage")
    assert run("kubectl", "__complete", "inferenceimage", "desc").stdout.splitlines() == ["describe", ":4"]

    run("git", "init", "--quiet", "krew/index/default")  # without an index, krew uninstalls nothing
    run("kubectl", "krew", "uninstall", "inferenceimage")
    assert list((tmp_path / "krew" / "store").iterdir()) == []
