"""The tables of operators that decide what a release reads are those of the releases themselves."""

import pytest

from inference_image_export.readable import RELEASES
from tests.tensorflow1.conftest import run


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.version)
def test_the_table_is_what_the_release_tells(release, tmp_path):
    assert run(f"{release.version}.0", tmp_path, "read_operators.py") == release.table.read_text("ascii")
