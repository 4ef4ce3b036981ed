"""`watch`: the stages and their times until the run ends, through disconnections, with the rights that there are."""

import io
from datetime import timedelta
from threading import Event

import pytest
from rich.console import Console

from inference_image_operator.api.stages import Stage
from kubectl_inferenceimage.cluster.watch import follow, progress
from kubectl_inferenceimage.cluster.watch.screen import Lines, Terminal
from kubectl_inferenceimage.cluster.watch.watch import watch
from tests.unit.cli.cluster.standin import IMAGES, JOBS, NAMESPACE, ApiServer
from tests.unit.cli.cluster.watched import (
    BEFORE,
    BUILDING,
    PATH,
    READY,
    RESOLVING,
    START,
    Object,
    changed,
    condition,
    modified,
)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses, which are not waited for."""
    pauses: list[float] = []

    def wait(event: Event, seconds: float) -> bool:
        pauses.append(seconds)
        return event.is_set()

    monkeypatch.setattr(watch, "__kwdefaults__", {"shown": None, "wait": wait})
    return pauses


@pytest.fixture
def begun(api: ApiServer) -> ApiServer:
    """A run in its first stage, without earlier Jobs."""
    api.objects |= {PATH: RESOLVING, JOBS: []}
    return api


def texts(out: str) -> list[str]:
    return [line.partition("Z ")[2] or line for line in out.splitlines()]


def test_each_change_is_a_line_until_the_run_ends(begun: ApiServer, ask) -> None:
    begun.watches += [[modified(BUILDING), {"type": "BOOKMARK", "object": changed(BUILDING)}, modified(READY)]]
    code, out, err = ask("watch", "detector")
    assert (code, err) == (0, "")
    assert texts(out) == [
        "Resolve: Resolving",
        "Ready: Resolving in Job j",
        "Resolve: Resolved (5s)",
        "Export: Reused",
        "Build: Building, attempt 2",
        "Ready: Building in Job j\N{REPLACEMENT CHARACTER}[2J",
        "Build: Built (1m5s)",
        "Test: Answered (9s)",
        "Publish: Published (2s)",
        "Published it.",
    ]


def test_only_this_object_is_watched_from_where_it_was_read(begun: ApiServer, ask) -> None:
    begun.watches += [[modified(BUILDING)], [modified(READY)]]
    assert ask("watch", "detector")[0] == 0
    queries = [query for method, _, query, _ in begun.asked if method == "WATCH"]
    assert [query["resourceVersion"] for query in queries][:2] == ["1", "2"]  # a third may begin before the end
    assert {query["fieldSelector"] for query in queries} == {"metadata.name=detector"}


def test_it_goes_on_after_errors_of_the_api_server(begun: ApiServer, ask, at_once: list[float]) -> None:
    begun.watches += [500, 503, [], [modified(READY)]]
    assert ask("watch", "detector")[0] == 0
    assert at_once[:3] == [1.0, 2.0, 1.0]


@pytest.mark.parametrize("expired", [[{"type": "ERROR", "object": {"code": 410, "message": "too old"}}], 410])
def test_a_version_that_is_too_old_is_read_again(begun: ApiServer, ask, expired) -> None:
    begun.watches += [expired, [modified(READY)]]
    assert ask("watch", "detector")[0] == 0
    assert [path for method, path, _, _ in begun.asked if method == "GET"].count(PATH) == 2


def test_it_gives_up_at_last(begun: ApiServer, ask, at_once: list[float]) -> None:
    code, _, err = ask("watch", "detector")
    assert code == 1
    assert f"Cannot watch InferenceImage {NAMESPACE}/detector: the API server says 500" in err
    assert at_once == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_without_the_right_to_watch_it_reads(begun: ApiServer, ask, at_once: list[float]) -> None:
    begun.forbidden.add(("WATCH", IMAGES))
    begun.sequences[PATH] = [RESOLVING, RESOLVING, BUILDING, READY]
    code, out, err = ask("watch", "detector")
    assert code == 0
    assert "Build: Built (1m5s)" in texts(out)
    assert f"You may not watch InferenceImage {NAMESPACE}/detector." in err
    assert at_once[:2] == [follow.POLL] * 2


def test_without_the_right_to_list_jobs_there_is_no_estimate(begun: ApiServer, ask) -> None:
    begun.forbidden.add(("GET", JOBS))
    begun.watches += [[modified(READY)]]
    code, _, err = ask("watch", "detector")
    assert code == 0
    assert "You may not list the Jobs in team-a." in err
    assert "no estimate" in err


def test_an_object_that_does_not_exist(api: ApiServer, ask) -> None:
    assert ask("watch", "detector") == (1, "", f"Cannot read InferenceImage {NAMESPACE}/detector: it does not exist.\n")


CONDITIONS = [
    condition("Ready", "False", "CheckpointIncomplete"),
    condition("Stalled", "True", "CheckpointIncomplete", "Upload it."),
]
STALLED = changed(READY, status={"conditions": CONDITIONS})
SUSPENDED = [condition("Ready", "True", "Published"), condition("Suspended", "True", "Suspended")]


@pytest.mark.parametrize(
    ("found", "code", "text"),
    [
        (READY, 0, "Published it."),
        (STALLED, 1, "CheckpointIncomplete: Upload it."),
        (changed(READY, status={"conditions": SUSPENDED}), 0, ""),
        (
            changed(READY, status={"conditions": SUSPENDED}, metadata={"generation": 2}),
            4,
            "kubectl inferenceimage resume",
        ),
        (
            changed(BUILDING, status={"conditions": [SUSPENDED[1]], "stage": {"suspended": True}}),
            4,
            "detector is suspended",
        ),
    ],
)
def test_the_exit_code(api: ApiServer, ask, found: Object, code: int, text: str) -> None:
    api.objects |= {PATH: found, JOBS: []}
    ended, out, err = ask("watch", "detector")
    assert (ended, err) == (code, "")
    assert text in out


@pytest.mark.parametrize(
    "found",
    [
        changed(READY, metadata={"generation": 2}),
        changed(STALLED, metadata={"generation": 2}),
        changed(READY, metadata={"annotations": {"uai.ucloud.cn/requestedAt": "now"}}),
        changed(BUILDING, status={"conditions": SUSPENDED}),
        {"metadata": RESOLVING["metadata"], "spec": {}},
    ],
)
def test_a_run_that_goes_on_has_not_ended(found: Object) -> None:
    assert progress.ended(found) is None


def test_a_deleted_object(begun: ApiServer, ask) -> None:
    begun.watches += [[{"type": "DELETED", "object": RESOLVING}]]
    code, out, _ = ask("watch", "detector")
    assert (code, out.splitlines()[-1]) == (4, "detector: the object was deleted.")


def test_the_timeout(begun: ApiServer, ask) -> None:
    begun.watches += [[]] * 1000
    code, out, _ = ask("watch", "detector", "--timeout", "0s")
    assert (code, out) == (3, "detector: the run has not ended within --timeout.\n")
    with pytest.raises(SystemExit) as ended:
        ask("watch", "detector", "--timeout", "soon")
    assert ended.value.code == 2


@pytest.mark.parametrize(
    ("found", "before", "left"),
    [
        (RESOLVING, BEFORE, "at most about 3m27s"),
        (BUILDING, BEFORE, "about 2m22s"),
        (changed(BUILDING, spec={"test": {"enabled": False}}), BEFORE, "about 2m2s"),
        (BUILDING, {Stage.BUILD: 1.0, Stage.TEST: 1.0, Stage.PUBLISH: 1.0}, "about 2s"),
        (BUILDING, {Stage.RESOLVE: 1.0}, ""),
        (BUILDING, {}, ""),
        (READY, BEFORE, ""),
    ],
)
def test_the_time_that_is_left(found: Object, before: progress.Durations, left: str) -> None:
    assert progress.view(found, before, START + timedelta(seconds=2)).left == left


def test_durations_come_from_the_newest_complete_jobs_and_from_the_run_before(begun: ApiServer, ask) -> None:
    def job(stage: str, start: int, end: int | None) -> Object:
        status = {"startTime": f"2026-01-31T09:{start:02}:00Z"}
        done = {"completionTime": f"2026-01-31T09:{end:02}:00Z"} if end else {}
        meta = {"labels": {"uai.ucloud.cn/stage": stage}, "creationTimestamp": status["startTime"]}
        return {"metadata": meta, "status": status | done}

    jobs = [job("Build", 20, 22), job("Build", 1, 9), job("Test", 22, 23), job("Publish", 23, 24), job("Poll", 1, 2)]
    begun.objects |= {PATH: BUILDING, JOBS: [*jobs, job("Build", 30, None)]}
    begun.watches += [[modified(READY)]]
    out = ask("watch", "detector")[1]
    assert "Build: Building, attempt 2 (left: about 2m0s)" in texts(out)  # the build takes longer than 2 min already
    assert progress.timings(READY) == {Stage.RESOLVE: 5, Stage.BUILD: 65, Stage.TEST: 9, Stage.PUBLISH: 2}


def test_a_terminal_shows_a_table_that_is_drawn_again() -> None:
    out = io.StringIO()
    with Terminal(Console(file=out, force_terminal=True, width=100)) as screen:
        screen.tell("You may not list the Jobs.")
        screen.show(progress.view(BUILDING, BEFORE, START + timedelta(seconds=2)), START)
        screen.show(progress.view(BUILDING, BEFORE, START + timedelta(seconds=3)), START)
    shown = out.getvalue()
    assert "You may not list the Jobs." in shown
    assert "Building, attempt 2" in shown
    assert "Time left: about 2m21s" in shown
    assert "\x1b[1A" in shown, "the cursor goes up to draw in place"
    assert "\x1b[2J" not in shown, "text of the object does not write to the terminal"


def test_a_terminal_ticks_and_a_pipe_does_not() -> None:
    assert Terminal(Console(file=io.StringIO())).ticks
    assert not Lines().ticks


def test_an_object_that_is_gone_when_it_is_read_again(begun: ApiServer, ask) -> None:
    begun.watches += [410]
    begun.sequences[PATH] = [RESOLVING, None]
    assert ask("watch", "detector")[0] == 4
