"""The chart's description for Artifact Hub: annotations that `make release` adds to Chart.yaml.

The keys are those of Artifact Hub's documentation of annotations in Helm charts. Every value is a string.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from release import notes

KINDS = {
    "Added": "added",
    "Changed": "changed",
    "Deprecated": "deprecated",
    "Removed": "removed",
    "Fixed": "fixed",
    "Security": "security",
}
"""Heading of CHANGELOG.md -> kind of a change."""
PLATFORM = "linux/amd64"

_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_SENTENCE = re.compile(r"(?<=[.])\s")


def changes(section: str) -> list[dict[str, str]]:
    """The items of a section of CHANGELOG.md, each by its first sentence."""
    found = []
    kind = ""
    for block in re.split(r"^(?=### |- )", section, flags=re.MULTILINE):
        if block.startswith("### "):
            kind = KINDS.get(block.split("\n", 1)[0].removeprefix("### ").strip(), "")
        elif block.startswith("- ") and kind:
            found.append({"kind": kind, "description": _first_sentence(block.removeprefix("- "))})
    return found


def _first_sentence(item: str) -> str:
    paragraph = " ".join(item.split("\n\n", maxsplit=1)[0].split())
    return _SENTENCE.split(_LINK.sub(r"\1", paragraph))[0]


def annotations(
    crd: Mapping[str, Any], example: Mapping[str, Any], references: Mapping[str, str], section: str
) -> dict[str, str]:
    """What the sources say of a release: CRD, an example of it, images by name, and the section of CHANGELOG.md."""
    names = crd["spec"]["names"]
    (version,) = (one for one in crd["spec"]["versions"] if one["storage"])
    described = {
        "kind": names["kind"],
        "version": version["name"],
        "name": crd["metadata"]["name"],
        "displayName": names["kind"],
        "description": version["schema"]["openAPIV3Schema"]["description"],
    }
    parts = {
        "crds": [described],
        "crdsExamples": [dict(example)],
        "images": [{"name": name, "image": image, "platforms": [PLATFORM]} for name, image in references.items()],
        "changes": changes(section),
    }
    return {f"artifacthub.io/{name}": _text(part) for name, part in parts.items() if part}


def _text(document: object) -> str:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)


def described(chart: str, added: Mapping[str, str], address: str) -> str:
    """Chart.yaml with these annotations, and with the web address of the repository if it is known."""
    document = yaml.safe_load(chart)
    document["annotations"] = {**document.get("annotations", {}), **added}
    if address:
        document["annotations"]["artifacthub.io/links"] = _text([{"name": "Repository", "url": address}])
        document |= {"home": address, "sources": [address]}
    return _text(document)


def of_release(source: Path, references: Mapping[str, str], version: str, address: str) -> Callable[[str], str]:
    """What edits Chart.yaml for a release of these files."""
    (crd,) = (yaml.safe_load(path.read_text()) for path in (source / "crds").glob("*.yaml"))
    example = yaml.safe_load((source / "examples" / "object-detect" / "inferenceimage.yaml").read_text())
    section = notes.newest((source / "CHANGELOG.md").read_text(), version)
    added = annotations(crd, example, references, section)
    return lambda chart: described(chart, added, address)
