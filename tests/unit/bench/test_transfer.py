"""The transfer benchmark at small size: every client transfers the same bytes, and the figures are correct."""

import pytest

from bench.transfer.__main__ import BLOCK, bench, large, small


@pytest.fixture(scope="module")
def found():
    with bench(2 * BLOCK, 3) as found:
        yield found


def test_small_files_with_our_client_and_the_sdk(found):
    figures = small(found, 3, rounds=1)
    assert [figure.unit for figure in figures] == ["files/s"] * 4
    assert all(figure.ratio for figure in figures)
    assert len(found.store.list("ours/small/", limit=9)) == len(found.store.list("put/small/", limit=9)) == 3


def test_a_large_object_with_our_client_curl_and_the_sdk(found):
    figures = large(found, 2 * BLOCK, rounds=1)
    assert [figure.unit for figure in figures] == ["MB/s"] * 4 + ["MiB"] * 2
    assert all(figure.ratio for figure in figures)
    assert found.store.head("ours/large").size == 2 * BLOCK
