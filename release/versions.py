"""The version of a release as Python, Helm and Git write it."""

import re

from release.errors import ReleaseError

_PYTHON = re.compile(r"(?P<release>\d+\.\d+\.\d+)(?:\.?(?P<kind>a|b|rc|dev)(?P<number>\d*))?")
_WORDS = {"a": "alpha", "b": "beta", "rc": "rc", "dev": "dev"}


def chart_version(version: str) -> str:
    """Semantic Versioning 2.0.0, which Helm requires, from PEP 440: `0.1.0.dev` is `0.1.0-dev`.

    Raises ReleaseError for a form that this project does not use.
    """
    found = _PYTHON.fullmatch(version)
    if not found:
        raise ReleaseError(f"Version {version} has an unsupported form. Write 1.2.3, 1.2.3rc1 or 1.2.3.dev.")
    if not found["kind"]:
        return found["release"]
    number = f".{found['number']}" if found["number"] else ""
    return f"{found['release']}-{_WORDS[found['kind']]}{number}"


def check_tag(tag: str, version: str) -> None:
    """Raises ReleaseError unless the tag names this version or is empty."""
    if tag and tag != f"v{version}":
        wanted = f"Tag the commit v{version}, or change __version__ of inference_image_contract"
        raise ReleaseError(f"The tag {tag} does not name the version of the code, {version}. {wanted}.")
