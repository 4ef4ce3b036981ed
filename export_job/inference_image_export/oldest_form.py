"""Writes a verified graph for the oldest TensorFlow possible, and reports when that is too new."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from inference_image_contract import tensorflow_versions
from inference_image_export import canonical
from inference_image_export.readable import RELEASES, Obstacle, Release, obstacle, rewrite


@dataclass(frozen=True)
class OldestForm:
    """The oldest TensorFlow that reads a graph, and why older ones do not."""

    tensorflow: str
    """The version of this process, such as `2.21.0`."""
    readable_by: str
    """`1.7`, `1.15`, or this process's version (`2.21`) when neither reads it."""
    obstacles: Mapping[str, Obstacle]
    """Release -> the obstacle, for each release that does not read the graph."""


def write(exported: Path, target: Path) -> OldestForm:
    """Writes the graph of `exported` to `target`, rewritten if that suits an older release, else unchanged."""
    import tensorflow as tf

    graph = canonical.read_graph(exported)
    reached = rewrite(graph)
    obstacles = {release.version: found for release in _before(reached) if (found := obstacle(graph, release))}
    if reached is None:
        write_unchanged(exported, target)
    else:
        canonical.write(graph, target)
    readable_by = reached.version if reached else tensorflow_versions.short(tf.__version__)
    return OldestForm(tf.__version__, readable_by, obstacles)


def write_unchanged(exported: Path, target: Path) -> None:
    """Writes the graph unchanged; equal graphs become equal bytes."""
    canonical.write(canonical.read_graph(exported), target)


def check_demand(form: OldestForm, demanded: str) -> None:
    """Raises StageError (`GraphIncompatible`) when the release `demanded` (empty for any) cannot read the graph."""
    if not demanded:
        return
    known = [release for release in RELEASES if not tensorflow_versions.is_older(demanded, release.version)]
    nearest = (known or RELEASES)[-1].version
    why = form.obstacles.get(nearest)
    because = f"TensorFlow {nearest} {why.what}" + (f" (node {why.node})" if why.node else "") if why else ""
    tensorflow_versions.check_demand(demanded, form.readable_by, because)


def _before(reached: Release | None) -> tuple[Release, ...]:
    return RELEASES if reached is None else RELEASES[: RELEASES.index(reached)]
