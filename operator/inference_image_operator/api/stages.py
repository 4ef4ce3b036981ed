"""The four stages in their order, and what each is called where."""

from enum import StrEnum

from inference_image_operator.api.conditions import Type


class Stage(StrEnum):
    """A stage; its value is its name in status, labels and Job names."""

    RESOLVE = "Resolve"
    EXPORT = "Export"
    BUILD = "Build"
    TEST = "Test"

    @property
    def condition(self) -> Type:
        """The condition that says how this stage ended."""
        return _CONDITIONS[self]

    @property
    def working(self) -> str:
        """Reason of Ready and Reconciling while this stage works."""
        return _WORKING[self]


_CONDITIONS = {
    Stage.RESOLVE: Type.RESOLVED,
    Stage.EXPORT: Type.EXPORTED,
    Stage.BUILD: Type.BUILT,
    Stage.TEST: Type.TESTED,
}
_WORKING = {
    Stage.RESOLVE: "Resolving",
    Stage.EXPORT: "Exporting",
    Stage.BUILD: "Building",
    Stage.TEST: "Testing",
}
