"""`check`: an installation without faults, each fault with its remedy, and each right that may be missing."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from inference_image_contract import __version__
from inference_image_operator.api import Spec, read
from kubectl_inferenceimage import crd, documents
from kubectl_inferenceimage.cluster.check import definition, pod_security
from kubectl_inferenceimage.cluster.check.named_secrets import named
from kubectl_inferenceimage.cluster.check.rights import RIGHTS
from kubectl_inferenceimage.installation import read as installation
from tests.unit.cli.cluster.standin import IMAGES, NAMESPACE, ApiServer

Object = dict[str, Any]
CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/inferenceimages.uai.ucloud.cn"
DEPLOYMENTS = "/apis/apps/v1/deployments"
OWN_DEPLOYMENTS = "/apis/apps/v1/namespaces/inference-image-system/deployments"
PLACE = f"/api/v1/namespaces/{NAMESPACE}"
SECRET_VALUE = "Y2FuYXJ5LXZhbHVl"


def operator(version: str = __version__, available: str = "True", replicas: int = 1) -> Object:
    return {
        "metadata": {
            "namespace": "inference-image-system", "name": "operator",
            "labels": {"app.kubernetes.io/version": version},
        },
        "spec": {"replicas": replicas},
        "status": {"conditions": [{"type": "Available", "status": available, "message": "no pod"}]},
    }  # fmt: skip


@pytest.fixture(scope="session")
def crd_document() -> Object:
    """Copy it before a change: to read it takes longer than most tests."""
    (found,) = documents.parse(crd.CRD.read_text())
    return found


@pytest.fixture
def sound(api: ApiServer, example: Object, crd_document: Object) -> ApiServer:
    """An installation without faults, with one object."""
    secret = {"data": dict.fromkeys(("publicKey", "privateKey", ".dockerconfigjson", "ca.crt"), SECRET_VALUE)}
    image = {"metadata": {"name": "detector", "namespace": NAMESPACE}, "spec": example["spec"]}
    names = {name for name, _, _ in _named(example["spec"])}
    api.objects |= {
        CRD: copy.deepcopy(crd_document),
        DEPLOYMENTS: [operator()],
        IMAGES: [image],
        PLACE: {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "baseline"}}},
        f"{PLACE}/resourcequotas": [],
        f"{PLACE}/limitranges": [],
        **{f"{PLACE}/secrets/{name}": copy.deepcopy(secret) for name in names},
    }
    return api


def _named(spec: Object) -> list[tuple[str, str, Any]]:
    return list(named(read(Spec, spec)))


@pytest.fixture
def check(ask, values) -> Callable[[], tuple[int, str]]:
    """check() -> exit code and standard output."""

    def call() -> tuple[int, str]:
        code, out, err = ask("check", "--values", values)
        assert err == ""
        assert SECRET_VALUE not in out
        return code, out

    return call


def test_a_sound_installation(sound: ApiServer, check) -> None:
    code, out = check()
    assert code == 0, out
    assert {line[:8].strip() for line in out.splitlines()} == {"ok"}, out
    topics = [line[8:].partition(":")[0] for line in out.splitlines()]
    assert topics[:6] == ["CRD", "operator", "rights", "objects", "Pod Security", "quota"]
    assert set(topics[6:]) == {"Secrets"}


def absent(path: str) -> Callable[[ApiServer], None]:
    return lambda api: api.objects.pop(path)


def put(path: str, found: Any) -> Callable[[ApiServer], None]:
    return lambda api: api.objects.update({path: found})


def quota(**hard: str) -> Object:
    return {"metadata": {"name": "q"}, "spec": {"hard": hard}, "status": {"used": dict.fromkeys(hard, "0")}}


def limits(**rule: Any) -> Object:
    return {"metadata": {"name": "l"}, "spec": {"limits": [{"type": "Container"} | rule]}}


FAULTS = [
    (absent(CRD), "The cluster has no CRD", "kubectl apply --server-side -f crds/"),
    (put(DEPLOYMENTS, []), "There is no Deployment of the chart in the cluster.", "Install the chart"),
    (put(DEPLOYMENTS, [operator(available="False")]), "is not available: no pod", "describe pods"),
    (put(DEPLOYMENTS, [operator(replicas=0)]), "has no replicas", "scale deployment/operator"),
    (
        put(PLACE, {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}),
        "enforces restricted, which refuses the Build stage with Kaniko",
        "pod-security.kubernetes.io/enforce=baseline",
    ),
    (put(f"{PLACE}/resourcequotas", [quota(**{"limits.memory": "100Mi"})]), "more than its", "namespaces.md"),
    (put(f"{PLACE}/limitranges", [limits(max={"memory": "100Mi"})]), "above the maximum", "namespaces.md"),
    (put(f"{PLACE}/limitranges", [limits(min={"cpu": "64"})]), "below the minimum", "ask for more"),
    (put(f"{PLACE}/limitranges", [limits(maxLimitRequestRatio={"cpu": "1"})]), "has a ratio of cpu", "nearer"),
    (
        put(f"{PLACE}/limitranges", [limits(type="Pod", max={"memory": "100Mi"})]),
        "as a whole has memory",
        "namespaces.md",
    ),
    (
        put(f"{PLACE}/limitranges", [limits(default={"ephemeral-storage": "1Ki"})]),
        "above the default limit",
        "namespaces",
    ),
    (
        put(f"{PLACE}/resourcequotas", [quota(**{"limits.ephemeral-storage": "9Ti"})]),
        "has no limits.ephemeral",
        "default",
    ),
    (absent(f"{PLACE}/secrets/ufile"), f"There is no Secret {NAMESPACE}/ufile", "Create it"),
    (
        put(f"{PLACE}/secrets/ufile", {"data": {"publicKey": SECRET_VALUE}}),
        "has no key privateKey. Its keys: publicKey.",
        "Create it again",
    ),
]


@pytest.mark.parametrize(("change", "text", "remedy"), FAULTS, ids=[text for _, text, _ in FAULTS])
def test_a_fault_has_a_remedy(
    sound: ApiServer, check, change: Callable[[ApiServer], None], text: str, remedy: str
) -> None:
    change(sound)
    code, out = check()
    assert code == 1
    lines = out.splitlines()
    faults = [number for number, line in enumerate(lines) if line.startswith("FAULT") and text in line]
    assert faults, out
    assert "Remedy: " in lines[faults[0] + 1]
    assert remedy in lines[faults[0] + 1]


def test_a_default_of_a_limit_range_sets_what_a_quota_needs(sound: ApiServer, check) -> None:
    sound.objects[f"{PLACE}/resourcequotas"] = [quota(**{"limits.ephemeral-storage": "9Ti"})]
    sound.objects[f"{PLACE}/limitranges"] = [limits(default={"ephemeral-storage": "1Ti"})]
    assert check()[0] == 0


def used_up(**hard: str) -> Object:
    return quota(**hard) | {"status": {"used": hard}}


NOTES = [
    (put(DEPLOYMENTS, [operator(version="9.9.9")]), "version 9.9.9; the plugin has version"),
    (put(f"{PLACE}/resourcequotas", [used_up(**{"count/jobs.batch": "5"})]), "has no count/jobs.batch left: 5 of 5"),
    (put(f"{PLACE}/resourcequotas", [used_up(**{"requests.cpu": "64"})]), "0 are left"),
    (
        lambda api: api.objects[IMAGES].append({"metadata": {"name": "odd"}, "spec": {}}),
        "odd does not fit this version",
    ),
]


@pytest.mark.parametrize(("change", "text"), NOTES, ids=[text for _, text in NOTES])
def test_a_note_is_no_fault(sound: ApiServer, check, change: Callable[[ApiServer], None], text: str) -> None:
    change(sound)
    code, out = check()
    assert code == 0
    assert any(line.startswith("note") and text in line for line in out.splitlines()), out


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (f"{PLACE}/secrets/ufile", f"You may not read Secret {NAMESPACE}/ufile."),
        (PLACE, f"You may not read the namespace {NAMESPACE}."),
        (f"{PLACE}/resourcequotas", "You may not list the ResourceQuotas"),
        (IMAGES, "You may not list the InferenceImages"),
    ],
)
def test_a_missing_right_costs_one_line(sound: ApiServer, check, path: str, words: str) -> None:
    sound.forbidden.add(("GET", path))
    code, out = check()
    assert code == 0
    assert [line for line in out.splitlines() if line.startswith("unknown")], out
    assert words in out


def test_without_the_right_to_read_the_crd_discovery_answers(sound: ApiServer, check) -> None:
    sound.forbidden.add(("GET", CRD))
    sound.objects["/apis/uai.ucloud.cn"] = {"versions": [{"version": "v1alpha1"}]}
    assert "ok      CRD: v1alpha1 is served.\n" in check()[1]
    sound.objects["/apis/uai.ucloud.cn"] = {"versions": [{"version": "v2"}]}
    assert "FAULT   CRD: The API server serves v2, not v1alpha1." in check()[1]
    del sound.objects["/apis/uai.ucloud.cn"]
    assert "FAULT   CRD: The API server does not serve uai.ucloud.cn." in check()[1]


def test_without_the_right_to_list_all_deployments_the_usual_namespace_is_asked(sound: ApiServer, check) -> None:
    sound.forbidden.add(("GET", DEPLOYMENTS))
    sound.objects[OWN_DEPLOYMENTS] = [operator()]
    assert "ok      operator: Deployment inference-image-system/operator is available" in check()[1]
    sound.objects[OWN_DEPLOYMENTS] = []
    assert "note    operator: There is no Deployment of the chart in inference-image-system." in check()[1]
    sound.forbidden.add(("GET", OWN_DEPLOYMENTS))
    assert "unknown operator: You may not list the Deployments in inference-image-system." in check()[1]


@pytest.mark.parametrize("right", RIGHTS, ids=lambda right: right.text)
def test_a_missing_right_is_named_with_what_needs_it(sound: ApiServer, check, right) -> None:
    sound.forbidden.add((right.verb, f"{right.resource}/{right.subresource}".rstrip("/")))
    code, out = check()
    assert code == 0
    assert f"note    rights: You may not {right.text} in {NAMESPACE}.\n" in out
    assert f"Needed by: {right.needed_by}." in out


def test_a_crd_of_another_release(crd_document: Object) -> None:
    document = copy.deepcopy(crd_document)
    document["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["new"] = {"type": "string"}
    assert "differs from the plugin's copy" in definition.found(document).text
    document["spec"]["versions"][0]["served"] = False
    assert "serves no version, not v1alpha1" in definition.found(document).text


@pytest.mark.parametrize(
    ("level", "change", "verdict"),
    [
        ("", {}, "ok"),
        ("privileged", {}, "ok"),
        ("restricted", {"build": {"builder": "Append"}}, "FAULT"),
        ("restricted", {"build": {"builder": "Append"}, "test": {"enabled": False}}, "ok"),
        ("restricted", {"test": {"enabled": False}}, "FAULT"),
    ],
)
def test_the_level_of_the_namespace(example: Object, level: str, change: Object, verdict: str) -> None:
    spec = read(Spec, example["spec"] | change)
    assert pod_security.verdict(NAMESPACE, level, [spec], installation()).verdict == verdict


def test_without_objects_there_are_no_pods_to_check(sound: ApiServer, check) -> None:
    sound.objects[IMAGES] = []
    out = check()[1]
    assert "0 InferenceImages in team-a. Quotas, LimitRanges and Secrets are checked for the objects" in out
    assert "quota:" not in out


def test_an_object_that_the_installation_refuses(sound: ApiServer, ask) -> None:
    code, out, _ = ask("check")
    assert code == 0
    assert "The pods of detector are unknown: No Job would start." in out
