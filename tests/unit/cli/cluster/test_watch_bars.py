"""`watch` on a terminal: bars of what the container at work moves, with the rights that there are."""

import io
from datetime import datetime
from pathlib import Path
from threading import Event

import pytest
from rich.console import Console

from inference_image_contract.progress import Progress, Unit, What
from kubectl_inferenceimage.cluster.connection import connect
from kubectl_inferenceimage.cluster.watch import moving, progress
from kubectl_inferenceimage.cluster.watch.progress import Moving
from kubectl_inferenceimage.cluster.watch.screen import Lines, Terminal
from kubectl_inferenceimage.cluster.watch.watch import watch
from tests.unit.cli.cluster.standin import JOBS, PODS, ApiServer
from tests.unit.cli.cluster.watched import BEFORE, BUILDING, PATH, READY, START, Object, modified

LOG = f"{PODS}/p/log"
BAR = "progress: push 25000000 of 100000000 bytes"


def pod(*running: str, job: str = "j") -> Object:
    meta = {"name": "p", "labels": {"batch.kubernetes.io/job-name": job}, "creationTimestamp": "2026-01-31T09:30:00Z"}
    works = [{"name": name, "state": {"running": {}}} for name in running]
    ended = {"name": "assemble", "state": {"terminated": {"exitCode": 0}}}
    return {"metadata": meta, "status": {"initContainerStatuses": [ended, *works], "containerStatuses": []}}


@pytest.fixture
def pushing(api: ApiServer) -> ApiServer:
    """A Build whose container `append` pushes."""
    api.objects |= {PATH: BUILDING, JOBS: [], PODS: [pod("append")], LOG: f"pushed sha256:1 (3 bytes)\n{BAR}\n"}
    return api


def followed(api: ApiServer, folder: Path, found: Object | None) -> tuple[list[Moving | None], list[str]]:
    """What two readings of the log show, and tell."""
    shown: list[Moving | None] = []
    told: list[str] = []
    waits = iter([False, False, True])
    cluster = connect(str(api.kubeconfig(folder)), "", "")
    moving.follow(cluster, lambda: found, show=shown.append, wait=lambda _: next(waits), tell=told.append)
    return shown, told


def test_the_log_of_the_container_at_work_says_how_far_it_is(pushing: ApiServer, tmp_path: Path) -> None:
    shown, told = followed(pushing, tmp_path, BUILDING)
    assert shown == 2 * [Moving("append", Progress(What.PUSH, 25_000_000, 100_000_000))]
    assert told == []
    assert {(method, path) for method, path, _, _ in pushing.asked} == {("GET", PODS), ("GET", LOG)}
    assert {query["container"] for _, path, query, _ in pushing.asked if path == LOG} == {"append"}


@pytest.mark.parametrize(
    ("found", "pods", "log"),
    [
        (None, [pod("append")], BAR),
        (READY, [pod("append")], BAR),
        (BUILDING, [], BAR),
        (BUILDING, [pod()], BAR),
        (BUILDING, [pod("depot", "mesh-proxy")], BAR),
        (BUILDING, [pod("append", job="before")], BAR),
        (BUILDING, [pod("append")], f"{BAR}\npushed sha256:1 (3 bytes)"),
        (BUILDING, [pod("append")], None),
    ],
    ids=["no object", "no stage", "no pod", "ended", "others", "an earlier Job", "said more since", "no log yet"],
)
def test_otherwise_there_is_no_bar(pushing: ApiServer, tmp_path: Path, found, pods, log) -> None:
    pushing.objects |= {PODS: pods, LOG: log}
    assert followed(pushing, tmp_path, found) == ([None, None], [])


@pytest.mark.parametrize(
    ("path", "what"), [(PODS, "list the pods in team-a"), (LOG, "read the log of container append of pod team-a/p")]
)
def test_without_a_right_it_says_which_once(pushing: ApiServer, tmp_path: Path, path: str, what: str) -> None:
    pushing.forbidden.add(("GET", path))
    told = f"You may not {what}. Ask for that right in the namespace. Without it, there are no bars."
    assert followed(pushing, tmp_path, BUILDING) == ([], [told])


class Shown(Lines):
    """A terminal that lets the run go on once it has shown a bar."""

    ticks = True

    def __init__(self) -> None:
        super().__init__()
        self.bar = Event()

    def show(self, view: progress.View, now: datetime) -> None:
        super().show(view, now)
        if view.moving:
            self.bar.set()


def test_a_watch_on_a_terminal_shows_bars_while_the_stage_runs(pushing: ApiServer, tmp_path: Path) -> None:
    pushing.watches += [[], [modified(READY)]]
    place = Shown()

    def wait(stop: Event, seconds: float) -> bool:
        return stop.is_set() or (seconds != moving.PERIOD and not place.bar.wait(20))

    cluster = connect(str(pushing.kubeconfig(tmp_path)), "", "")
    assert watch(cluster, "detector", 60.0, shown=place, wait=wait) == 0
    assert place.bar.is_set()


def test_a_bar_has_the_container_and_the_bytes() -> None:
    how_far = Moving("append", Progress(What.PUSH, 25_000_000, 100_000_000))
    tensors = Moving("export", Progress(What.CHECK, 7, 9, Unit.TENSORS))
    out = io.StringIO()
    with Terminal(Console(file=out, force_terminal=True, width=100)) as screen:
        screen.show(progress.view(BUILDING, BEFORE, START, how_far), START)
        screen.show(progress.view(BUILDING, BEFORE, START, tensors), START)
    shown = out.getvalue()
    assert "append: push" in shown
    assert "25.0 MB of 100.0 MB" in shown
    assert "7 of 9 tensors" in shown
    assert progress.view(READY, BEFORE, START, how_far).moving is None
