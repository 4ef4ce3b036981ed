"""The pictures with boxes that `try` has drawn into a folder."""

from pathlib import Path
from typing import NamedTuple

from kubectl_inferenceimage.cluster.connection import Object
from kubectl_inferenceimage.cluster.trial import drawing
from kubectl_inferenceimage.cluster.trial.trial import ENDING

_MOST = 12
"""Pictures of an object that are shown: the newest."""


class Pictures(NamedTuple):
    """The drawn pictures of a folder; none without Pillow, which draws them."""

    folder: Path

    def of(self, namespace: str, name: str) -> list[Object]:
        """The pictures of an object, the newest first: their files, when they were drawn, and by which image."""
        if not drawing.is_possible():
            return []
        found = [(path.stat().st_mtime, path.name, origin) for path, origin in self._drawn()]
        return [
            {"file": file, "time": time, "digest": origin.digest}
            for time, file, origin in sorted(found, reverse=True)
            if (origin.namespace, origin.name) == (namespace, name)
        ][:_MOST]

    def read(self, namespace: str, name: str, file: str) -> bytes | None:
        """A picture of an object; None if it is not among those of `of`, so that no other file is read."""
        known = {picture["file"] for picture in self.of(namespace, name)}
        return (self.folder / file).read_bytes() if file in known else None

    def _drawn(self) -> list[tuple[Path, drawing.Origin]]:
        paths = [path for path in self.folder.glob(f"*{ENDING}") if path.is_file()]
        return [(path, origin) for path in paths if (origin := drawing.origin_of(path))]
