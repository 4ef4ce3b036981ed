"""One registry and one base image for all builds."""

from collections.abc import Iterator

import pytest

from bench.builders.site import Site, site


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("site")) as found:
        yield found
