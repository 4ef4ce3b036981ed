"""What the shell completes, and what it does not."""

from pathlib import Path

import pytest

from kubectl_inferenceimage.__main__ import COMMANDS
from kubectl_inferenceimage.completion import FILES, NO_FILES, candidates, main
from tests.unit.cli.cluster.standin import IMAGES, NAMESPACE, ApiServer

OTHERS = "/apis/uai.ucloud.cn/v1alpha1/namespaces/team-b/inferenceimages"
DIGESTS = ["sha256:" + letter * 64 for letter in "ab"]
HISTORY = [{"time": "2026-01-31T09:30:00Z", "digest": digest, "step": 800} for digest in DIGESTS]


@pytest.fixture(autouse=True)
def kubeconfig(api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = api.kubeconfig(tmp_path)
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
    api.objects[IMAGES] = [{"metadata": {"name": name}} for name in ("detector", "other")]
    api.objects[OTHERS] = [{"metadata": {"name": "theirs"}}]
    api.objects["/api/v1/namespaces"] = [{"metadata": {"name": name}} for name in (NAMESPACE, "team-b", "kube-system")]
    detector = {"metadata": {"name": "detector"}, "status": {"history": HISTORY}}
    api.objects[f"{IMAGES}/detector"] = detector
    return path


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["pi"], ["pin"]),
        (["get", "-o", ""], ["wide", "json", "yaml", "name"]),
        (["logs", "detector", "--st"], ["--stage"]),
        (["logs", "detector", "--stage", "B"], ["Build"]),
        (["describe", ""], ["detector", "other"]),
        (["describe", "det"], ["detector"]),
        (["describe", "-n", "team-b", ""], ["theirs"]),
        (["describe", "-n", "team"], ["team-a", "team-b"]),
        (["describe", "--context", ""], ["it"]),
        (["pin", "detector", ""], DIGESTS),
        (["pin", "detector", "sha256:b"], DIGESTS[1:]),
        (["pin", "nobody", ""], []),
        (["create", ""], []),
        (["describe", "it's", ""], []),
    ],
    ids=" ".join,
)
def test_what_is_offered(words: list[str], found: list[str]) -> None:
    assert candidates(words) == (found, NO_FILES)


@pytest.mark.parametrize("words", [["render", "-f", ""], ["try", "detector", "str"], ["get", "--kubeconfig", ""]])
def test_the_shell_offers_files_where_a_file_is_asked_for(words: list[str]) -> None:
    assert candidates(words) == ([], FILES)


def test_nothing_is_offered_of_what_may_not_be_read(api: ApiServer) -> None:
    api.forbidden.add(("GET", IMAGES))
    assert candidates(["describe", ""]) == ([], NO_FILES)


def test_nothing_is_offered_without_a_kubeconfig(kubeconfig: Path) -> None:
    kubeconfig.unlink()
    assert candidates(["describe", ""]) == ([], NO_FILES)


def test_what_kubectl_reads(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["kubectl_complete-inferenceimage", ""])
    assert main() == 0
    assert capsys.readouterr().out.splitlines() == [*COMMANDS, NO_FILES]
