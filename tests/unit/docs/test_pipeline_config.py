"""docs/reference/pipeline-config.md lists the feature extractors of the Resolve step."""

import re
from pathlib import Path

import pytest

from inference_image_build.pipeline_config import schema

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "pipeline-config.md").read_text("utf-8")


@pytest.mark.parametrize("architecture", schema.extractors())
def test_the_page_lists_every_type(architecture: str) -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{architecture}` | `"))
    exported, others = (tuple(re.findall(r"`(\w+)`", cell)) for cell in row.split("|")[2:4])
    types = schema.extractors()[architecture]
    assert (exported, others) == (types.buildable, types.unbuildable)
