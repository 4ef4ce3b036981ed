"""What the spec says about the pods: resources, scheduling, labels and annotations."""

from typing import Any

from inference_image_operator.api.part import NameRef, Part


class Resources(Part, frozen=True, kw_only=True):
    """Requests and limits of one stage: `cpu`, `memory` and `ephemeral-storage` as Kubernetes quantities."""

    requests: dict[str, str | int] = {}
    limits: dict[str, str | int] = {}


class StepResources(Part, frozen=True, kw_only=True):
    """Resources of the steps that are not a stage's main container."""

    resolve: Resources = Resources()
    assemble: Resources = Resources()
    report: Resources = Resources()
    probe: Resources = Resources()
    publish: Resources = Resources()


class PodMetadata(Part, frozen=True, kw_only=True):
    """Labels and annotations of the pods."""

    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class Toleration(Part, frozen=True, kw_only=True):
    """As in a pod."""

    key: str | None = None
    operator: str | None = None
    value: str | None = None
    effect: str | None = None
    toleration_seconds: int | None = None


class SchedulingSpec(Part, frozen=True, kw_only=True):
    """Where the pods of the stages run. The installation must allow the classes."""

    node_selector: dict[str, str] = {}
    tolerations: tuple[Toleration, ...] = ()
    affinity: dict[str, Any] = {}
    priority_class_name: str = ""
    runtime_class_name: str = ""
    image_pull_secrets: tuple[NameRef, ...] = ()
    queue_name: str = ""
    """Kueue's LocalQueue. It becomes the label that Kueue reads."""
