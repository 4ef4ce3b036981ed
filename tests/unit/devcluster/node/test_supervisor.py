"""The host process of the cluster: always found, never confused with another process."""

import json
import os
import subprocess

import pytest

from devcluster.node import supervisor


@pytest.fixture
def sleeper():
    """A process in place of the supervisor; always killed at the end of the test."""
    process = subprocess.Popen(["sleep", "600"], stdin=subprocess.DEVNULL)
    yield process
    process.kill()
    process.wait(10)


@pytest.fixture
def write_record(tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "RECORD", tmp_path / "supervisor.json")

    def write(pid, changes=None):
        record = {"pid": pid, "started": supervisor._start_time(pid), "boot": supervisor._boot()} | (changes or {})
        supervisor.RECORD.write_text(json.dumps(record))

    return write


def test_the_recorded_process_is_found(sleeper, write_record):
    write_record(sleeper.pid)
    assert supervisor.process() == sleeper.pid


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"started": "1"}, id="another process has the PID now"),
        pytest.param({"boot": "an earlier one"}, id="the machine was rebooted"),
        pytest.param({"pid": "many"}, id="the record is damaged"),
    ],
)
def test_a_record_that_does_not_match_finds_no_process(sleeper, write_record, changes):
    write_record(sleeper.pid, changes)
    assert supervisor.process() is None
    assert supervisor.stop() is False
    assert sleeper.poll() is None, "a foreign process was killed"


@pytest.mark.parametrize("content", [None, "", "{", "[]"])
def test_a_missing_or_damaged_record_finds_no_process(tmp_path, monkeypatch, content):
    monkeypatch.setattr(supervisor, "RECORD", tmp_path / "supervisor.json")
    if content is not None:
        supervisor.RECORD.write_text(content)
    assert supervisor.process() is None
    assert supervisor.node_process() is None


def test_a_dead_process_is_not_running_even_before_it_is_reaped(sleeper, write_record):
    write_record(sleeper.pid)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)  # dead, but still in the process table
    assert supervisor.process() is None


def test_stop_ends_the_process_and_removes_the_record(sleeper, write_record):
    write_record(sleeper.pid)
    assert supervisor.stop() is True
    assert supervisor.process() is None
    assert not supervisor.RECORD.exists()
