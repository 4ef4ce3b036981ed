"""What the page asks for, as JSON: made of what `get`, `describe`, `watch` and `history` print."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from kubectl_inferenceimage.cluster import verbs
from kubectl_inferenceimage.cluster.connection import Cluster, Object
from kubectl_inferenceimage.cluster.dashboard.lineage import lineage
from kubectl_inferenceimage.cluster.dashboard.pictures import Pictures
from kubectl_inferenceimage.cluster.describe import Node, gathered, tree
from kubectl_inferenceimage.cluster.get import listing
from kubectl_inferenceimage.cluster.objects import conditions, spec_and_status
from kubectl_inferenceimage.cluster.requests import ForbiddenError
from kubectl_inferenceimage.cluster.text import printable
from kubectl_inferenceimage.cluster.watch import moving, progress
from kubectl_inferenceimage.cluster.watch.screen import amount
from kubectl_inferenceimage.errors import CommandError


class Answers(NamedTuple):
    """The answers about the objects of a namespace, or of all. Every method raises CommandError."""

    cluster: Cluster
    everywhere: bool
    pictures: Pictures

    def shows(self, namespace: str) -> bool:
        """Whether objects of this namespace are shown."""
        return self.everywhere or namespace == self.cluster.namespace

    def objects(self, now: datetime) -> Object:
        """All objects, as the wide table has them."""
        images = self.cluster.images(everywhere=self.everywhere)
        where = "all namespaces" if self.everywhere else self.cluster.namespace
        return _cleaned({"where": where, "objects": _rows(images, now)})

    def object(self, namespace: str, name: str, now: datetime) -> Object:
        """One object."""
        cluster = self.cluster.within(namespace)
        image = cluster.image(name)
        found = gathered(cluster, image["metadata"]["uid"])
        described = tree(image, found.jobs, found.pods)
        missing = list(found.missing)
        how_far = _moving(cluster, image, found.pods, missing)
        view = progress.view(image, progress.of_jobs(found.jobs) | progress.timings(image), now, how_far)
        told, drawn = conditions(image), None
        try:
            drawn = lineage(*spec_and_status(image), image.get("status", {}))
        except CommandError as error:
            missing.append(f"{error} Without it, there is no drawing of what the image was made of.")
        return _cleaned({
            "summary": _rows([image], now)[0],
            "message": view.message,
            "left": view.left,
            "end": view.end and view.end.text,
            "overall": _nodes(described.overall),
            "moving": view.moving and _bar(view.moving),
            "stages": [
                {
                    **row._asdict(),
                    "status": told.get(row.stage.condition, {}).get("status", "Unknown"),
                    "below": _nodes(described.stages[row.stage].below),
                }
                for row in view.rows
            ],
            "published": _nodes(described.published),
            "failed": _nodes(described.failed),
            "lineage": drawn,
            "pictures": self.pictures.of(namespace, name),
            "history": {"columns": verbs.COLUMNS, "rows": verbs.published(image)},
            "conditions": list(told.values()),
            "missing": missing,
        })  # fmt: skip


def _rows(images: Sequence[Object], now: datetime) -> list[Object]:
    """The rows of the wide table, each by the names of its columns."""
    columns, rows = listing(images, now, wide=True, everywhere=True)
    return [dict(zip(map(str.lower, columns), row, strict=True)) for row in rows]


def _moving(cluster: Cluster, image: Object, pods: Sequence[Object], missing: list[str]) -> progress.Moving | None:
    """How far the stage at work is; a missing right is added to `missing`."""
    try:
        return moving.now(cluster, image, pods)
    except ForbiddenError as error:
        missing.append(f"{error} Without it, there are no bars.")
    except CommandError:  # a pod that has just gone
        pass
    return None


def _bar(found: progress.Moving) -> Object:
    how_far = found.progress
    text = f"{found.container}: {how_far.what}, {amount(how_far)}"
    return {"done": how_far.done, "total": max(how_far.total, 1), "text": text}


def _nodes(nodes: Sequence[Node]) -> list[Object]:
    return [{"text": node.text, "below": _nodes(node.below)} for node in nodes]


def _cleaned(found: Object) -> Object:
    """The object, with characters replaced that could change how the text around them reads."""
    return {key: _clean(value) for key, value in found.items()}


def _clean(value: object) -> object:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return _cleaned(value)
    return [_clean(item) for item in value] if isinstance(value, list | tuple) else value
