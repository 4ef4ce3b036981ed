"""CycloneDX SBOMs of the images, from the lock files that the images are built from.

An SBOM lists what this project puts into an image: Python packages, or the Go modules of Kaniko. The packages of the
base image are not in it.
"""

import json
import os
import re
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from release.devtools import run
from release.errors import ReleaseError

VERSION = "1.6"
LOCKS = {
    "operator": ("operator",),
    "export": ("export",),
    "export-onnx": ("export", "export-onnx"),
    "build": ("build",),
    "inference-base": ("inference-tensorflow",),
    "inference-base-onnx": ("inference-onnx",),
}
"""Name of an image -> the lock files in requirements/ that it installs."""
MODULES = {"kaniko": Path("devcluster", "tools", "kaniko", "go.mod")}
"""Name of an image -> the file that lists the modules of its program."""
_MODULE = re.compile(r"^(?:require)?\s+(?P<name>[\w./~-]+) (?P<version>v\S+)", re.MULTILINE)


def write(source: Path, target: Path, version: str, epoch: int) -> None:
    """Writes NAME-VERSION.cdx.json for each image. Equal sources and times give equal bytes.

    Raises ReleaseError if one does not fit the schema of CycloneDX.
    """
    for name in (*LOCKS, *MODULES):
        found = _of_modules(source / MODULES[name]) if name in MODULES else _of_locks(source, LOCKS[name])
        found["metadata"]["timestamp"] = datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        found["metadata"]["component"] = {"bom-ref": name, "type": "container", "name": name, "version": version}
        text = json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
        if problem is not None:
            raise ReleaseError(f"The SBOM of {name} is malformed: {problem}")
        (target / f"{name}-{version}.cdx.json").write_text(text)


def _of_locks(source: Path, locks: tuple[str, ...]) -> dict[str, Any]:
    """What CycloneDX's own tool reads in lock files. `write` validates it, once."""
    tool = Path(sys.executable).with_name("cyclonedx-py")
    environment = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    with tempfile.TemporaryDirectory(prefix="sbom-") as scratch:
        joined, made = Path(scratch, "requirements.txt"), Path(scratch, "sbom.json")
        joined.write_text("".join((source / "requirements" / f"{lock}.txt").read_text() for lock in locks))
        flags = ("--output-reproducible", "--no-validate", f"--spec-version={VERSION}", "--output-format=JSON")
        run([tool, "requirements", *flags, f"--output-file={made}", joined], env=environment)
        found: dict[str, Any] = json.loads(made.read_text())
    for component in found["components"]:
        component.pop("description", None)  # the line of the lock file, with all hashes a second time
    return found


def _of_modules(path: Path) -> dict[str, Any]:
    """The modules that a go.mod lists. Since Go 1.17 these are all that the program is built from."""
    components = [
        {
            "bom-ref": (purl := f"pkg:golang/{found['name']}@{found['version']}"),
            "type": "library",
            "name": found["name"],
            "version": found["version"],
            "purl": purl,
        }
        for found in _MODULE.finditer(path.read_text())
    ]
    return {"bomFormat": "CycloneDX", "specVersion": VERSION, "version": 1, "metadata": {}, "components": components}
