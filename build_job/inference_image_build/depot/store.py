"""The depot's folder: blobs and manifests by digest, uploads under way, and which manifest is the built image.

Only steps of this project write here: Kaniko does not mount the folder. A name in it is a hash that was checked.
"""

import json
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from inference_image_build.registry import replies
from inference_image_build.registry.manifests import Manifest
from inference_image_contract.content import DIGEST, file_sha256

CHUNK = 1 << 20
_MAX_SMALL = 64 * 1024


class MismatchError(ValueError):
    """The bytes do not have the digest under which they were sent."""


class Depot(NamedTuple):
    """One depot."""

    folder: Path

    def blob(self, digest: str) -> Path | None:
        """The file with a blob; None if the depot does not have it, or if this is not a digest."""
        return self._found("blobs", digest)

    def add_blob(self, digest: str, content: Iterable[bytes]) -> int:
        """Stores a blob; returns its size in bytes.

        Raises MismatchError, and what `content` raises; then the depot does not have the blob.
        """
        upload = self.begin()
        try:
            with self.upload(upload).open("ab") as file:
                file.writelines(content)
            return self.finish(upload, digest)
        finally:
            self.upload(upload).unlink(missing_ok=True)

    def begin(self) -> str:
        """Starts an upload; returns its name."""
        name = secrets.token_hex(16)
        self._place("uploads", name).touch()
        return name

    def upload(self, name: str) -> Path:
        """The file of an upload that `begin` named."""
        return self.folder / "uploads" / name

    def finish(self, name: str, digest: str) -> int:
        """Makes an upload a blob; returns its size. Raises MismatchError."""
        path = self.upload(name)
        if _sha256(path) != digest:
            raise MismatchError(digest)
        size = path.stat().st_size
        path.replace(self._place("blobs", digest.removeprefix("sha256:")))
        return size

    def manifest(self, digest: str) -> Manifest | None:
        """A manifest; None if the depot does not have it."""
        path = self._found("manifests", digest)
        if path is None:
            return None
        kind = path.with_name(f"{path.name}.type").read_text()
        return Manifest(path.read_bytes(), kind)

    def add_manifest(self, manifest: Manifest) -> None:
        """Stores a manifest under its digest."""
        path = self._place("manifests", manifest.digest.removeprefix("sha256:"))
        path.with_name(f"{path.name}.type").write_text(manifest.media_type)
        path.write_bytes(manifest.data)

    def set_built(self, digest: str) -> None:
        """Says which manifest is the built image."""
        self._place("", "built").write_text(digest)

    def built(self) -> Manifest | None:
        """The manifest of the built image; None if there is none."""
        path = self.folder / "built"
        return self.manifest(path.read_text()) if path.exists() else None

    def set_sources(self, repositories: Iterable[str]) -> None:
        """Says from which repositories the base images come."""
        self._place("", "sources").write_text(json.dumps(list(repositories)))

    def sources(self) -> Iterator[str]:
        """The repositories of `set_sources`."""
        path = self.folder / "sources"
        found = replies.document(path.read_bytes()) if path.exists() else None
        yield from (text for text in found if isinstance(text, str)) if isinstance(found, list) else ()

    def _found(self, kind: str, digest: str) -> Path | None:
        if not DIGEST.fullmatch(digest):
            return None
        path = self.folder / kind / digest.removeprefix("sha256:")
        return path if path.is_file() else None

    def _place(self, kind: str, name: str) -> Path:
        folder = self.folder / kind
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name


def pieces(path: Path) -> Iterator[bytes]:
    """The bytes of a file, a piece at a time."""
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            yield piece


def _sha256(path: Path) -> str:
    return f"sha256:{file_sha256(path)}"
