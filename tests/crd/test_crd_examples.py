"""The API server accepts the example manifests."""

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
MANIFESTS = [
    (f"{path.relative_to(ROOT)}:{number}", document)
    for path in sorted(ROOT.glob("examples/**/*.yaml"))
    for number, document in enumerate(yaml.safe_load_all(path.read_text()))
    if document and document.get("kind") == "InferenceImage"
]


def test_there_is_an_example() -> None:
    assert MANIFESTS


@pytest.mark.parametrize("manifest", [document for _, document in MANIFESTS], ids=[name for name, _ in MANIFESTS])
def test_example(server: Any, manifest: dict[str, Any]) -> None:
    manifest["metadata"].pop("namespace", None)
    server.create(manifest)
