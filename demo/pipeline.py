"""Applies a scenario's manifest, waits for Ready and reports the stages."""

import json
import time
from datetime import UTC, datetime

from demo import kubectl, polled
from demo.scenario import NAME, OBJECT_DETECT, Scenario
from devcluster import settings
from devcluster.lib.progress import say
from devcluster.lib.run import NotReadyError

MANIFEST = OBJECT_DETECT.manifest
TIMEOUT = 900
TICK = 0.5
REQUESTED_AT = "uai.ucloud.cn/requestedAt"


def run(scenario: Scenario, *, renew: bool) -> kubectl.Object:
    """Returns the InferenceImage once it is Ready.

    `renew` requests a new run of an existing object, because its inputs have changed. Raises NotReadyError with the
    status's own explanation when the object stalls.
    """
    namespace = scenario.namespace
    there = kubectl.find("-n", namespace, "infimg", NAME) is not None
    say(f"kubectl apply -f {scenario.manifest.relative_to(settings.REPOSITORY)}")
    kubectl.kubectl("apply", "-f", str(scenario.manifest))
    if there and renew:
        value = datetime.now(UTC).isoformat()
        kubectl.kubectl("-n", namespace, "annotate", "--overwrite", "infimg", NAME, f"{REQUESTED_AT}={value}")
        say("The inputs have changed since the last run: requesting a new run.")
        _until_handled(namespace, value)
    say(f"kubectl wait --for=condition=Ready infimg/{NAME}")
    said: set[str] = set()
    arguments = ("--for=condition=Ready", f"--timeout={TIMEOUT}s", f"infimg/{NAME}")
    with kubectl.start("-n", namespace, "wait", *arguments) as waiting:
        try:
            while waiting.poll() is None:
                _tell(polled.image(namespace, NAME), said)
                time.sleep(TICK)
            answer = waiting.stdout.read() if waiting.stdout else ""
        finally:
            waiting.kill()
    image = polled.image(namespace, NAME)
    _tell(image, said)
    if waiting.returncode:
        raise NotReadyError(f"{answer}\n{kubectl.explain(namespace)}")
    return image


def condition(image: kubectl.Object, kind: str) -> dict[str, str]:
    """A condition of the object, empty without one."""
    conditions = image.get("status", {}).get("conditions", [])
    return next((c for c in conditions if c["type"] == kind), {})


def _until_handled(namespace: str, value: str) -> None:
    deadline = time.monotonic() + TIMEOUT
    while polled.image(namespace, NAME).get("status", {}).get("lastHandledRequest") != value:
        if time.monotonic() > deadline:
            raise NotReadyError(f"The operator did not handle the request.\n{kubectl.explain(namespace)}")
        time.sleep(TICK)


def _tell(image: kubectl.Object, said: set[str]) -> None:
    """Prints each change of a condition once; raises when the object is stalled, because then only a change helps."""
    for kind in ("Resolved", "Exported", "Built", "Tested", "Published", "Ready"):
        found = condition(image, kind)
        line = f"{kind:10}{found.get('status', ''):8}{found.get('reason', ''):12}{found.get('message', '')}"
        if found and found["reason"] != "Pending" and line not in said:
            said.add(line)
            say(line)
    stalled = condition(image, "Stalled")
    if stalled and image["status"].get("stage") is None:
        failure = json.dumps(image["status"].get("lastFailure", {}), indent=2, ensure_ascii=False)
        raise NotReadyError(f"{stalled['reason']}: {stalled['message']}\n{failure}")
