"""The op tables that decide which release reads a graph equal those of the releases."""

import pytest

from inference_image_export.readable import RELEASES
from tests.tensorflow1.conftest import run


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.version)
def test_the_table_equals_the_releases_output(release, tmp_path):
    assert run(f"{release.version}.0", tmp_path, "read_operators.py") == release.table.read_text("ascii")
