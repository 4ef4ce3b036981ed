"""`cancel`: suspends, deletes what runs, asks before, and says how to go on."""

import io
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.cli.cluster.standin import IMAGES, JOBS, ApiServer

Object = dict[str, Any]
PATH = f"{IMAGES}/detector"


def job(name: str, **status: Any) -> Object:
    return {"metadata": {"name": name, "uid": f"uid-{name}", "creationTimestamp": "1"}, "status": status}


ENDED = job("old", conditions=[{"type": "Complete", "status": "True"}])
RUNNING = job("build", conditions=[{"type": "Complete", "status": "False"}])


@pytest.fixture
def running(api: ApiServer) -> ApiServer:
    api.objects |= {
        PATH: {
            "metadata": {"name": "detector", "uid": "1"},
            "spec": {},
            "status": {"stage": {"name": "Build", "job": "build"}},
        },
        JOBS: [ENDED, RUNNING],
        f"{JOBS}/build": RUNNING,
    }
    return api


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """typed("y") -> a terminal on which the person types this."""

    def set_stdin(text: str) -> None:
        stdin = io.StringIO(f"{text}\n")
        monkeypatch.setattr(stdin, "isatty", lambda: True)
        monkeypatch.setattr("sys.stdin", stdin)

    return set_stdin


def changes(api: ApiServer) -> list[tuple[str, str]]:
    return [(method, path) for method, path, _, _ in api.asked if method not in {"GET", "WATCH"}]


def test_it_suspends_before_it_deletes(running: ApiServer, ask) -> None:
    code, out, err = ask("cancel", "detector", "--yes")
    assert (code, err) == (0, "")
    assert changes(running) == [("PATCH", PATH), ("DELETE", f"{JOBS}/build")]
    assert running.objects[PATH]["spec"] == {"suspend": True}
    assert out.splitlines()[:2] == [
        "detector: suspended; the operator starts no new Jobs",
        "detector: deleted Job build, with its pods",
    ]
    assert "To go on: kubectl inferenceimage resume detector" in out


def test_only_the_job_that_was_seen_is_deleted_with_its_pods(running: ApiServer, ask) -> None:
    ask("cancel", "detector", "--yes")
    (body,) = [body for method, _, _, body in running.asked if method == "DELETE"]
    assert (body["propagationPolicy"], body["preconditions"]) == ("Background", {"uid": "uid-build"})


@pytest.mark.parametrize("answer", ["y", "YES"])
def test_the_person_agrees(running: ApiServer, ask, typed: Callable[[str], None], answer: str) -> None:
    typed(answer)
    code, _, err = ask("cancel", "detector")
    assert code == 0
    assert err == "Suspend detector and delete its Job build of the stage Build? [y/N] "
    assert f"{JOBS}/build" not in running.objects


@pytest.mark.parametrize("answer", ["", "n", "yess"])
def test_the_person_does_not_agree(running: ApiServer, ask, typed: Callable[[str], None], answer: str) -> None:
    typed(answer)
    code, out, err = ask("cancel", "detector")
    assert (code, out) == (1, "")
    assert err.endswith("Nothing was changed.\n")
    assert changes(running) == []


def test_without_a_terminal_it_needs_the_flag(running: ApiServer, ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert ask("cancel", "detector")[::2] == (
        1, "Nothing was changed: give --yes to suspend detector and delete its Job build of the stage Build.\n"
    )  # fmt: skip
    assert changes(running) == []


def test_nothing_runs(running: ApiServer, ask) -> None:
    running.objects[JOBS] = [ENDED, job("going") | {"metadata": RUNNING["metadata"] | {"deletionTimestamp": "2"}}]
    code, out, _ = ask("cancel", "detector", "--yes")
    assert code == 0
    assert "detector: no Job was running" in out


def test_a_job_that_is_gone_by_then(running: ApiServer, ask) -> None:
    del running.objects[f"{JOBS}/build"]
    code, out, _ = ask("cancel", "detector", "--yes")
    assert code == 0
    assert "detector: no Job was running" in out


@pytest.mark.parametrize(
    ("right", "suspended", "words"),
    [
        (("PATCH", PATH), False, "You may not change InferenceImage team-a/detector."),
        (("DELETE", f"{JOBS}/build"), True, "The object is suspended; Job build runs until it ends by itself."),
        (("GET", JOBS), True, "You may not list the Jobs in team-a."),
    ],
)
def test_a_missing_right_is_named(running: ApiServer, ask, right, suspended: bool, words: str) -> None:  # noqa: FBT001
    running.forbidden.add(right)
    code, _, err = ask("cancel", "detector", "--yes")
    assert code == 1
    assert words in err
    assert running.objects[PATH]["spec"] == ({"suspend": True} if suspended else {})
    assert f"{JOBS}/build" in running.objects
