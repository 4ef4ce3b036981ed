"""The plugin for krew, kubectl's plugin manager: an archive with the wheel, and the manifest that names it.

The form of the manifest: https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/.
"""

from pathlib import Path

import yaml

from release import archives, manifest, sums, versions

NAME = "inferenceimage"
PROGRAM = f"kubectl-{NAME}"
MANIFEST = f"{NAME}.yaml"
PLACEHOLDER = f"https://{manifest.PLACEHOLDER}"
"""The address of the repository when none is given: a reserved name, from which nothing can be downloaded."""
SYSTEMS = ("linux", "darwin")

_SHORT = "See, explain and build InferenceImages"
_DESCRIPTION = """\
An InferenceImage makes a TensorFlow checkpoint into a tested image that serves
it. This plugin shows its stages, why it runs and what its last failure needs,
follows its logs, sends pictures to its image, and checks the installation. It
also writes manifests, and builds an image on a laptop, without a cluster.
"""
_CAVEATS = """\
The plugin needs Python 3.11 or later with its module venv. The first start
downloads the plugin's packages, about 30 MB, from the package index that pip
is configured for, and compares their hashes. On Linux for arm64, pip compiles
one of them, for which it needs Go.
To complete commands with Tab, link a second name in the folder bin of krew:
  ln -s kubectl-inferenceimage "${KREW_ROOT:-$HOME/.krew}/bin/kubectl_complete-inferenceimage"
"""


def write(source: Path, target: Path, version: str, epoch: int, address: str) -> None:
    """Writes the archive, with the wheel that is already in `target`, and the manifest."""
    (wheel,) = target.glob("*.whl")
    packed = target / f"{PROGRAM}-{version}.tar.gz"
    packed.write_bytes(archive(source, wheel, epoch))
    (target / MANIFEST).write_text(manifest_text(version, packed.name, sums.digest(packed), address))


def archive(source: Path, wheel: Path, epoch: int) -> bytes:
    """The launcher, and what it installs."""
    launcher = (source / "release" / "krew" / PROGRAM).read_text().replace("@WHEEL@", wheel.name)
    files = {
        PROGRAM: (launcher.encode(), True),
        wheel.name: (wheel.read_bytes(), False),
        "requirements.txt": ((source / "requirements" / "cli.txt").read_bytes(), False),
    }
    for name in ("LICENSE", "NOTICE"):
        files[name] = ((source / name).read_bytes(), False)
    return archives.tar_gz(files, epoch)


def manifest_text(version: str, packed: str, digest: str, address: str) -> str:
    """The manifest. Without the address of the repository it has a placeholder, and its head says so."""
    base = (address or PLACEHOLDER).rstrip("/")
    uri = f"{base}/releases/download/v{version}/{packed}"  # where GitHub has the files of a tag
    platform = {"uri": uri, "sha256": digest, "bin": PROGRAM}
    spec = {
        "version": f"v{versions.chart_version(version)}",
        "shortDescription": _SHORT,
        **({"homepage": address} if address else {}),
        "description": _DESCRIPTION,
        "caveats": _CAVEATS,
        "platforms": [{"selector": {"matchLabels": {"os": system}}, **platform} for system in SYSTEMS],
    }
    head = {"apiVersion": "krew.googlecontainertools.github.com/v1alpha2", "kind": "Plugin", "metadata": {"name": NAME}}
    return _header(packed, address) + yaml.dump({**head, "spec": spec}, Dumper=_Dumper, sort_keys=False, width=1000)


def _header(packed: str, address: str) -> str:
    lines = [f"# Install: kubectl krew install --manifest={MANIFEST} --archive={packed}"]
    if not address:
        lines.append(f"# Replace {PLACEHOLDER} with the address of the repository, or always name the archive.")
    return "\n".join(lines) + "\n"


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks."""


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)
