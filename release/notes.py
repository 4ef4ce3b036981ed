"""The notes of a release: its section of CHANGELOG.md."""

import re

from release.errors import ReleaseError


def section(changelog: str, version: str) -> str:
    """The text below `## [version]`. Raises ReleaseError when the section is missing or empty."""
    found = re.search(rf"^## \[{re.escape(version)}\][^\n]*\n(.*?)(?=^## \[|\Z)", changelog, re.MULTILINE | re.DOTALL)
    if not found or not found[1].strip():
        raise ReleaseError(f"CHANGELOG.md has no section [{version}]. Rename [Unreleased] to [{version}] - YYYY-MM-DD.")
    return found[1].strip() + "\n"


def newest(changelog: str, version: str) -> str:
    """The section of the version, or else what is not released yet; empty without either."""
    for name in (version, "Unreleased"):
        try:
            return section(changelog, name)
        except ReleaseError:
            continue
    return ""
