"""Runs the published image as a Deployment and sends it pictures outside the training set."""

import json
from typing import Any

import yaml

from demo import kubectl
from demo.scenario import Scenario
from demo.seed_run import run_inside
from devcluster.lib.run import NotReadyError

NEEDED = 0.85


def run(scenario: Scenario, image: kubectl.Object) -> dict[str, Any]:
    """Deploys the digest of the status, sends requests, and returns the measurements of `demo.ask`.

    Raises NotReadyError when the image does not answer, or not well enough.
    """
    namespace, name = image["metadata"]["namespace"], image["metadata"]["name"]
    objects = list(yaml.safe_load_all(scenario.serving.read_text()))
    for found in objects:
        if found["kind"] == "Deployment":
            found["spec"]["template"]["spec"]["containers"][0]["image"] = image["status"]["image"]["reference"]
    kubectl.apply(*objects)
    kubectl.kubectl("-n", namespace, "rollout", "status", f"deployment/{name}", "--timeout=180s")
    address = kubectl.get("-n", namespace, "service", name)["spec"]["clusterIP"]
    scenario.out.mkdir(parents=True, exist_ok=True)
    asking = (
        scenario.title,
        f"http://{address}/service",
        image["status"]["frozenGraph"]["key"],
        str(scenario.pictures),
    )
    answers: dict[str, Any] = json.loads(run_inside("-m", "demo.ask", *asking))
    if answers["different"] or answers.get("right", scenario.pictures) < NEEDED * scenario.pictures:
        raise NotReadyError(f"The answers of the image are not good enough: {answers}")
    return answers
