"""`try`: starts the published image, in a pod or in a container here, sends it pictures, and removes it."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from inference_image_operator.config.installation import Config
from kubectl_inferenceimage.cluster.connection import Cluster
from kubectl_inferenceimage.cluster.objects import observed
from kubectl_inferenceimage.cluster.requests import MissingError, UnreachableError
from kubectl_inferenceimage.cluster.text import printable, table
from kubectl_inferenceimage.cluster.trial import detections, drawing
from kubectl_inferenceimage.cluster.trial.container import in_container
from kubectl_inferenceimage.cluster.trial.pod import manifest
from kubectl_inferenceimage.cluster.trial.started import Started, in_pod
from kubectl_inferenceimage.errors import CommandError

_POLL = 1.0
"""Seconds between two reads of the state of an image that starts."""
_SPARE = 300
"""Seconds that the pod may live after the image has to be ready, for the pictures."""
ENDING = ".boxes.png"
"""Of the names of drawn pictures."""


class Options(NamedTuple):
    """What to send, and where the drawn pictures go."""

    pictures: Sequence[str]
    folder: str = "."
    timeout: int = 300
    """Seconds for the image to be pulled and to be ready."""
    engine: str = ""
    """`docker` or `podman`: a container on this machine in place of a pod."""


def try_(cluster: Cluster, name: str, config: Config, options: Options, poll: float = _POLL) -> int:
    """Prints what the published image answers to each picture, and draws the boxes. Returns the exit code.

    Raises CommandError.
    """
    pictures = {path: Path(path).read_bytes() for path in options.pictures}
    places = {path: Path(options.folder) / f"{Path(path).stem}{ENDING}" for path in pictures}
    if len(set(places.values())) < len(places):
        raise CommandError("Two pictures have the same name without its ending: their boxes would be in one file.")
    found = observed(cluster.image(name))
    document = manifest(found, config, options.timeout + _SPARE)
    test, (container,) = found.spec.test, document["spec"]["containers"]
    origin = drawing.Origin(found.namespace, found.name, container["image"].rpartition("@")[2])
    print(f"Starting {container['image']}", file=sys.stderr)
    with (
        in_container(options.engine, container, test.port)
        if options.engine
        else in_pod(cluster.within(found.namespace), document, test.port)
    ) as started:
        _until_ready(started, test.ready_path, options.timeout, poll)
        return _asked(started, test.path, pictures, places, origin)


def _until_ready(started: Started, path: str, timeout: int, poll: float) -> None:
    """Returns when the image answers its readiness path with success. Raises CommandError if it never will."""
    deadline, last = time.monotonic() + timeout, "its container has not started"
    while time.monotonic() < deadline:
        is_running, fault = started.state()
        if fault:
            raise CommandError(f"The image does not start: {fault}\n{started.log()}".rstrip())
        if is_running:
            try:
                started.ask("GET", path)
            except (UnreachableError, MissingError) as error:
                last = str(error)
            else:
                return
        time.sleep(poll)
    raise CommandError(f"The image is not ready after {timeout} s: {last}")


def _asked(
    started: Started, path: str, pictures: dict[str, bytes], places: dict[str, Path], origin: drawing.Origin
) -> int:
    """Sends the pictures, prints and draws. Returns 1 if one got no answer."""
    rows: list[tuple[str, ...]] = []
    notes: list[str] = [] if drawing.is_possible() else [drawing.MISSING]
    failed = False
    for name, picture in pictures.items():
        try:
            answer = started.ask("POST", path, picture)
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
