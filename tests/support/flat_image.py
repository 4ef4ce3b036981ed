"""The merged file system of an image's layers."""

import hashlib
import json
import posixpath
import tarfile
from collections.abc import Callable, Sequence
from typing import IO, Any

Blob = Callable[[str], IO[bytes]]
"""Digest -> the bytes of the blob."""
File = tuple[str, int, int, int]
"""SHA-256, mode, owner and group."""


class Flat:
    """The configuration of an image, and the files and folders of its layers."""

    def __init__(self, manifest: dict[str, Any], blob: Blob, leave_out: Sequence[str] = ()) -> None:
        """`leave_out` are digests of layers that are not unpacked."""
        with blob(manifest["config"]["digest"]) as file:
            config = json.load(file)
        self.settings = {key: config.get(key) for key in ("architecture", "os", "config")}
        self.layers = {layer["digest"]: layer["size"] for layer in manifest["layers"]}
        self.media_types = {manifest["mediaType"], *(layer["mediaType"] for layer in manifest["layers"])}
        self.files: dict[str, File] = {}
        self.folders: set[str] = set()
        for digest in self.layers:
            if digest not in leave_out:
                with blob(digest) as layer:
                    self._apply(layer)

    def _apply(self, layer: IO[bytes]) -> None:
        with tarfile.open(fileobj=layer, mode="r:gz") as archive:
            for info in archive:
                path = posixpath.normpath(f"/{info.name}")
                if info.isfile():
                    file = archive.extractfile(info)
                    assert file is not None
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                    self.files[path] = (digest, info.mode, info.uid, info.gid)
                    path = posixpath.dirname(path)
                while path != "/":
                    self.folders.add(path)
                    path = posixpath.dirname(path)

    @property
    def declared_only(self) -> set[str]:
        """Empty folders of WORKDIR and VOLUME: Kaniko creates them, Append leaves them to the runtime."""
        settings = self.settings["config"]
        declared = (settings.get("WorkingDir", "/"), *settings.get("Volumes", {}))
        return {
            path
            for path in self.folders
            if any(f"{place}/".startswith(f"{path}/") for place in declared)
            and not any(file.startswith(f"{path}/") for file in self.files)
        }
