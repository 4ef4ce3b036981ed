"""The pods that an object's stages would have: requests and limits of each container. Pure."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from inference_image_operator.api.quantities import quantity
from inference_image_operator.config.installation import Config
from kubectl_inferenceimage import pipeline, placeholders
from kubectl_inferenceimage.manifest import Image

Amounts = Mapping[str, Decimal]


class Container(NamedTuple):
    """One container."""

    name: str
    requests: Amounts
    limits: Amounts
    runs_beside: bool
    """Whether it runs at the same time as the pod's main containers."""


class StagePod(NamedTuple):
    """The pod of a stage."""

    stage: str
    containers: tuple[Container, ...]

    def total(self, kind: str) -> dict[str, Decimal]:
        """What a quota counts of `requests` or `limits`: the greater of the sum, and of one init container."""
        found: dict[str, Decimal] = {}
        for container in self.containers:
            for name, amount in getattr(container, kind).items():
                found[name] = found.get(name, Decimal(0)) + (amount if container.runs_beside else 0)
        for container in self.containers:
            for name, amount in getattr(container, kind).items():
                found[name] = max(found[name], amount)
        return found


def planned(image: Image, config: Config) -> Iterator[StagePod]:
    """The pods, one after the other. Raises CommandError if no Job would start."""
    run: pipeline.PlannedJob | None = pipeline.first(image, config)
    while run:
        spec = run.manifest["spec"]["template"]["spec"]
        init = spec.get("initContainers", [])
        containers = [*(_container(c, runs_beside=c.get("restartPolicy") == "Always") for c in init)]
        yield StagePod(run.stage, (*containers, *(_container(c, runs_beside=True) for c in spec["containers"])))
        run = pipeline.following(run, placeholders.result(run.stage, image.spec), config)


def _container(found: Mapping[str, Any], *, runs_beside: bool) -> Container:
    resources = found.get("resources", {})
    return Container(
        found["name"], amounts(resources.get("requests")), amounts(resources.get("limits")), runs_beside=runs_beside
    )


def amounts(found: Mapping[str, str | int] | None) -> dict[str, Decimal]:
    """Quantities as numbers, by resource."""
    return {name: quantity(text) for name, text in (found or {}).items()}
