"""A request that does not reach the API server is sent again; every other error ends the call."""

import pytest

from demo import kubectl
from devcluster.lib.run import CommandError

UNREACHED = "Unable to connect to the server: net/http: TLS handshake timeout"


@pytest.fixture
def scripted(tmp_path, monkeypatch):
    """A kubectl that fails with the given words as often as told, and then answers; returns its number of calls."""

    def script(words: str, times: int):
        calls = tmp_path / "calls"
        calls.touch()
        program = tmp_path / "kubectl"
        answer = f'[ "$(wc -l <{calls})" -gt {times} ] && exec echo "{{}}"'
        program.write_text(f'#!/bin/sh\necho >>{calls}\n{answer}\necho "{words}" >&2\nexit 1\n')
        program.chmod(0o755)
        monkeypatch.setattr(kubectl, "BINARY", program)
        return lambda: len(calls.read_text().splitlines())

    monkeypatch.setattr(kubectl, "TICK", 0.01)
    return script


def test_a_request_that_did_not_arrive_is_sent_again(scripted):
    calls = scripted(UNREACHED, 2)
    assert kubectl.get("pods") == {}
    assert calls() == 3


def test_patience_ends(scripted, monkeypatch):
    monkeypatch.setattr(kubectl, "PATIENCE", 0.1)
    scripted(UNREACHED, 1 << 30)
    with pytest.raises(CommandError, match="TLS handshake timeout"):
        kubectl.get("pods")


def test_an_answer_of_the_api_server_is_final(scripted):
    calls = scripted("Error from server (NotFound): pods not found", 1)
    with pytest.raises(CommandError, match="NotFound"):
        kubectl.get("pods")
    assert calls() == 1
