"""What the status, the history and earlier results say of two images: the one before, and that of this run. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from inference_image_contract import results
from inference_image_operator.api import REQUESTED_AT, described
from inference_image_operator.api.stages import Stage, Type
from kubectl_inferenceimage.cluster.connection import Object
from kubectl_inferenceimage.cluster.objects import STAGE, conditions, label

UNKNOWN = "unknown"
_CONTENT = "inputs hash"


class Difference(NamedTuple):
    """A fact about both."""

    what: str
    before: str
    now: str


class Comparison(NamedTuple):
    """This run and the image before."""

    title: str
    """Which image is the one before; empty without one."""
    differences: tuple[Difference, ...]
    equal: tuple[str, ...]
    """What is known to be equal."""
    rest: str
    """A sentence about what none of the sources says."""


def cause(image: Object) -> str:
    """Why the run of the status runs, or ran."""
    status = image.get("status", {})
    run, published = status.get("run"), status.get("image", {})
    if run is None:
        return "The operator has not begun a run of this object."
    again = int(run.get("resolveCount", 1)) - 1
    repeated = f" Its inputs changed while it ran, so it pinned them again ({again} times)." if again else ""
    if run.get("requested"):
        return f"A request: the annotation {REQUESTED_AT} got the value {status.get('lastHandledRequest')}.{repeated}"
    if count := run.get("restartCount", 0):
        return f"Polling found new content ({count} times since the spec changed).{repeated}"
    generation, before = run.get("generation"), published.get("generation")
    if not status.get("history"):
        return f"The spec of generation {generation}. Nothing was published before.{repeated}"
    known = f" The published image is of generation {before}." if before not in {None, generation} else ""
    return f"A new spec: generation {generation}.{known}{repeated}"


def compare(image: Object, pods: Iterable[Object]) -> Comparison:
    """The image before, and the run of the status. `pods` are those of the object's Jobs."""
    status = image.get("status", {})
    entry = image_before(status)
    if entry is None:
        return Comparison("", (), (), "There is no image before to compare with.")
    before, now = _before(status, entry, pods), _now(image)
    names = [*now, *(name for name in before if name not in now)]
    pairs = [Difference(name, before.get(name, UNKNOWN), now.get(name, UNKNOWN)) for name in names]
    differences = tuple(pair for pair in pairs if pair.before != pair.now)
    return Comparison(
        title=f"{entry['digest']}, published {entry['time']}",
        differences=differences,
        equal=tuple(pair.what for pair in pairs if pair.before == pair.now),
        rest=_rest(status, before, now),
    )


def image_before(status: Object) -> Mapping[str, Any] | None:
    """The entry of the history to compare the run with; None without one."""
    history = status.get("history", [])
    older = history[1:] if is_published(status) else history
    return older[0] if older else None


def is_published(status: Object) -> bool:
    """Whether the run of the status has ended with its image published."""
    published = conditions({"status": status}).get(Type.PUBLISHED, {})
    return "stage" not in status and published.get("status") == "True"


def _now(image: Object) -> dict[str, str]:
    """What the run of the status has pinned and made so far."""
    status, spec = image["status"], image["spec"]
    run, checkpoint = status.get("run", {}), status.get("checkpoint", {})
    built = status.get("built") or (status.get("image", {}) if is_published(status) else {})
    asked = {
        "model.prefix": spec.get("model", {}).get("prefix", ""),
        "generation": str(run.get("generation", "")),
        "tags": ", ".join(spec.get("image", {}).get("tags", [])),
    }
    if not has_pinned(status):
        return _set(asked)
    pinned = {
        "checkpoint": described(checkpoint.get("step"), checkpoint.get("name", "")) if checkpoint else "",
        "commit": status.get("source", {}).get("commit", ""),
        "fingerprint": checkpoint.get("fingerprint", ""),
        _CONTENT: run.get("inputsHash", ""),
        "content hash": status.get("contentHash", ""),
        "digest": built.get("digest", ""),
    }
    return _set({**asked, **pinned}) | _files(checkpoint.get("files", []))


def has_pinned(status: Object) -> bool:
    """Whether Resolve of this run has ended. Before, the status has what the run before pinned."""
    return bool(status.get("run", {}).get("inputsHash"))


def _before(status: Object, entry: Mapping[str, Any], pods: Iterable[Object]) -> dict[str, str]:
    """What is known of an image of the history."""
    published = status.get("image", {})
    newest = published if published.get("digest") == entry["digest"] and not is_published(status) else {}
    resolved = resolved_before(pods, datetime.fromisoformat(entry["time"]))
    known = {
        "checkpoint": described(entry.get("step"), entry.get("checkpoint", "")),
        "model.prefix": newest.get("modelPrefix", ""),
        "generation": str(newest.get("generation", "")),
        "content hash": entry["contentHash"],
        "digest": entry["digest"],
        "tags": ", ".join(newest.get("tags", [])),
    }
    if resolved is None:
        return _set(known)
    known |= {"commit": resolved.commit, "fingerprint": resolved.fingerprint, _CONTENT: resolved.inputs_hash}
    return _set(known) | _files([msgspec.to_builtins(file) for file in resolved.files])


def resolved_before(pods: Iterable[Object], until: datetime) -> results.Resolved | None:
    """The newest result of Resolve before a time, if its pod is still there."""
    found: list[tuple[datetime, results.Resolved]] = []
    for pod in pods:
        if label(pod, STAGE) != Stage.RESOLVE:
            continue
        for container in pod.get("status", {}).get("containerStatuses") or []:
            ended = container.get("state", {}).get("terminated") or {}
            time = datetime.fromisoformat(ended["finishedAt"]) if ended.get("finishedAt") else None
            if time and time <= until and ended.get("exitCode") == 0 and (result := _result(ended.get("message", ""))):
                found.append((time, result))
    return max(found, key=lambda pair: pair[0])[1] if found else None


def _result(text: str) -> results.Resolved | None:
    try:
        return msgspec.json.decode(text, type=results.Resolved)
    except msgspec.DecodeError:
        return None


def _rest(status: Object, before: Mapping[str, str], now: Mapping[str, str]) -> str:
    if not has_pinned(status):
        return "Resolve of this run has not ended: what it pins is unknown."
    lock = status.get("inputLock", {}).get("key", "")
    lists = f" The input lock of this run in US3 lists each: {lock}" if lock else ""
    others = "the label map, the pipeline config, the files of the source and the digests of the base images"
    if _CONTENT in before and before[_CONTENT] == now.get(_CONTENT):
        return f"All inputs of the image are equal, also {others}."
    return f"Neither the status nor the history has {others}.{lists}"


def _files(files: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Key -> ETag and size."""
    return {file["key"]: f"{file['etag']}, {file['size']} bytes" for file in files}


def _set(known: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in known.items() if value}
