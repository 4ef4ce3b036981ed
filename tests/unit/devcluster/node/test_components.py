"""The first process of the node starts, restarts and reaps components."""

import json
import sys
import time

import pytest

from devcluster import settings
from devcluster.node import init, status
from devcluster.node.components import Component, components

DEADLINE = 60


@pytest.fixture
def make_node(tmp_path, monkeypatch):
    (tmp_path / "log").mkdir()
    (tmp_path / "node").mkdir()
    monkeypatch.setattr(settings, "NODE_STATE", tmp_path)
    monkeypatch.setattr(init, "RESTART_DELAY", 0.0)
    monkeypatch.setattr(init, "api_is_ready", lambda: False)
    nodes = []

    def make(*parts):
        nodes.append(init.Node(list(parts), inherited=-1))
        return nodes[-1]

    yield make
    for process in (part.process for one in nodes for part in one._parts if part.process):
        process.kill()
        process.wait(10)


def state(tmp_path):
    return json.loads((tmp_path / init.STATUS).read_text())


def tick_until(subject, condition):
    deadline = time.monotonic() + DEADLINE
    while True:
        subject.tick()
        if condition():
            return
        assert time.monotonic() < deadline, "the node did not reach the expected state"


def test_a_component_that_ends_is_restarted(make_node, tmp_path):
    subject = make_node(Component("short", ("false",)))
    tick_until(subject, lambda: state(tmp_path)["short"]["starts"] >= 3)
    assert state(tmp_path)["short"]["lastCode"] == 1


def test_a_component_that_succeeded_is_not_restarted(make_node, tmp_path):
    marker = tmp_path / "marker"
    fails_once = f"import pathlib,sys; p=pathlib.Path({str(marker)!r}); n=p.exists(); p.touch(); sys.exit(not n)"
    subject = make_node(Component("work", (sys.executable, "-c", fails_once), once=True))
    tick_until(subject, lambda: state(tmp_path)["work"]["done"])
    for _ in range(5):
        subject.tick()
    assert state(tmp_path)["work"]["starts"] == 2


def test_a_component_that_needs_the_api_waits_for_it(make_node, tmp_path, monkeypatch):
    subject = make_node(
        Component("first", ("true",), once=True), Component("later", ("true",), needs_api=True, once=True)
    )
    tick_until(subject, lambda: state(tmp_path)["first"]["done"])
    assert state(tmp_path)["later"]["starts"] == 0
    monkeypatch.setattr(init, "api_is_ready", lambda: True)
    tick_until(subject, lambda: state(tmp_path)["later"]["done"])


def test_the_output_of_a_component_is_logged(make_node, tmp_path):
    subject = make_node(Component("speaker", ("echo", "said"), once=True))
    tick_until(subject, lambda: state(tmp_path)["speaker"]["done"])
    assert (tmp_path / "log" / "speaker.log").read_text() == "said\n"


def test_component_names_are_unique():
    names = [part.name for part in components("/group", 3, 12345)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("wanted", [False, True])
def test_network_policies_are_enforced_only_when_wanted(wanted):
    names = [part.name for part in components("/group", 3, 12345, network_policies=wanted)]
    assert ("kube-router" in names) is wanted


def test_no_secret_is_in_a_command_line():
    words = [word for part in components("/group", 3, 12345) for word in part.argv]
    assert not [word for word in words if "password" in word or "token" in word.lower()]


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ({"running": True, "done": False, "starts": 1, "lastCode": None}, "running"),
        ({"running": True, "done": False, "starts": 4, "lastCode": 1}, "running, started 4 times"),
        ({"running": False, "done": True, "starts": 1, "lastCode": 0}, "done"),
        ({"running": False, "done": False, "starts": 0, "lastCode": None}, "waiting for the API server"),
        ({"running": False, "done": False, "starts": 2, "lastCode": 7}, "exited with code 7, started 2 times"),
    ],
)
def test_the_state_of_a_component_in_words(part, text):
    assert status.describe(part) == text
