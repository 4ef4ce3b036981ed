"""The containers of each stage's pod, and the field of the spec that sets the resources of each."""

from collections.abc import Mapping

from inference_image_operator.api.stages import Stage

CONTAINERS: Mapping[Stage, tuple[str, ...]] = {
    Stage.RESOLVE: ("resolve",),
    Stage.EXPORT: ("download", "export", "upload"),
    Stage.BUILD: ("assemble", "pull", "depot", "kaniko", "append", "report"),
    Stage.TEST: ("sample", "answer", "image", "probe"),
    Stage.PUBLISH: ("publish",),
}
"""In the order in which they run. A pod has some of them. Any other container in it comes from outside."""

SIDECARS = ("depot", "image")
"""They run beside the containers after them, and are stopped with the last."""

LOGIN = "login"
"""The volume of a Build pod that gives Kaniko a login."""

MAIN: Mapping[Stage, str] = {stage: names[-1] for stage, names in CONTAINERS.items()}
"""The last container of each stage. It reports the stage's result."""

_FIELDS = {
    "export": "spec.export.resources",
    "answer": "spec.export.resources",
    **dict.fromkeys(("download", "upload", "sample", "pull"), "spec.resources.assemble"),
    "depot": "spec.resources.report",
    "kaniko": "spec.build.resources",
    "append": "spec.build.resources",
    "image": "spec.test.resources",
}


def resource_field(container: str) -> str:
    """The field of the spec that sets the resources of a container."""
    return _FIELDS.get(container, f"spec.resources.{container}")


def resource_fields(stage: Stage) -> str:
    """The fields that set the resources of a stage's containers, for a sentence."""
    names = list(dict.fromkeys(map(resource_field, CONTAINERS[stage])))
    return " and ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else names[0]
