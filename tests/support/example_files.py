"""The files of an example."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from devcluster.settings import REPOSITORY


@dataclass(frozen=True)
class Example:
    """An example by its folder."""

    folder: Path

    def documents(self, name: str) -> dict[tuple[str, str], dict[str, Any]]:
        """The objects of a manifest by kind and name."""
        loaded = yaml.safe_load_all((self.folder / name).read_text())
        return {(one["kind"], one["metadata"]["name"]): one for one in loaded}

    @property
    def spec(self) -> dict[str, Any]:
        """The spec of the InferenceImage."""
        return self.documents("inferenceimage.yaml")["InferenceImage", "object-detect"]["spec"]

    @property
    def pod(self) -> dict[str, Any]:
        """The spec of the Deployment's pods."""
        return self.documents("serving.yaml")["Deployment", "object-detect"]["spec"]["template"]["spec"]


OBJECT_DETECT = Example(REPOSITORY / "examples" / "object-detect")
TUTORIAL = Example(REPOSITORY / "examples" / "tutorial")
