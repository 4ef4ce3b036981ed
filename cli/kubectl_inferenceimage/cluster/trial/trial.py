"""`try`: starts the published image in a pod, sends it pictures through the API server, and deletes the pod."""

import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from inference_image_operator.config.installation import Config
from kubectl_inferenceimage.cluster.connection import Cluster, Object
from kubectl_inferenceimage.cluster.objects import observed
from kubectl_inferenceimage.cluster.requests import MissingError, UnreachableError
from kubectl_inferenceimage.cluster.text import printable, table
from kubectl_inferenceimage.cluster.trial import detections, drawing
from kubectl_inferenceimage.cluster.trial.pod import CONTAINER, manifest
from kubectl_inferenceimage.errors import CommandError

_POLL = 1.0
"""Seconds between two reads of a pod that starts."""
_SPARE = 300
"""Seconds that the pod may live after the image has to be ready, for the pictures."""
_LOG_LINES = 20
ENDING = ".boxes.png"
"""Of the names of drawn pictures."""
_HOPELESS = {
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
}


class Options(NamedTuple):
    """What to send, and where the drawn pictures go."""

    pictures: Sequence[str]
    folder: str = "."
    timeout: int = 300
    """Seconds for the image to be pulled and to be ready."""


def try_(cluster: Cluster, name: str, config: Config, options: Options, poll: float = _POLL) -> int:
    """Prints what the published image answers to each picture, and draws the boxes. Returns the exit code.

    Raises CommandError.
    """
    pictures = {path: Path(path).read_bytes() for path in options.pictures}
    places = {path: Path(options.folder) / f"{Path(path).stem}{ENDING}" for path in pictures}
    if len(set(places.values())) < len(places):
        raise CommandError("Two pictures have the same name without its ending: their boxes would be in one file.")
    found = observed(cluster.image(name))
    test, digest = found.spec.test, found.status.image.digest if found.status.image else ""
    with _pod(cluster.within(found.namespace), manifest(found, config, options.timeout + _SPARE)) as pod:
        print(f"Pod {pod} starts {found.status.image.reference if found.status.image else ''}", file=sys.stderr)
        _until_ready(cluster, pod, f"{test.port}", test.ready_path, options.timeout, poll)
        ask = partial(cluster.ask_pod, "POST", f"{pod}:{test.port}", test.path)
        return _asked(ask, pictures, places, drawing.Origin(found.namespace, found.name, digest))


@contextmanager
def _pod(cluster: Cluster, document: Object) -> Iterator[str]:
    """The name of a new pod, which is deleted at the end, also when a signal ends the program."""

    def end(number: int, _: object) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    pod = cluster.create_pod(document)
    try:
        yield pod
    finally:
        try:
            cluster.delete_pod(pod)
        except MissingError:
            pass
        except CommandError as error:
            print(f"{error} It ends by itself, at its deadline.", file=sys.stderr)
        signal.signal(signal.SIGTERM, before)


def _until_ready(cluster: Cluster, pod: str, port: str, path: str, timeout: int, poll: float) -> None:  # noqa: PLR0917
    """Returns when the image answers its readiness path with success. Raises CommandError if it never will."""
    deadline, last = time.monotonic() + timeout, "its container has not started"
    while time.monotonic() < deadline:
        status = cluster.pod(pod).get("status", {})
        if fault := _fault(status):
            raise CommandError(f"The image does not start: {fault}\n{_log(cluster, pod)}".rstrip())
        if status.get("phase") == "Running":
            try:
                cluster.ask_pod("GET", f"{pod}:{port}", path)
            except (UnreachableError, MissingError) as error:
                last = str(error)
            else:
                return
        time.sleep(poll)
    raise CommandError(f"The image is not ready after {timeout} s: {last}")


def _fault(status: Object) -> str:
    """Why the container will not run; empty if it may."""
    for found in status.get("containerStatuses") or []:
        state = found.get("state") or {}
        waiting, ended = state.get("waiting") or {}, state.get("terminated") or {}
        if waiting.get("reason") in _HOPELESS:
            return f"{waiting['reason']}: {waiting.get('message', '')}"
        if ended:
            return f"exit code {ended.get('exitCode')} ({ended.get('reason', 'no reason given')})"
    return status.get("message", "") or "the pod failed" if status.get("phase") == "Failed" else ""


def _log(cluster: Cluster, pod: str) -> str:
    try:
        return printable(cluster.log(pod, CONTAINER, _LOG_LINES))
    except CommandError:
        return ""


def _asked(
    ask: Callable[[bytes], Any], pictures: dict[str, bytes], places: dict[str, Path], origin: drawing.Origin
) -> int:
    """Sends the pictures, prints and draws. Returns 1 if one got no answer."""
    rows: list[tuple[str, ...]] = []
    notes: list[str] = [] if drawing.is_possible() else [drawing.MISSING]
    failed = False
    for name, picture in pictures.items():
        try:
            answer = ask(picture)
        except CommandError as error:
            notes.append(f"{name}: {error}")
            failed = True
            continue
        found = detections.read(answer)
        if found is None:
            rows.append((name, detections.shortened(answer), "", ""))
            continue
        rows += detections.rows(name, found)
        if drawing.is_possible():
            notes.append(_drawn(picture, found, places[name], origin))
    if rows:
        print(table(detections.COLUMNS, rows))
    for note in notes:
        print(printable(note), file=sys.stderr)
    return 1 if failed else 0


def _drawn(picture: bytes, found: Sequence[detections.Detection], path: Path, origin: drawing.Origin) -> str:
    """Draws the boxes. Returns where, or why not."""
    try:
        drawing.draw(picture, found, path, origin)
    except CommandError as error:
        return str(error)
    return f"Boxes: {path}"
