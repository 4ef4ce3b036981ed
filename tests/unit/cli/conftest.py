"""Fixtures of the plugin's tests: the example's manifest, an installation for it, and a way to run a command."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubectl_inferenceimage.__main__ import main

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "object-detect" / "inferenceimage.yaml"
VALUES = {
    "images": {name: f"registry.test/{name}@sha256:{'1' * 64}" for name in ("operator", "export", "build", "kaniko")},
    "config": {
        "registries": {"allowed": ["uhub.devcluster.test"]},
        "ufile": {"allowedEndpoints": [{"scheme": "http", "suffix": ".ufile.devcluster.test"}]},
    },
}


@pytest.fixture
def values(tmp_path: Path) -> Path:
    path = tmp_path / "values.yaml"
    path.write_text(json.dumps(VALUES))  # JSON is YAML, and is written in no time
    return path


@pytest.fixture(scope="session")
def example() -> dict[str, Any]:
    """The example's manifest."""
    return yaml.safe_load(EXAMPLE.read_text())


@pytest.fixture
def manifest(tmp_path: Path, example: dict[str, Any]) -> Callable[..., Path]:
    """manifest({"spec.test.enabled": False}) -> a file: the example with fields (`a.b.c`) changed, None removes one."""

    def write(changes: dict[str, Any] | None = None) -> Path:
        document = copy.deepcopy(example)
        for path, value in (changes or {}).items():
            *parents, last = path.split(".")
            place = document
            for parent in parents:
                place = place.setdefault(parent, {})
            if value is None:
                place.pop(last, None)
            else:
                place[last] = value
        file = tmp_path / "inferenceimage.yaml"
        file.write_text(json.dumps(document))
        return file

    return write


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """run("render", ...) -> exit code, standard output, standard error."""

    def call(*words: object) -> tuple[int, str, str]:
        code = main([str(word) for word in words])
        return code, *capsys.readouterr()

    return call
