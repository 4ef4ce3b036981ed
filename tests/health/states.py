"""Every state that an object shows in the journeys, once each, as a client sees it."""

import msgspec

from inference_image_operator.api import API_VERSION, KIND, write
from inference_image_operator.core.decision import Decision
from tests.support.journeys import JOURNEYS
from tests.support.world import World


class Recorder(World):
    """A world that keeps the object after each reconcile, and as it is before the operator sees an edit."""

    seen: list[dict]

    def step(self) -> Decision:
        self.seen.append(self.object())
        decision = super().step()
        self.seen.append(self.object())
        return decision

    def object(self) -> dict:
        """The object as `kubectl get -o json` prints it, as far as a health check reads it."""
        return {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": {"name": "detector", "namespace": "object-detect", "generation": self.generation},
            "spec": {"suspend": self.spec.get("suspend", False)},
            "status": _DEFAULT | {key: value for key, value in write(self.status).items() if key in _READ},
        }


_DEFAULT = {"observedGeneration": -1}
"""The CRD's."""
_READ = ("observedGeneration", "conditions")


def recorded() -> dict[str, dict]:
    """Description -> object, for each distinct state of all journeys, in the order of their descriptions."""
    found: dict[str, dict] = {}
    for journey in JOURNEYS:
        world = Recorder()
        world.seen = []
        journey(world)
        for seen in world.seen:
            found.setdefault(described(seen), msgspec.to_builtins(seen))
    return dict(sorted(found.items()))


def described(seen: dict) -> str:
    """The state in one line: its conditions with status and reason, and whether it is of the current generation."""
    conditions = [f"{c['type']}={c['status']}/{c['reason']}" for c in seen["status"].get("conditions", [])]
    current = seen["status"].get("observedGeneration") == seen["metadata"]["generation"]
    notes = ["suspend"] * seen["spec"]["suspend"] + ["edited"] * (not current)
    return " ".join([*notes, *conditions]) or "new"
