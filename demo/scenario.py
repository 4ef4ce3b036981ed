"""The scenarios of the demo: one example each, from its training output to the answers of its service."""

from dataclasses import dataclass
from pathlib import Path

from devcluster import fixture, settings

NAME = "object-detect"
"""The name of the InferenceImage, the Deployment and the Service."""
TRAINING_OUTPUT = "uai/object-train-output/"
PREPARED = "uai/object-prep-output/"
SOURCE = "uai/object-detect/"


@dataclass(frozen=True)
class Scenario:
    """The parts of a scenario."""

    title: str
    """The name of its make target and of its folder in out/."""
    example: Path
    training: fixture.Training
    namespace: str
    bucket: str
    sample: str
    """Key of the picture for the Test stage."""
    side: int
    """The side of its pictures, in pixels."""
    pictures: int
    """How many pictures the service gets."""
    images: tuple[str, ...] = ()
    """Images that it needs besides those of every installation."""
    trained: bool = True
    """Whether the weights are trained, so that answers can be correct."""

    @property
    def label_map(self) -> str:
        """Its key."""
        return PREPARED + self.training.label_map

    @property
    def manifest(self) -> Path:
        """The InferenceImage."""
        return self.example / "inferenceimage.yaml"

    @property
    def serving(self) -> Path:
        """Deployment and Service."""
        return self.example / "serving.yaml"

    @property
    def out(self) -> Path:
        """The folder of its summary and pictures."""
        return settings.REPOSITORY / "out" / self.title


OBJECT_DETECT = Scenario(
    title="demo",
    example=settings.REPOSITORY / "examples" / "object-detect",
    training=fixture.SHAPES,
    namespace="object-detect",
    bucket=settings.UFILE_BUCKET,
    sample="uai/samples/shapes.png",
    side=256,
    pictures=40,
)
TUTORIAL = Scenario(
    title="demo-tutorial",
    example=settings.REPOSITORY / "examples" / "tutorial",
    training=fixture.TUTORIAL,
    namespace="tutorial",
    bucket=settings.TUTORIAL_BUCKET,
    sample="uai/samples/picture.png",
    side=640,
    pictures=3,
    images=("tutorial-base",),
    trained=False,
)
BY_TITLE = {scenario.title: scenario for scenario in (OBJECT_DETECT, TUTORIAL)}
