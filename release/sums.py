"""SHA256SUMS, as `sha256sum --check` reads it."""

import hashlib
from pathlib import Path

NAME = "SHA256SUMS"


def lines(folder: Path) -> str:
    """One line for each file of the folder, in the order of their names."""
    found = sorted(path for path in folder.iterdir() if path.name != NAME)
    return "".join(f"{digest(path)}  {path.name}\n" for path in found)


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
