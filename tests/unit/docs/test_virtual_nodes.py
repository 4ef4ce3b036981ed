"""docs/operations/virtual-nodes.md and its example follow those rules of UK8S's virtual nodes that a test can check."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml

from inference_image_operator.api import Spec, read
from inference_image_operator.api.quantities import quantity
from inference_image_operator.api.stages import Stage
from inference_image_operator.config import installation
from tests.support.world import CONFIG, World

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "operations" / "virtual-nodes.md").read_text()
EXAMPLE = yaml.safe_load((ROOT / "examples" / "virtual-nodes" / "inferenceimage.yaml").read_text())
SERVING = yaml.safe_load((ROOT / "examples" / "virtual-nodes" / "serving.yaml").read_text())
(TEXT,) = re.findall(r"^```yaml\n(# virtual-nodes-values.yaml\n.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
VALUES = yaml.safe_load(TEXT)

SIZES = {
    (quantity(cpu), quantity(memory))
    for cpu, row in re.findall(r"^\| (500m|\d) \| ([0-9GMi, ]+) \|$", PAGE, re.MULTILINE)
    for memory in row.split(", ")
}
MOST_CONTAINERS = 3
VOLUMES = {"emptyDir", "configMap", "secret"}
STAGES = list(Stage)


def pod(stage: Stage) -> dict[str, Any]:
    """The pod of a stage of the example, in an installation with the page's values."""
    images = {"export": "e:1", "build": "b:1", "kaniko": "k:1"}
    world = World(config=installation.parse(yaml.safe_dump({"images": images, **VALUES["config"]})))
    world.spec = EXAMPLE["spec"]
    world.run_to(stage)
    found: dict[str, Any] = msgspec.to_builtins(world.created[-1]["spec"]["template"]["spec"])
    return found


def containers(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return [*spec.get("initContainers", []), *spec["containers"]]


def size(container: dict[str, Any]) -> tuple[object, object]:
    requests = container["resources"]["requests"]
    return quantity(requests["cpu"]), quantity(requests["memory"])


def test_the_sizes_are_those_that_uk8s_lists() -> None:
    assert len(SIZES) == 14
    assert max(SIZES) == (8, quantity("16Gi"))


@pytest.mark.parametrize("stage", STAGES)
def test_every_container_has_an_existing_size(stage: Stage) -> None:
    wrong = {one["name"]: one["resources"] for one in containers(pod(stage)) if size(one) not in SIZES}
    assert wrong == {}


@pytest.mark.parametrize("stage", STAGES)
def test_a_pod_is_no_larger_than_the_largest_instance(stage: Stage) -> None:
    sizes = [size(one) for one in containers(pod(stage))]
    assert len(sizes) <= MOST_CONTAINERS
    assert sum(cpu for cpu, _ in sizes) <= quantity("8")
    assert sum(memory for _, memory in sizes) <= quantity("16Gi")


@pytest.mark.parametrize("stage", STAGES)
def test_no_pod_uses_features_that_cube_lacks(stage: Stage) -> None:
    spec = pod(stage)
    assert spec["automountServiceAccountToken"] is False
    assert {kind for volume in spec["volumes"] for kind in volume if kind != "name"} <= VOLUMES
    for one in containers(spec):
        assert one["resources"]["requests"].get("ephemeral-storage", "0") == "0", one["name"]
        assert not one["securityContext"].get("capabilities", {}).get("add"), one["name"]


@pytest.mark.parametrize("stage", STAGES)
def test_every_pod_selects_the_node_and_tolerates_its_taint(stage: Stage) -> None:
    served = SERVING["spec"]["template"]["spec"]
    assert pod(stage)["nodeSelector"]["type"] == served["nodeSelector"]["type"] == "virtual-kubelet"
    assert pod(stage)["tolerations"] == served["tolerations"]
    assert served["tolerations"][0]["key"] in PAGE


def test_with_match_graph_the_pod_has_too_many_containers() -> None:
    world = World()
    world.spec["test"] = {"sample": "a.png", "matchGraph": True}
    world.run_to(Stage.TEST)
    assert len(containers(world.created[-1]["spec"]["template"]["spec"])) == MOST_CONTAINERS + 1


def test_the_served_pod_has_a_size_and_no_token() -> None:
    spec = SERVING["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert size(container) in SIZES
    assert spec["automountServiceAccountToken"] is False
    assert SERVING["spec"]["selector"]["matchLabels"] == SERVING["spec"]["template"]["metadata"]["labels"]


def test_the_values_pass_the_charts_schema() -> None:
    chart = ROOT / "deploy" / "helm"
    defaults = yaml.safe_load((chart / "values.yaml").read_text())
    images = yaml.safe_load((chart / "ci" / "test-values.yaml").read_text())
    values = defaults | images | {"config": defaults["config"] | VALUES["config"]}
    jsonschema.validate(values, json.loads((chart / "values.schema.json").read_text()))


def test_the_example_requests_no_more_than_an_installation_allows() -> None:
    maximum = CONFIG.jobs.maximum
    spec = read(Spec, EXAMPLE["spec"])
    for resources in (spec.export.resources, spec.build.resources):
        assert quantity(resources.requests["cpu"]) <= quantity(maximum.cpu)
        assert quantity(resources.requests["memory"]) <= quantity(maximum.memory)
