"""Bad input: explained within 30 s, no tag moved, and the hint fixes it.

The inputs of a published object go bad: nothing that is published may be lost, and most cases need no new export.
"""

import copy
import json
from collections.abc import Callable

import pytest

from demo import install, kubectl
from demo.seed import EXAMPLE
from devcluster import settings
from devcluster.certs import credentials
from devcluster.images import base_image, catalog
from devcluster.lib.locks import locked
from tests.e2e.registry import digest
from tests.e2e.stack import Case, objects

SOON = 180
"""Seconds from the failure to the condition that names it, on a machine that is busy with four runs.

A quiet one needs less than 5, which tests/e2e/test_node_faults.py holds.
"""


class Published(Case):
    """An object that is published before its input goes bad."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.spec["test"]["enabled"] = False  # but for the cases of an image
        self.good = copy.deepcopy(self.manifest)
        with locked(settings.STATE / "e2e-published.lock"):  # the first exports and builds, the others use its results
            self.apply()
            self.digest = self.until_ready()["image"]["digest"]
        self.healthy = True

    def assert_untouched(self) -> None:
        assert digest(self.image_name) == self.digest, "the tag moved"


@pytest.fixture(scope="module")
def publish(worker_id: str) -> Callable[[], Published]:
    """The published object of this worker; a new one after a failed test."""
    found: list[Published] = []

    def healthy() -> Published:
        if not found or not found[-1].healthy:
            found.append(Published(f"bad-input-{worker_id}-{len(found)}"))
        return found[-1]

    return healthy


@pytest.fixture
def case(publish: Callable[[], Published]) -> Published:
    """A published object with good inputs; `healed` says that they are good again."""
    found = publish()
    found.healthy = False
    found.manifest = copy.deepcopy(found.good)
    return found


def stalled(case: Published, reason: str, *words: str) -> dict:
    """Requests a run that stalls; returns its last failure."""
    case.request()
    case.until_failed(reason)
    assert case.condition("Stalled")["reason"] == reason, case.explain()
    assert case.seconds_to_explain() <= SOON, case.explain()
    case.assert_untouched()
    failure = case.status["lastFailure"]
    said = f"{failure['message']} {failure['hint']}"
    assert [word for word in words if word not in said] == [], said
    assert failure["message"] in case.condition("Ready")["message"]
    return failure


def healed(case: Published) -> None:
    """The inputs are as they were, so the image is too."""
    assert case.until_ready()["image"]["digest"] == case.digest, case.explain()
    case.assert_untouched()
    case.healthy = True


def test_missing_shard(case):
    shard = case.checkpoint[-1]
    objects({"delete": f"{case.prefix}train/{shard}"})
    stalled(case, "CheckpointIncomplete", shard, "requestedAt")
    case.inputs()
    case.request()
    healed(case)


def test_wrong_step(case):
    right = case.spec["model"]["checkpoint"]["step"]
    case.spec["model"]["checkpoint"]["step"] = right + 1
    stalled(case, "CheckpointNotFound", str(right + 1), str(right), "spec.model.checkpoint.step")
    case.spec["model"]["checkpoint"]["step"] = right
    case.apply()
    healed(case)


def test_other_class_count(case):
    label_map = case.spec["model"]["labelMap"]
    objects({"write": [label_map, 'item { id: 1 name: "circle" }\nitem { id: 2 name: "square" }\n']})
    stalled(case, "ClassCountMismatch", "2", "3", label_map)
    case.inputs()
    case.request()
    healed(case)


def test_config_of_a_newer_release(case):
    config = f"{case.prefix}train/pipeline.config"
    right = (EXAMPLE / "training" / "pipeline.config").read_text()
    objects({"write": [config, right.replace("num_classes: 3", "num_classes: 3\n    new_option: true")]})
    place = f"{config}, line 5, column 5"
    stalled(case, "PipelineConfigUnknownField", place, "`new_option`", "newer release", "requestedAt")
    case.inputs()
    case.request()
    healed(case)


def test_wrong_ufile_keys(case):
    public, private = credentials.ufile_keys()
    kubectl.apply(kubectl.secret(case.namespace, "ufile", {"publicKey": public, "privateKey": "wrong-canary-key"}))
    failure = stalled(case, "UFileForbidden", "privateKey", "requestedAt")
    assert "wrong-canary-key" not in json.dumps(failure)
    kubectl.apply(kubectl.secret(case.namespace, "ufile", {"publicKey": public, "privateKey": private}))
    case.request()
    healed(case)


def test_expired_security_token(case):
    """Expired temporary keys, which the stand-in always rejects."""
    temporary = credentials.expired_ufile_keys()
    kubectl.apply(kubectl.secret(case.namespace, "ufile", temporary))
    failure = stalled(case, "SecurityTokenRefused", "expired", "securityToken", "spec.ufile.secretRef", "requestedAt")
    assert not [value for value in temporary.values() if value in json.dumps(case.image)]
    public, private = credentials.ufile_keys()
    kubectl.kubectl("-n", case.namespace, "delete", "secret", "ufile")
    kubectl.apply(kubectl.secret(case.namespace, "ufile", {"publicKey": public, "privateKey": private}))
    assert failure["stage"] == "Resolve"
    case.request()
    healed(case)


def test_archived_inputs(case):
    """All are named; then a restore exceeds the installation's deadline; then it succeeds."""
    keys = [f"{case.prefix}train/{case.checkpoint[0]}", case.spec["model"]["labelMap"]]
    objects(*({"archive": key} for key in keys))
    stalled(case, "ObjectArchived", *keys, "2 objects", "spec.ufile.restore", "console", "requestedAt")
    case.spec["ufile"]["restore"] = "Expedited"
    case.apply()
    case.until_reason("ObjectRestoring")
    stalled(case, "RestoreTimedOut", *keys, "within 20s", "Expedited", "console", "requestedAt")
    objects({"later": 15 * 60})
    case.request()
    healed(case)
    case.inputs()


def test_unknown_region(case):
    right = case.spec["ufile"].pop("endpoint")
    case.spec["ufile"]["region"] = "cn-bk"
    case.request()
    said = case.until_failed("RegionUnknown")["message"]
    assert "cn-bk" in said
    assert "cn-bj" in said
    assert "cn-wlcb" in said
    del case.spec["ufile"]["region"]
    case.spec["ufile"]["endpoint"] = right
    case.apply()
    healed(case)


def test_no_such_bucket(case):
    case.spec["ufile"]["bucket"] = "no-such-bucket"
    stalled(case, "BucketNotFound", "no-such-bucket", "spec.ufile.bucket")
    case.spec["ufile"]["bucket"] = settings.UFILE_BUCKET
    case.apply()
    healed(case)


def test_wrong_registry_password(case):
    wrong = json.dumps({"auths": {settings.REGISTRY_HOST: {"username": "demo@example.com", "password": "canary-pass"}}})
    kubectl.apply(install.push_secret(case.namespace, wrong))
    failure = stalled(case, "RegistryUnauthorized", settings.REGISTRY_HOST, "pushSecretRef", "requestedAt")
    assert "canary-pass" not in json.dumps(failure)
    kubectl.apply(install.push_secret(case.namespace))
    case.request()
    healed(case)


def test_dockerfile_syntax_error(case):
    dockerfile = f"{case.prefix}source/object-detect-cpu.Dockerfile"
    objects({"write": [dockerfile, "ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nCOPPY code/ /ai/\n"]})
    stalled(case, "DockerfileInvalid", "line 3", "COPPY", "requestedAt")
    case.inputs()
    case.request()
    healed(case)


def test_no_such_base_image(case):
    right = case.spec["build"]["args"]["BASE_IMAGE"]
    case.spec["build"]["args"]["BASE_IMAGE"] = f"{settings.IMAGE_PREFIX}/no-such-image:1"
    stalled(case, "BaseImageNotFound", "no-such-image:1")
    case.spec["build"]["args"]["BASE_IMAGE"] = right
    case.apply()
    healed(case)


@pytest.mark.row(32, "Secret missing (real kubelet): named within 5 s, heals")
@pytest.mark.parametrize(("secret", "field"), [("ufile", "secretRef"), ("uhub", "pushSecretRef")])
def test_missing_secret(case, secret, field):
    there = kubectl.get("-n", case.namespace, "secret", secret)
    kubectl.kubectl("-n", case.namespace, "delete", "secret", secret)
    case.request()
    found = case.until_failed("SecretNotFound")
    assert case.seconds_since_said(f'secret "{secret}" not found', found) <= SOON, case.explain()
    assert secret in found["message"]
    case.assert_untouched()
    kubectl.apply({key: there[key] for key in ("apiVersion", "kind", "type", "data")} | {
        "metadata": {"name": secret, "namespace": case.namespace}
    })  # fmt: skip
    healed(case)
    assert field in str(case.spec)


def test_image_does_not_start(case):
    case.spec["test"] |= {"enabled": True, "timeout": "3m"}
    module = f"{case.prefix}source/code/object_detect_inference.py"
    objects({"write": [module, "import no_such_module\n"]})
    case.request()
    case.until_failed("ImageDoesNotStart")
    failure = case.status["lastFailure"]
    assert "no_such_module" in failure["logTail"], failure
    case.assert_untouched()
    case.inputs()
    case.request()
    healed(case)


def test_image_never_answers(case):
    case.spec["test"] |= {"enabled": True, "timeout": "15s"}
    dockerfile = f"{case.prefix}source/object-detect-cpu.Dockerfile"
    sleeper = 'ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nCOPY code/ /ai/\nCMD ["sleep", "3600"]\n'
    objects({"write": [dockerfile, sleeper]})
    stalled(case, "ImageDoesNotLoad", "/initialized", "8080")
    case.inputs()
    case.spec["test"]["timeout"] = "2m"
    case.request()
    healed(case)


EMPTY_ANSWERS = """
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()


HTTPServer(("", 8080), Handler).serve_forever()
"""


def serve_with(case, program: str) -> None:
    """The image runs this program in place of the server."""
    case.spec["test"]["enabled"] = True
    dockerfile = f"{case.prefix}source/object-detect-cpu.Dockerfile"
    server = 'ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nCOPY code/ /ai/\nCMD ["python3", "/ai/program.py"]\n'
    objects({"write": [f"{case.prefix}source/code/program.py", program]}, {"write": [dockerfile, server]})


def serve_again(case) -> None:
    """The image runs the example's server."""
    objects({"delete": f"{case.prefix}source/code/program.py"})
    case.inputs()


def test_image_listens_on_loopback_only(case):
    """It answers inside its pod, but no client reaches it."""
    program = EMPTY_ANSWERS.replace('("", 8080)', '("127.0.0.1", 8080)')
    assert program != EMPTY_ANSWERS
    serve_with(case, program)
    stalled(case, "ImageListensOnLoopback", "listens on loopback only", "Listen on 0.0.0.0")
    serve_again(case)
    case.request()
    healed(case)


def test_image_answers_nothing(case):
    """A successful status without a body is not an answer."""
    serve_with(case, EMPTY_ANSWERS)
    stalled(case, "ImageAnswersWrong", "empty body", "spec.test")
    serve_again(case)
    case.request()
    healed(case)


def test_graph_that_the_demanded_tensorflow_cannot_read(case):
    """An imported graph that decodes files, with the demand that TensorFlow 1.7 reads it."""
    right = dict(case.spec["model"])
    graph = f"{case.prefix}frozen_inference_graph.pb"
    case.spec["export"]["inputType"] = "encoded_image_string_tensor"
    case.spec["image"]["tags"] = [f"{case.tag}-encoded"]
    case.apply()
    objects({"copy": [case.until_ready()["frozenGraph"]["key"], graph]})
    case.spec["model"] = {"labelMap": right["labelMap"]}
    case.spec["export"] |= {"frozenGraph": {"key": graph}, "readableBy": "1.7"}
    case.spec["image"]["tags"] = [case.tag]
    failure = stalled(case, "GraphIncompatible", "1.7", "DecodeImage", "node", "image_tensor")
    assert failure["stage"] == "Export"
    case.spec["export"] = {"outputPrefix": case.spec["export"]["outputPrefix"], "readableBy": "1.7"}
    case.spec["model"] = right
    case.apply()
    case.until_ready()
    case.manifest = copy.deepcopy(case.good)
    case.request()
    healed(case)


def test_base_with_a_tensorflow_that_is_too_old(case):
    """Resolve reports it: nothing is exported for an image that cannot load the graph."""
    old = f"{settings.IMAGE_PREFIX}/tensorflow-1.4.0-py3"
    catalog.push(base_image.ensure(), old, "1")
    right = case.spec["build"]["args"]["BASE_IMAGE"]
    case.spec["build"]["args"]["BASE_IMAGE"] = f"{old}:1"
    failure = stalled(case, "GraphIncompatible", "1.4", "1.7", f"{old}:1")
    assert failure["stage"] == "Resolve"
    case.spec["build"]["args"]["BASE_IMAGE"] = right
    case.apply()
    healed(case)


def jobs(case) -> set[str]:
    return {job["metadata"]["name"] for job in kubectl.get("-n", case.namespace, "jobs")["items"]}


def test_memory_above_the_installations_maximum(case):
    """Reported from the object alone, before any Job."""
    before = jobs(case)
    case.spec["export"]["resources"] = {"limits": {"memory": "1Ti"}}
    case.request()
    said = case.until_failed("ResourcesTooLarge")["message"]
    assert "spec.export.resources" in said
    assert "memory 1Ti" in said
    assert jobs(case) == before
    del case.spec["export"]["resources"]
    case.apply()
    healed(case)
