"""A stand-in API server, and the plugin's commands run against it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.cli.cluster.standin import ApiServer, serve


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with serve() as found:
        yield found


@pytest.fixture
def ask(
    api: ApiServer, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> Callable[..., tuple[int, str, str]]:
    """ask("watch", "detector") -> exit code, standard output, standard error."""
    kubeconfig = api.kubeconfig(tmp_path)
    return lambda *words: run(*words, "--kubeconfig", kubeconfig)
