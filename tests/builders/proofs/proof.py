"""A Dockerfile and the image that `docker build` makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.builders.lab import File, Image


@dataclass(frozen=True)
class Proof:
    """What an image must have. Texts stand for files with mode 0644 that belong to root."""

    dockerfile: str
    files: Mapping[str, str | File] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    folders: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    """Owner, group and mode."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """Settings, a part of the configuration's `config`."""
    top: Mapping[str, Any] = field(default_factory=dict)
    """A part of the configuration itself."""
    layers: int | None = None
    for_append: "Proof | None" = None
    """What Append has to do with the feature instead."""
    ended: str = ""
    """For a row that is checked: a Dockerfile that the builder alone builds wrongly, and whose build the check ends."""
    unseen: str = ""
    """Why this cannot be shown without a pod; then the builder alone is not tried."""

    def faults(self, image: Image | None) -> list[str]:
        """How the image differs from what it must be; None is a build that failed."""
        if image is None:
            return ["the build failed"]
        wanted = {path: found if isinstance(found, File) else File(found) for path, found in self.files.items()}
        settings = image.config.get("config") or {}
        return [
            *(f"{path}: {image.files.get(path)}" for path in wanted if image.files.get(path) != wanted[path]),
            *(
                f"{path} is there"
                for path in self.absent
                if path in image.files or path in image.links or path in image.folders
            ),
            *(
                f"{path} belongs to {image.folders.get(path)}"
                for path, owner in self.folders.items()
                if path not in image.folders
                or (image.folders[path].uid, image.folders[path].gid, image.folders[path].mode) != owner
            ),
            *(f"{key}: {settings.get(key)}" for key in self.config if settings.get(key) != self.config[key]),
            *(f"{key}: {image.config.get(key)}" for key in self.top if image.config.get(key) != self.top[key]),
            *([f"{image.layers} layers"] if self.layers not in {None, image.layers} else []),
        ]
