"""The running stack for tests: one namespace and one copy of the inputs for each case."""

import copy
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from demo import install, kubectl, parts, polled, seed_run
from demo.pipeline import MANIFEST, REQUESTED_AT
from demo.scenario import OBJECT_DETECT
from demo.seed import EXAMPLE, LABEL_MAP, SOURCE, TRAINING_OUTPUT
from demo.seed_run import run_inside
from devcluster import settings
from devcluster.lib.locks import locked
from tests.e2e import registry
from tests.support.flat_image import Flat

REPOSITORY = f"{settings.REGISTRY_HOST}/demo/e2e"
OUTPUT = "e2e/export/"
DEADLINE = 600
TICK = 0.5

Object = dict[str, Any]


def start() -> None:
    """Starts cluster, images, object store and operator; existing parts are reused. One process at a time."""
    with locked(settings.STATE / "e2e.lock"):
        references, _ = parts.ensure(OBJECT_DETECT)
        seed_run.run(OBJECT_DETECT)
        install.operator(references)
    os.environ["KUBECONFIG"] = str(settings.STATE / "kubeconfig")


def objects(*steps: dict[str, Any]) -> None:
    """Changes objects in the object store (see inside_ops)."""
    run_inside("-m", "tests.e2e.inside_ops", python=Path(sys.executable), text=json.dumps(steps))


def run_demo(*arguments: str) -> float:
    """Runs `python -m demo` with these arguments; returns its seconds."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "demo", *arguments],
        cwd=settings.REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    return time.monotonic() - began


def fresh_repository() -> str:
    """A new, empty repository: `REPOSITORY` keeps images of earlier runs."""
    return f"{REPOSITORY}-{secrets.token_hex(4)}"


class Case:
    """One InferenceImage in its own namespace, with its own inputs under `e2e/<name>/`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.namespace = f"e2e-{name}"
        kubectl.kubectl("delete", "namespace", self.namespace, "--ignore-not-found", "--wait=true")
        install.namespace(self.namespace)
        self.prefix = f"e2e/{name}/"
        self.tag = f"{name}-{secrets.token_hex(4)}"  # the registry keeps images of earlier runs
        self.inputs()
        self.manifest: Object = yaml.safe_load(MANIFEST.read_text())
        self.manifest["metadata"] = {"name": name, "namespace": self.namespace}
        spec = self.manifest["spec"]
        spec["model"] |= {"prefix": self.prefix + "train/", "labelMap": self.prefix + "label_map.pbtxt"}
        spec["export"]["outputPrefix"] = OUTPUT
        spec["source"]["ufile"]["prefix"] = self.prefix + "source/"
        spec["image"] |= {"repository": REPOSITORY, "tags": [self.tag]}
        for part in ("export", "test"):  # the pods of four tests fit on two cores, and none waits for another
            spec[part]["resources"] = {"requests": {"cpu": "200m"}}

    @property
    def spec(self) -> Object:
        return self.manifest["spec"]

    @property
    def image_name(self) -> str:
        """The published image by its tag."""
        return f"{REPOSITORY}:{self.tag}"

    def inputs(self) -> None:
        """Copies valid inputs from the demo's."""
        step = yaml.safe_load(MANIFEST.read_text())["spec"]["model"]["checkpoint"]["step"]
        self.checkpoint = [f"model.ckpt-{step}.{end}" for end in ("index", "meta", "data-00000-of-00001")]
        train = [*self.checkpoint, "pipeline.config", "checkpoint"]
        code = [f"code/{path.name}" for path in sorted((EXAMPLE / "code").glob("*.py"))]
        source = ["object-detect-cpu.Dockerfile", "object-detect.conf", *code]
        objects(
            *({"copy": [TRAINING_OUTPUT + key, f"{self.prefix}train/{key}"]} for key in train),
            *({"copy": [SOURCE + key, f"{self.prefix}source/{key}"]} for key in source),
            {"copy": [LABEL_MAP, self.prefix + "label_map.pbtxt"]},
        )

    def pulled(self, leave_out: tuple[str, ...] = ()) -> Flat:
        """The published image; `leave_out` are digests of layers that are not unpacked."""
        return registry.pulled(self.status["image"]["reference"], leave_out)

    def apply(self) -> None:
        kubectl.kubectl("apply", "--server-side", "-f", "-", text=json.dumps(self.manifest))

    def request(self) -> None:
        """Sets a new value of the request annotation, as most hints say."""
        manifest = copy.deepcopy(self.manifest)
        manifest["metadata"]["annotations"] = {REQUESTED_AT: str(time.time_ns())}
        self.manifest = manifest
        self.apply()

    @property
    def image(self) -> Object:
        return polled.image(self.namespace, self.name)

    @property
    def status(self) -> Object:
        return self.image.get("status", {})

    def condition(self, kind: str) -> Object:
        return next((c for c in self.status.get("conditions", []) if c["type"] == kind), {})

    def until(self, what: str, look: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + DEADLINE
        while not (found := look()):
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {DEADLINE} s: {what}\n{self.explain()}")
            time.sleep(TICK)
        return found

    def explain(self) -> str:
        """The object, its Jobs, pods and events, and the operator's last log lines."""
        log = kubectl.kubectl("-n", install.NAMESPACE, "logs", "deployment/inference-image-operator", "--tail=40")
        return "\n".join([json.dumps(self.status, indent=1), kubectl.explain(self.namespace), log])

    def until_failed(self, reason: str) -> Object:
        """Waits for Ready=False with this reason and returns the condition; any other end of the run fails at once."""

        def look() -> Object | None:
            image = self.image  # one read, so that its parts are consistent
            if not self._handled(image):
                return None
            conditions = {c["type"]: c for c in image["status"].get("conditions", [])}
            found = conditions.get("Ready", {"status": "Unknown"})
            if found["status"] == "False" and found["reason"] == reason:
                return found
            wrong = conditions.get("Stalled")
            assert not wrong or wrong["reason"] == reason, f"{wrong}\n{self.explain()}"
            assert found["status"] != "True" or "Reconciling" in conditions, (
                f"Ready, but should not be\n{self.explain()}"
            )
            return None

        return self.until(f"Ready is False with reason {reason}", look)

    def until_reason(self, reason: str) -> None:
        """Waits until Ready has this reason, whatever its status."""
        self.until(f"Ready has the reason {reason}", lambda: self.condition("Ready").get("reason") == reason)

    def until_ready(self) -> Object:
        def look() -> bool:
            image = self.image  # one read, so that its parts are consistent
            status = image.get("status", {})
            if not self._handled(image):
                return False
            conditions = {c["type"]: c for c in status["conditions"]}
            assert "Stalled" not in conditions or "stage" in status, f"{conditions['Stalled']}\n{self.explain()}"
            return conditions["Ready"]["status"] == "True"

        self.until("Ready is True", look)
        return self.status

    def _handled(self, image: Object) -> bool:
        """Whether the status belongs to the last applied object."""
        wanted = self.manifest["metadata"].get("annotations", {}).get(REQUESTED_AT, "")
        status = image.get("status", {})
        return (
            status.get("observedGeneration") == image["metadata"]["generation"]
            and status.get("lastHandledRequest", "") == wanted
        )

    def seconds_to_explain(self) -> float:
        """Seconds from the failure of the newest Job to the condition Stalled."""
        jobs = kubectl.get("-n", self.namespace, "jobs")["items"]
        failed = [
            condition["lastTransitionTime"]
            for job in jobs
            for condition in job.get("status", {}).get("conditions", [])
            if condition["type"] == "Failed" and condition["status"] == "True"
        ]
        assert failed, self.explain()
        return (parse_time(self.condition("Stalled")["lastTransitionTime"]) - parse_time(max(failed))).total_seconds()

    def seconds_since_said(self, words: str, condition: Object) -> float:
        """Seconds from the first Event of a Job or pod with these words to the condition."""
        events = kubectl.get("-n", self.namespace, "events")["items"]
        said = [
            event.get("firstTimestamp") or event["metadata"]["creationTimestamp"]
            for event in events
            if words in event.get("message", "") and event["involvedObject"]["kind"] in ("Job", "Pod")
        ]
        assert said, self.explain()
        return (parse_time(condition["lastTransitionTime"]) - parse_time(min(said))).total_seconds()


def parse_time(text: str) -> datetime:
    return datetime.fromisoformat(text)
