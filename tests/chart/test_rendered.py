"""The rendered chart: images from one registry, labels that stay, a test without rights, further objects."""

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from release import catalog

if TYPE_CHECKING:
    from pathlib import Path

Objects = list[dict[str, Any]]
Render = Callable[..., Objects]

REFERENCES = {
    name: catalog.by_digest(f"registry{number}.test/team-{number}", name, f"sha256:{number:064}")
    for number, name in enumerate(catalog.VALUES)
}
REFERENCE = re.compile(r"[\w./:-]+@sha256:[0-9a-f]{64}")
MIRROR = "mirror.test:5000/inference-image"


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> str:
    """`--values` of a file that names every image of a release, each in another registry."""
    path: Path = tmp_path_factory.mktemp("values") / "values.yaml"
    path.write_text(catalog.values_text(REFERENCES))
    return f"--values={path}"


def references(found: object) -> Iterator[str]:
    """Every image reference, also in texts."""
    if isinstance(found, dict):
        found = [*found.values()]
    if isinstance(found, list):
        for one in found:
            yield from references(one)
    elif isinstance(found, str):
        yield from REFERENCE.findall(found)


def one(objects: Objects, kind: str, name: str = "inference-image-operator") -> dict[str, Any]:
    (found,) = (found for found in objects if (found["kind"], found["metadata"]["name"]) == (kind, name))
    return found


def test_without_a_registry_every_image_stays_where_it_is(helm_template: Render, values: str) -> None:
    assert {*references(helm_template(values))} == {*REFERENCES.values()}


def test_one_value_relocates_every_image(helm_template: Render, values: str) -> None:
    """Deployment, configuration, admission policy and `helm test`."""
    objects = helm_template(values, f"--set=images.registry={MIRROR}")
    moved = {f"{MIRROR}/{reference.rpartition('/')[2]}" for reference in REFERENCES.values()}
    assert {*references(objects)} == moved
    config = yaml.safe_load(one(objects, "ConfigMap")["data"]["config.yaml"])
    assert {*config["images"].values(), config["sources"]["inferenceBase"]} == moved - {_operator(objects)}
    policy = one(objects, "ValidatingAdmissionPolicy", "system-inference-image-operator")
    assert {*references(policy)} == {*config["images"].values()}


def _operator(objects: Objects) -> str:
    image: str = one(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]["image"]
    return image


def test_an_image_that_is_not_set_is_not_relocated(helm_template: Render) -> None:
    objects = helm_template(f"--set=images.registry={MIRROR}")
    config = yaml.safe_load(one(objects, "ConfigMap")["data"]["config.yaml"])
    assert config["images"]["exportOnnx"] == config["sources"]["inferenceBase"] == ""


def test_labels_and_annotations_of_the_pod_do_not_replace_the_charts(helm_template: Render) -> None:
    name = r"app\.kubernetes\.io/name"
    given = (
        f"--set=podLabels.team=a,podLabels.{name}=other",
        "--set=podAnnotations.checksum/config=none,podAnnotations.b=c",
    )
    before, after = (one(helm_template(*words), "Deployment")["spec"] for words in ((), given))
    meta = after["template"]["metadata"]
    assert meta["labels"] == before["template"]["metadata"]["labels"] | {"team": "a"}
    assert meta["annotations"] == before["template"]["metadata"]["annotations"] | {"b": "c"}
    assert after["selector"] == before["selector"]


def test_a_budget_selects_the_operators_pod(helm_template: Render) -> None:
    objects = helm_template("--set=podDisruptionBudget.enabled=true")
    budget = one(objects, "PodDisruptionBudget")["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"] == one(objects, "Deployment")["spec"]["selector"]
    assert "PodDisruptionBudget" not in {found["kind"] for found in helm_template()}


@pytest.mark.parametrize(
    "written", ['{"metadata":{"name":"{{ .Release.Namespace }}"}}', r'"metadata: {name: {{ .Release.Namespace }}}"']
)
def test_further_objects_are_templates(helm_template: Render, written: str) -> None:
    assert {"metadata": {"name": "system"}} in helm_template(f"--set-json=extraObjects=[{written}]")


def test_helm_test_has_no_rights_and_leaves_nothing(helm_template: Render) -> None:
    everything = helm_template()
    hooks = [found for found in everything if "helm.sh/hook" in found["metadata"].get("annotations", {})]
    assert {found["kind"] for found in hooks} == {"Pod", "Service", "ServiceAccount"}
    for found in hooks:
        assert found["metadata"]["annotations"]["helm.sh/hook"] == "test"
        assert "hook-succeeded" in found["metadata"]["annotations"]["helm.sh/hook-delete-policy"]
    assert helm_template("--skip-tests") == [found for found in everything if found not in hooks]
    account = one(hooks, "Pod", "inference-image-operator-test")["spec"]["serviceAccountName"]
    bound = [subject["name"] for found in everything for subject in found.get("subjects", [])]
    assert account == one(hooks, "ServiceAccount", account)["metadata"]["name"]
    assert account not in bound


def test_the_tests_service_selects_the_operator_and_nothing_else(helm_template: Render) -> None:
    objects = helm_template()
    service = one(objects, "Service", "inference-image-operator-test")["spec"]
    pod = one(objects, "Deployment")["spec"]["template"]
    assert service["selector"].items() <= pod["metadata"]["labels"].items()
    assert service["ports"][0]["targetPort"] in {port["name"] for port in pod["spec"]["containers"][0]["ports"]}
    test = one(objects, "Pod", "inference-image-operator-test")["metadata"]["labels"]
    assert not service["selector"].items() <= test.items()
