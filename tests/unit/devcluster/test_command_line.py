"""The command line of the development cluster."""

import pytest

from devcluster import __main__ as command
from devcluster import binaries


@pytest.fixture
def built(monkeypatch) -> list[str]:
    names: list[str] = []
    monkeypatch.setattr(binaries, "ensure", lambda *tools: names.extend(found.name for found in tools))
    return names


def run(monkeypatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["devcluster", "binaries", *words])
    return command.main()


def test_named_programs_are_built_for_the_chosen_kubernetes_version(monkeypatch, built):
    monkeypatch.setenv("DEVCLUSTER_KUBERNETES", "1.30")
    assert run(monkeypatch, "etcd", "kubernetes") == 0
    assert built == ["etcd", "kubernetes-1.30"]


def test_without_a_name_all_are_built_that_a_test_may_need(monkeypatch, built):
    assert run(monkeypatch) == 0
    assert {"kubernetes", "kaniko", "kwok", "verdicts"} <= set(built)
    assert "flux" not in built


def test_the_programs_of_a_longer_test_are_built_by_name(monkeypatch, built):
    assert run(monkeypatch, "flux") == 0
    assert built == ["flux"]


def test_an_unknown_name_is_refused_with_the_known_ones(monkeypatch, built, capsys):
    assert run(monkeypatch, "docker") == 1
    assert built == []
    assert "Unknown: docker. Known: etcd, kubernetes," in capsys.readouterr().err
