"""`spec.rollout.inferenceService` with KServe's own CRDs. The test plays its controller and the kubelet."""

import re

import pytest
import yaml

from devcluster.settings import REPOSITORY
from tests.loop.api import container_status
from tests.loop.conftest import Operator, started
from tests.loop.kserve import FULL, MINIMAL, RUNTIMES, KServe, Service
from tests.loop.test_rollout import NEWER, OLD, WORSE, agreed, publish, reference, said, until_taken_back
from tests.support.world import DIGEST

FIELD = {"f:predictor": {"f:model": {"f:image": {}}}}
CUSTOM = {"containers": [{"name": "kserve-container", "image": OLD}]}


@pytest.fixture(scope="module")
def kserve(api):
    return KServe(api)


@pytest.fixture
def operator(plane, api, namespace, tmp_path):
    """An installation that allows InferenceServices alone."""
    with started(Operator(plane, api, namespace, tmp_path, rollout={"allowed": ["InferenceService"]})) as found:
        yield found


@pytest.fixture
def service(api, pipeline) -> Service:
    pipeline.spec["rollout"] = {"inferenceService": {"name": Service.name}, "timeout": "1h"}
    return Service(api, pipeline)


@pytest.fixture
def full(kserve) -> None:
    kserve.install(FULL)


def test_without_kserve_it_says_so_and_goes_on_once_kserve_is_installed(pipeline, service, kserve):
    kserve.remove()
    publish(pipeline, DIGEST)
    pipeline.until_condition("RolledOut", "False", "RolloutKindNotServed")
    assert "Install KServe, or hand the image to another kind in spec.rollout." in said(pipeline)
    kserve.install(FULL)
    service.apply(reference(DIGEST), **agreed(pipeline))
    pipeline.until("it waits", lambda: pipeline.image["status"].get("rollout", {}).get("phase") == "Waiting")


@pytest.mark.usefixtures("full")
def test_an_image_is_rolled_out_the_next_one_too_and_a_broken_one_is_taken_back(pipeline, service):
    service.apply(reference(DIGEST), **agreed(pipeline))
    publish(pipeline, DIGEST)
    pipeline.until("it waits", lambda: pipeline.image["status"].get("rollout", {}).get("phase") == "Waiting")
    assert pipeline.conditions["RolledOut"] == ("Unknown", "RollingOut")
    service.becomes_ready()
    pipeline.until_condition("RolledOut", "True", "RolledOut")
    assert service.owned_by("inference-image-rollout") == FIELD
    service.apply(**agreed(pipeline))  # without the image: from here on the operator alone owns the field
    assert service.image == reference(DIGEST)

    publish(pipeline, NEWER)
    pipeline.until("the target has the newer image", lambda: service.image == reference(NEWER))
    pipeline.until_condition("RolledOut", "Unknown", "RollingOut")  # Ready is True of the image before
    running = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    service.pod(reference(NEWER), phase="Running", conditions=[running])
    pipeline.until_condition("RolledOut", "True", "RolledOut")
    assert f"InferenceService/detector runs {reference(NEWER)}: Ready is True." in said(pipeline)

    publish(pipeline, WORSE)
    pipeline.until("the target has the broken image", lambda: service.image == reference(WORSE))
    ended = {"terminated": {"exitCode": 1, "reason": "Error", "message": "loading\nno such model: /model"}}
    crashed = container_status("kserve-container", ended, restartCount=3)
    service.pod(reference(WORSE), containerStatuses=[crashed])
    until_taken_back(pipeline, "no such model")
    assert service.image == reference(NEWER)
    assert "container kserve-container: exit code 1, Error: no such model: /model" in said(pipeline)
    assert pipeline.conditions["Ready"] == ("True", "Published")
    assert service.predictor["minReplicas"] == 2
    assert service.owned_by("inference-image-rollout") == FIELD


@pytest.mark.usefixtures("full")
def test_a_custom_predictor_is_left_alone(api, pipeline, service):
    """Its containers are one list in KServe's CRD: who applies one image takes all of it."""
    service.apply(predictor=CUSTOM, **agreed(pipeline))
    body = {"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "metadata": {"name": service.name}}
    image = {"spec": {"predictor": {"containers": [{"name": "kserve-container", "image": "other"}]}}}
    query = "?fieldManager=another&dryRun=All"
    answer = api.send("PATCH", service.path + query, body | image, "application/apply-patch+yaml").json()
    assert answer["details"]["causes"][0]["field"] == ".spec.predictor.containers"
    publish(pipeline, DIGEST)
    pipeline.until_condition("RolledOut", "False", "RolloutTargetNotFound")
    assert "InferenceService/detector has no spec.predictor.model" in said(pipeline)
    assert service.predictor == CUSTOM
    assert service.owned_by("inference-image-rollout") is None


@pytest.mark.usefixtures("full")
def test_a_field_of_another_manager_is_not_taken(pipeline, service):
    service.apply(OLD, manager="helm", **agreed(pipeline))
    publish(pipeline, DIGEST)
    pipeline.until_condition("RolledOut", "False", "RolloutConflict")
    assert "helm owns the image of InferenceService/detector (spec.predictor.model.image)" in said(pipeline)
    assert service.image == OLD


@pytest.mark.usefixtures("full")
def test_the_manifests_of_the_guide_fit_kserves_schema(api, namespace, kserve):
    kserve.define(FULL, RUNTIMES)
    page = (REPOSITORY / "docs" / "guides" / "rollout.md").read_text()
    blocks = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    found = [one for text in blocks for one in yaml.safe_load_all(text) if "kserve" in one.get("apiVersion", "")]
    assert [one["kind"] for one in found] == ["ServingRuntime", "InferenceService"]
    for one in found:
        path = f"/apis/{one['apiVersion']}/namespaces/{namespace}/{one['kind'].lower()}s"
        api.request("POST", f"{path}?fieldValidation=Strict", one)


def test_a_spec_that_is_one_field_is_not_taken(pipeline, service, kserve):
    """KServe's minimal CRD has no schema."""
    kserve.install(MINIMAL)
    service.apply(OLD, manager="helm", **agreed(pipeline))
    before = service.predictor
    publish(pipeline, DIGEST)
    pipeline.until_condition("RolledOut", "False", "RolloutConflict")
    assert "it is one field in KServe's minimal CRD" in said(pipeline)
    assert service.predictor == before
