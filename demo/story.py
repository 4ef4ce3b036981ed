"""The stories that the demo tells: an example each, from what its training left to the answers of its service."""

from dataclasses import dataclass
from pathlib import Path

from devcluster import fixture, settings

NAME = "object-detect"
"""Of the InferenceImage, the Deployment and the Service of every story."""
TRAINING_OUTPUT = "uai/object-train-output/"
PREPARED = "uai/object-prep-output/"
SOURCE = "uai/object-detect/"


@dataclass(frozen=True)
class Story:
    """Where the parts of a story are."""

    title: str
    """Of its make target and its folder in out/."""
    example: Path
    training: fixture.Training
    namespace: str
    bucket: str
    sample: str
    """Key of the picture for the Test stage."""
    side: int
    """Of its pictures, in pixels."""
    pictures: int
    """How many of them its service is asked about."""
    images: tuple[str, ...] = ()
    """What it needs beside the images of every installation."""
    trained: bool = True
    """Whether the weights mean anything, so that answers can be right."""

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
        """Where it leaves its summary and pictures."""
        return settings.REPOSITORY / "out" / self.title


OBJECT_DETECT = Story(
    title="demo",
    example=settings.REPOSITORY / "examples" / "object-detect",
    training=fixture.SHAPES,
    namespace="object-detect",
    bucket=settings.UFILE_BUCKET,
    sample="uai/samples/shapes.png",
    side=256,
    pictures=40,
)
TUTORIAL = Story(
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
BY_TITLE = {story.title: story for story in (OBJECT_DETECT, TUTORIAL)}
