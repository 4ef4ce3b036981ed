"""`get`: a table of objects as kubectl prints it, with the stage at work, or the objects themselves."""

import json
import math
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import yaml

from inference_image_operator.api import GROUP, KIND
from inference_image_operator.api.stages import Type
from kubectl_inferenceimage.cluster.connection import Cluster, Object
from kubectl_inferenceimage.cluster.objects import conditions
from kubectl_inferenceimage.cluster.text import printable, table
from kubectl_inferenceimage.errors import CommandError

NONE = "<none>"
_COLUMNS = ("NAME", "READY", "STAGE", "REASON", "AGE", "DIGEST")
_WIDE = ("STEP", "IMAGE", "TAGS", "MESSAGE")
_SHORT = len("sha256:") + 12
_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 365 * 86400
_STEPS = (
    (2 * _MINUTE, 1, "s", 0, ""),
    (10 * _MINUTE, _MINUTE, "m", 1, "s"),
    (3 * _HOUR, _MINUTE, "m", 0, ""),
    (8 * _HOUR, _HOUR, "h", _MINUTE, "m"),
    (2 * _DAY, _HOUR, "h", 0, ""),
    (8 * _DAY, _DAY, "d", _HOUR, "h"),
    (2 * _YEAR, _DAY, "d", 0, ""),
    (math.inf, _YEAR, "y", _DAY, "d"),
)
"""Below so many seconds: the size and name of the unit, and of the smaller one; 0 for none. As in kubectl."""


def get(cluster: Cluster, name: str, output: str, *, everywhere: bool) -> None:
    """Prints one object or all of them, of the namespace or, with `everywhere`, of the cluster. Raises CommandError."""
    if name and everywhere:
        raise CommandError("An object cannot be read by its name in all namespaces: give NAME or -A.")
    images = [cluster.image(name)] if name else cluster.images(everywhere=everywhere)
    if output in {"json", "yaml"}:
        print(_document([_plain(image) for image in images], output, alone=bool(name)), end="")
    elif not images:
        where = "" if everywhere else f" in {cluster.namespace} namespace"
        print(f"No resources found{where}.", file=sys.stderr)
    elif output == "name":
        for image in images:
            print(printable(f"{KIND.lower()}.{GROUP}/{image['metadata']['name']}"))
    else:
        columns, rows = listing(images, datetime.now(UTC), wide=output == "wide", everywhere=everywhere)
        print(table(columns, rows))


def listing(
    images: Sequence[Object], now: datetime, *, wide: bool, everywhere: bool
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The columns and rows of the table."""
    columns = (*(("NAMESPACE",) if everywhere else ()), *_COLUMNS, *(_WIDE if wide else ()))
    rows = []
    for image in images:
        namespace = (image["metadata"]["namespace"],) if everywhere else ()
        rows.append((*namespace, *_row(image, now, wide=wide), *(_more(image) if wide else ())))
    return columns, rows


def _row(image: Object, now: datetime, *, wide: bool) -> tuple[str, ...]:
    meta, status, ready = image["metadata"], image.get("status", {}), conditions(image).get(Type.READY, {})
    digest = status.get("image", {}).get("digest", "")
    return (
        meta["name"],
        ready.get("status", NONE),
        status.get("stage", {}).get("name", NONE),
        ready.get("reason", NONE),
        age((now - datetime.fromisoformat(meta["creationTimestamp"])).total_seconds()),
        (digest if wide else digest[:_SHORT]) or NONE,
    )


def _more(image: Object) -> tuple[str, ...]:
    status, published = image.get("status", {}), image.get("status", {}).get("image", {})
    checkpoint = status.get("checkpoint", {})
    return (
        str(checkpoint.get("step", checkpoint.get("name", NONE))),
        published.get("reference", "").partition("@")[0] or image["spec"]["image"]["repository"],
        ",".join(published.get("tags", [])) or NONE,
        conditions(image).get(Type.READY, {}).get("message", "") or NONE,
    )


def age(seconds: float) -> str:
    """How old, as kubectl says it: `45s`, `5m10s`, `3h`, `2d3h`, `400d`, `3y10d`."""
    whole = max(0, int(seconds))
    _, size, unit, rest, of = next(step for step in _STEPS if whole < step[0])
    more = whole % size // rest if rest else 0
    return f"{whole // size}{unit}{f'{more}{of}' if more else ''}"


def _plain(image: Object) -> Object:
    """The object without what kubectl does not show either."""
    return {**image, "metadata": {name: value for name, value in image["metadata"].items() if name != "managedFields"}}


def _document(images: Sequence[Object], output: str, *, alone: bool) -> str:
    found: Any = images[0] if alone else {"apiVersion": "v1", "kind": "List", "items": list(images)}
    if output == "json":
        return json.dumps(found, indent=4) + "\n"
    return yaml.safe_dump(found, allow_unicode=True)
