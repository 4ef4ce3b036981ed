"""The scenarios: the model explores every interleaving that each of them allows.

Crashes, failures and losses are not limited in number: each may happen at every moment, as often as it applies. So an
exploration that ends proves that the attempts are bounded.
"""

from dataclasses import replace

from tests.model.specs import A_B_A, A_TO_B, A_TO_B_REQUESTED, PINNED, SUSPENDED, Scenario, SpecVersion

EVERYTHING = Scenario("every failure and disturbance of every stage", (SpecVersion(),))
EDITS = Scenario(
    "an edit and a new request, in either order",
    A_TO_B_REQUESTED,
    failures=("permanent", "counted", "moved", "uncounted"),
    reuse=("graph",),
    disturbances=("removed", "stopped", "crashing"),
)
BACK = Scenario(
    "A, then B, then A again",
    A_B_A,
    failures=("permanent", "counted"),
    reuse=("image",),
    disturbances=("removed", "stopped"),
)
SWITCHED = Scenario(
    "suspended and resumed, with and without an edit",
    SUSPENDED,
    failures=("permanent", "counted"),
    reuse=(),
    disturbances=("stopped", "refused", "line"),
)
DELETED = Scenario(
    "deleted in every state, before and after an edit",
    A_TO_B,
    failures=("permanent", "counted"),
    reuse=(),
    disturbances=("stopped",),
    deletion=True,
)
ARCHIVED = Scenario(
    "inputs that are restored in time, or not",
    SUSPENDED,
    failures=("permanent", "counted", "restoring"),
    reuse=(),
    disturbances=("stopped", "removed", "line"),
    stages=("Resolve",),
)
HELD = Scenario(
    "pinned before and after the image is published, edited and unpinned",
    PINNED,
    failures=("permanent", "counted", "moved"),
    reuse=("image",),
    disturbances=("stopped", "removed"),
    stages=("Publish",),
)
TOLD = Scenario(
    "pods that a watch tells of before their Jobs have ended",
    (SpecVersion(),),
    failures=("permanent",),
    reuse=(),
    disturbances=("told", "stopped"),
    stages=("Resolve", "Export"),
)
TWO_TOLD = Scenario(
    "two operators, of which a watch tells one that a pod has ended",
    (SpecVersion(),),
    operators=2,
    failures=(),
    reuse=(),
    disturbances=("told",),
    stages=("Resolve", "Publish"),
    fenced=True,
    prompt=True,
)
TWO_OPERATORS = Scenario(
    "two operators and an edit",
    A_TO_B,
    operators=2,
    failures=("permanent",),
    reuse=(),
    disturbances=(),
    fenced=True,
    prompt=True,
)
TWO_RETRY = Scenario(
    "two operators and transient failures",
    (SpecVersion(),),
    operators=2,
    failures=("counted",),
    reuse=(),
    disturbances=("stopped",),
    stages=("Resolve", "Publish"),
    fenced=True,
    prompt=True,
)
FULL = (EVERYTHING, EDITS, BACK, SWITCHED, DELETED, ARCHIVED, HELD, TOLD, TWO_TOLD, TWO_OPERATORS, TWO_RETRY)

QUICK = (
    replace(EVERYTHING, disturbances=("stuck", "crashing", "kept", "stopped", "refused")),
    replace(EDITS, versions=A_TO_B, failures=("permanent", "counted", "moved"), disturbances=("stopped",)),
    replace(ARCHIVED, versions=A_TO_B),
    replace(TOLD, versions=A_TO_B, failures=(), disturbances=("told",)),
    replace(HELD, failures=("counted",), disturbances=("stopped",)),
)

TWO_UNFENCED = replace(TWO_OPERATORS, fenced=False)
TWO_LATE = replace(TWO_OPERATORS, prompt=False)
