"""The chart's ValidatingAdmissionPolicy: the operator's account creates the operator's Jobs, and nothing else."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, utils

from tests.loop.api import Api, wait_for

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "unit" / "operator" / "golden"
VALUES = yaml.safe_load((ROOT / "deploy" / "helm" / "ci" / "test-values.yaml").read_text())
SYSTEM, ACCOUNT, NAMESPACE = "operator-policy", "inference-image-operator", "default"

Job = dict[str, Any]


def _of_the_installation(golden: str) -> Job:
    """A golden manifest with the images of the chart's test values."""
    for name, image in {
        "export": "r/export@sha256:1",
        "build": "r/build@sha256:2",
        "kaniko": "r/kaniko@sha256:3",
    }.items():
        golden = golden.replace(image, VALUES["images"][name])
    found: Job = yaml.safe_load(golden)
    return found


JOBS = {path.stem: _of_the_installation(path.read_text()) for path in sorted(GOLDEN.glob("*.yaml"))}


@pytest.fixture(scope="module")
def create(
    api_client: client.ApiClient, api: Api, helm_template: Callable[..., list[Job]]
) -> Iterator[Callable[[Job], None]]:
    """Creates a Job with the token of the operator's account, as a dry run, once the policy is in force."""
    with installed(api_client, api, helm_template) as send:
        yield send


@contextmanager
def installed(
    api_client: client.ApiClient, api: Api, helm_template: Callable[..., list[Job]], *values: str
) -> Iterator[Callable[[Job], None]]:
    """What `create` does, with these values of the chart."""
    core = client.CoreV1Api(api_client)
    core.create_namespace({"metadata": {"name": SYSTEM}})
    applied = [d for d in helm_template(*values, namespace=SYSTEM) if d["kind"] in KINDS]
    for document in applied:
        utils.create_from_dict(api_client, document)
    api.await_rights()
    token = core.create_namespaced_service_account_token(ACCOUNT, SYSTEM, {"spec": {"audiences": []}}).status.token
    configuration = copy.copy(api_client.configuration)
    configuration.api_key = {"authorization": f"Bearer {token}"}
    configuration.cert_file = configuration.key_file = None
    with client.ApiClient(configuration) as operator:
        batch = client.BatchV1Api(operator)

        def send(job: Job) -> None:
            batch.create_namespaced_job(
                NAMESPACE, job | {"metadata": job["metadata"] | {"namespace": NAMESPACE}}, dry_run="All"
            )

        _await_policy(send)
        yield send
    core.delete_namespace(SYSTEM)
    policies, rbac = client.AdmissionregistrationV1Api(api_client), client.RbacAuthorizationV1Api(api_client)
    name = f"{SYSTEM}-{ACCOUNT}"
    policies.delete_validating_admission_policy(name)
    policies.delete_validating_admission_policy_binding(name)
    rbac.delete_cluster_role(ACCOUNT)
    rbac.delete_cluster_role_binding(ACCOUNT)


POLICY = "ValidatingAdmissionPolicy"
KINDS = {"ServiceAccount", "ClusterRole", "ClusterRoleBinding", POLICY, f"{POLICY}Binding"}


def _await_policy(send: Callable[[Job], None]) -> None:
    """The API server compiles a new policy in the background."""
    bad = copy.deepcopy(JOBS["resolve"])
    bad["spec"]["template"]["spec"]["hostNetwork"] = True

    def in_force() -> bool:
        try:
            send(bad)
        except client.ApiException as error:
            if "namespaces of the host" in error.body:
                return True
            raise
        return False

    wait_for("the policy is in force", in_force)


@pytest.mark.parametrize("name", JOBS)
def test_the_operators_own_jobs_are_admitted(create: Callable[[Job], None], name: str) -> None:
    create(JOBS[name])


def _pod(**changes: Any) -> Callable[[Job], None]:
    return lambda job: job["spec"]["template"]["spec"].update(changes)


def _volume(**source: Any) -> Callable[[Job], None]:
    return lambda job: job["spec"]["template"]["spec"]["volumes"].append({"name": "other"} | source)


def _container(**changes: Any) -> Callable[[Job], None]:
    return lambda job: job["spec"]["template"]["spec"]["containers"][0].update(changes)


def _init(**changes: Any) -> Callable[[Job], None]:
    return lambda job: job["spec"]["template"]["spec"]["initContainers"][0].update(changes)


def _metadata(**changes: Any) -> Callable[[Job], None]:
    return lambda job: job["metadata"].update(changes)


def _step(**changes: Any) -> dict[str, Any]:
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    return {"name": "step", "image": VALUES["images"]["build"], "securityContext": security} | changes


def _after(job: Job) -> None:
    job["spec"]["template"]["spec"]["initContainers"].append(_step(env=[_SECRET]))


def _before(job: Job) -> None:
    job["spec"]["template"]["spec"]["initContainers"].insert(0, _step(env=[_SECRET], restartPolicy="Always"))


def _kaniko(**changes: Any) -> Callable[[Job], None]:
    def change(job: Job) -> None:
        pod = job["spec"]["template"]["spec"]
        next(c for c in pod["initContainers"] if c["name"] == "kaniko").update(changes)

    return change


_NO_SECRET = "neither Kaniko nor anything"
_BESIDE = "nothing with a Secret at the same time"
_OTHER_IMAGE = "run the images of the installation"
_SECRET = {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "other", "key": "key"}}}
_MOUNT = {"name": "tmp", "mountPath": "/r"}
ATTACKS = {
    "another image": ("resolve", _container(image="evil.test/image@sha256:" + "0" * 64), _OTHER_IMAGE),
    "the image under test by tag": ("test", _init(image="evil.test/image:latest"), _OTHER_IMAGE),
    "the image under test with a Secret": ("test", _init(env=[_SECRET]), _OTHER_IMAGE),
    "the image under test with a volume": ("test", _init(volumeMounts=[_MOUNT]), _OTHER_IMAGE),
    "another image as init container": ("build", _init(image="evil.test/image"), _OTHER_IMAGE),
    "a key beside the image under test": ("test", _container(env=[_SECRET]), _BESIDE),
    "all of a Secret beside it": ("test", _container(envFrom=[{"secretRef": {"name": "other"}}]), _BESIDE),
    "a Secret's volume in its pod": ("test", _volume(secret={"secretName": "other"}), _BESIDE),
    "a step after its start": ("test", _after, _BESIDE),
    "a sidecar before its start": ("test", _before, _BESIDE),
    "Kaniko with a Secret": ("build", _kaniko(env=[_SECRET]), _NO_SECRET),
    "Kaniko with the login": (
        "build", _kaniko(volumeMounts=[{"name": "registry", "mountPath": "/kaniko/.docker"}]), _NO_SECRET),
    "a key beside Kaniko": ("build", _before, _NO_SECRET),
    "a service account": ("resolve", _pod(serviceAccountName="admin"), "no service account's token"),
    "a token": ("resolve", _pod(automountServiceAccountToken=True), "no service account's token"),
    "a projected token": (
        "resolve",
        _volume(projected={"sources": [{"serviceAccountToken": {"path": "t"}}]}),
        "no service account's token",
    ),
    "a host path": ("resolve", _volume(hostPath={"path": "/"}), "volumes of emptyDir"),
    "the host's processes": ("resolve", _pod(hostPID=True), "namespaces of the host"),
    "privilege": ("build", _init(securityContext={"allowPrivilegeEscalation": True}), "namespaces of the host"),
    "other labels": ("resolve", _metadata(labels={"other": "label"}), "with its own label only"),
    "no owner": ("resolve", _metadata(ownerReferences=[]), "of an InferenceImage only"),
}  # fmt: skip


@pytest.mark.row(51, "who may only create InferenceImages: no service account, host path, privilege or Kaniko flag")
@pytest.mark.parametrize(("name", "change", "message"), ATTACKS.values(), ids=ATTACKS)
def test_every_other_job_is_refused(create: Callable[[Job], None], name: str, change: Callable, message: str) -> None:
    job = copy.deepcopy(JOBS[name])
    change(job)
    with pytest.raises(client.ApiException, match=message):
        create(job)


def test_other_accounts_are_not_affected(api_client: client.ApiClient, create: Callable[[Job], None]) -> None:
    job = copy.deepcopy(JOBS["resolve"]) | {"metadata": {"name": "other"}}
    client.BatchV1Api(api_client).create_namespaced_job(NAMESPACE, job, dry_run="All")


def test_the_policy_can_be_left_out(helm_template: Callable[..., list[Job]]) -> None:
    kinds = {d["kind"] for d in helm_template("admissionPolicy.create=false", namespace=SYSTEM)}
    assert POLICY not in kinds
