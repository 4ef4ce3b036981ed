"""The actions of the model's user: a few versions of one object, and which version may follow which."""

from dataclasses import dataclass, field
from functools import cached_property

import msgspec

from inference_image_contract import results
from inference_image_operator.api import Spec, read
from inference_image_operator.api.names import input_hash
from inference_image_operator.api.stages import Stage
from tests.support.world import GRAPH, RESULTS, SPEC


@dataclass(frozen=True)
class SpecVersion:
    """One version of the object. `step` represents the content: A and B differ in it."""

    step: int = 800
    generation: int = 1
    request: str = ""
    suspend: bool = False
    pin: int = 0
    """The step whose image `spec.image.pin` names; 0 for none."""
    follows: tuple[int, ...] = ()
    """Indices of the versions that the user may turn this one into."""

    @cached_property
    def spec(self) -> Spec:
        document = msgspec.json.decode(msgspec.json.encode(SPEC))
        document["model"]["checkpoint"]["step"] = self.step
        document["image"] |= {"pin": self.digest} if self.pin else {}
        return read(Spec, document | {"suspend": self.suspend, "retry": {"limit": 1}})

    @cached_property
    def input_hash(self) -> str:
        return input_hash(self.spec, self.request)

    @cached_property
    def digest(self) -> str:
        """The digest of the image of this content, unique for each content; of the pinned image, if there is one."""
        return "sha256:" + f"{self.pin or self.step:064x}"

    def result(self, stage: str, variant: str) -> results.Result | None:
        """The report of a complete Job of this content; None if it is lost."""
        plain = RESULTS[Stage(stage)]
        if variant == "lost":
            return None
        if stage == Stage.RESOLVE:
            built = results.Built(digest=self.digest, size=5000) if variant == "image" else None
            return msgspec.structs.replace(
                plain,
                inputs_hash=self.digest,
                step=self.step,
                graph=GRAPH if variant in ("graph", "image") else None,
                image=built,
            )
        if stage in (Stage.EXPORT, Stage.TEST):
            return plain
        return msgspec.structs.replace(plain, digest="sha256:short" if variant == "malformed" else self.digest)


@dataclass(frozen=True)
class Scenario:
    """A bounded part of the world, to be explored completely."""

    name: str
    versions: tuple[SpecVersion, ...]
    operators: int = 1
    failures: tuple[str, ...] = ("permanent", "counted", "moved", "uncounted", "timeout", "memory", "lost", "malformed")
    """How Jobs may fail: each at every moment, and as often as the operator creates Jobs."""
    reuse: tuple[str, ...] = ("graph", "image")
    """Results that the Resolve Job may find, beside none."""
    disturbances: tuple[str, ...] = (
        "stuck", "queued", "crashing", "kept", "stopped", "removed", "refused", "foreign", "line",
    )  # fmt: skip
    deletion: bool = False
    fenced: bool = False
    """A reconcile that would change Jobs without a new status applies the old status first, so a stale one gets 409."""
    prompt: bool = False
    """No other write happens between an operator's claim and the claimed Job (a crash may)."""
    stages: tuple[str, ...] = field(default=tuple(stage.value for stage in Stage))
    """Stages with failures and disturbances; the other stages succeed."""


A_TO_B = (SpecVersion(follows=(1,)), SpecVersion(step=900, generation=2))
"""One edit."""
A_TO_B_REQUESTED = (
    SpecVersion(follows=(1, 2)),
    SpecVersion(step=900, generation=2, follows=(3,)),
    SpecVersion(request="again", follows=(3,)),
    SpecVersion(step=900, generation=2, request="again"),
)
"""One edit and one new request, in either order."""
A_B_A = (SpecVersion(follows=(1,)), SpecVersion(step=900, generation=2, follows=(2,)), SpecVersion(generation=3))
SUSPENDED = (
    SpecVersion(follows=(1, 3)),
    SpecVersion(generation=2, suspend=True, follows=(2,)),
    SpecVersion(generation=3),
    SpecVersion(step=900, generation=2, suspend=True, follows=(4,)),
    SpecVersion(step=900, generation=3),
)
"""Suspended and resumed, with and without an edit of the content at the same time."""
PINNED = (
    SpecVersion(follows=(1, 2)),
    SpecVersion(step=900, generation=2, follows=(3,)),
    SpecVersion(step=900, generation=2, pin=800, follows=(4,)),
    SpecVersion(step=900, generation=3, pin=800, follows=(5,)),
    SpecVersion(step=700, generation=3, pin=800),
    SpecVersion(step=900, generation=4),
)
"""Pinned to the first image, which may be published by then or not; edited below the pin, and unpinned."""
