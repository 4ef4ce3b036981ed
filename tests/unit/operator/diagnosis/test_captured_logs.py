"""The diagnosis of real failures of the real Kaniko (`make capture-kaniko-logs`)."""

import re
from pathlib import Path

import msgspec
import pytest

from inference_image_contract.reasons import ReasonClass
from inference_image_operator.api.stages import Stage
from inference_image_operator.diagnosis import kaniko_log
from inference_image_operator.diagnosis.outcomes import Failed, assess
from inference_image_operator.observed import Job, Pod
from tests.captures.kaniko import scenarios
from tests.support.world import START, report

LOGS = Path(__file__).parents[1] / "kaniko_logs"
JOB = Job(name="job", uid="uid", stage="Build", content="c", attempt=1, failed="BackoffLimitExceeded")
TRANSIENT, FINAL = ReasonClass.RETRY, ReasonClass.PERMANENT

EXPECTED = {
    # the Dockerfile
    "unknown_instruction": ("DockerfileInvalid", FINAL, "error in line 3", "Correct line 3"),
    "instruction_without_arguments": ("DockerfileInvalid", FINAL, "line 2: ", "COPY requires at least two"),
    "malformed_reference": ("DockerfileInvalid", FINAL, "registry.example/Base/small:1, which is no", "lower case"),
    "run_user_unknown": ("DockerfileInvalid", FINAL, "the user nobody-of-that-name, which", "before the USER"),
    "copy_source_missing": ("CopySourceNotFound", FINAL, "names weights.pb, which", "Add the file"),
    "copy_escapes_context": ("CopySourceNotFound", FINAL, "names ../outside, which", "Add the file"),
    "add_address_missing": ("CopySourceNotFound", FINAL, "cannot download the URL of an ADD", "URL"),
    "run_fails": ("RunFailed", FINAL, "exit code 3: RUN echo installing && exit 3: installing", "logTail"),
    "run_command_not_found": ("RunFailed", FINAL, "exit code 127: RUN pip-install numpy: ", "pip-install: not found"),
    "run_without_network": ("RunFailed", FINAL, "exit code 1: urllib.error.URLError", "Fix the RUN"),
    "run_without_shell": ("RunFailed", FINAL, "has no /bin/sh", "base image that has it"),
    # pulling
    "unknown_stage": ("RegistryUnavailable", TRANSIENT, "name index.docker.io does not resolve", "DNS"),
    "base_tag_unknown": ("BaseImageNotFound", FINAL, "does not have the base image base/small (2)", "FROM"),
    "base_repository_unknown": ("BaseImageNotFound", FINAL, "the base image base/other (1)", "FROM"),
    "base_name_unknown": ("BaseImageNotFound", FINAL, "NAME_UNKNOWN", "FROM"),
    "base_digest_unknown": ("BaseImageNotFound", FINAL, "the base image base/small (sha256:0000", "FROM"),
    "base_other_platform": ("BaseImageNotFound", FINAL, "base/arm:1 exists, but not for linux/amd64", "linux/amd64"),
    "pull_unauthorized": ("RegistryUnauthorized", FINAL, "allow this login to pull", "spec.image.pushSecretRef"),
    "pull_denied": ("RegistryUnauthorized", FINAL, "allow this login to pull", "spec.image.pushSecretRef"),
    "pull_rate_limited": ("RegistryUnavailable", TRANSIENT, "limits the rate", "config.registries.mirrors"),
    "pull_server_error": ("RegistryUnavailable", TRANSIENT, "status code 500", "tries again"),
    "pull_gateway": ("RegistryUnavailable", TRANSIENT, "status code 502", "tries again"),
    "pull_broken": ("RegistryUnavailable", TRANSIENT, "EOF", "tries again"),
    "pull_layer_corrupt": ("DigestInvalid", TRANSIENT, "content that does not match its digest", "tries again"),
    "pull_name_unresolved": ("RegistryUnavailable", TRANSIENT, "name nowhere.example does not resolve", "DNS"),
    "pull_mirrors_and_registry_fail": ("RegistryUnavailable", TRANSIENT, "name nowhere.example does not", "DNS"),
    "pull_connection_refused": ("RegistryUnavailable", TRANSIENT, "closed.example", "tries again"),
    "pull_unreachable": ("RegistryUnavailable", TRANSIENT, "network is unreachable", "tries again"),
    "pull_tls_unknown_authority": ("RegistryTLS", FINAL, "untrusted.example is signed by", "spec.image.caSecretRef"),
    "pull_tls_expired": ("RegistryTLS", FINAL, "expired.example has expired", "Renew the"),
    "pull_tls_other_name": ("RegistryTLS", FINAL, "elsewhere.example is valid for another name", "name"),
    "pull_without_tls": ("RegistryTLS", FINAL, "plain.example does not speak TLS", "config.registries.plainHttp"),
    # pushing
    "push_wrong_password": ("RegistryUnauthorized", FINAL, "allow this login to push", "may push"),
    "push_token_pull_only": ("RegistryUnauthorized", FINAL, "token.example does not allow", "may push"),
    "push_token_wrong_password": ("RegistryUnauthorized", FINAL, "token server of the registry token.ex", "Secret"),
    "push_denied": ("RegistryUnauthorized", FINAL, "allow this login to push", "spec.image.pushSecretRef"),
    "push_denied_late": ("RegistryUnauthorized", FINAL, "allow this login to push", "spec.image.pushSecretRef"),
    "push_name_unknown": ("RepositoryNotFound", FINAL, "registry.example has no such", "spec.image.repository"),
    "push_project_missing": ("RepositoryNotFound", FINAL, "project demo not found", "create the repository there"),
    "push_quota": ("RegistryQuotaExceeded", FINAL, "registry's quota", "Delete old images"),
    "push_tag_quota": ("RegistryQuotaExceeded", FINAL, "800 tags", "Delete old images"),
    "push_tag_immutable": ("TagImmutable", FINAL, "the tag is immutable", "content-"),
    "push_layer_too_large": ("LayerTooLarge", FINAL, "413", "Split the largest"),
    "push_size_invalid": ("LayerTooLarge", FINAL, "5368709120", "Split the largest"),
    "push_rate_limited": ("RegistryUnavailable", TRANSIENT, "limits the rate", "tries again"),
    "push_server_error": ("RegistryUnavailable", TRANSIENT, "unknown error", "tries again"),
    "push_unavailable": ("RegistryUnavailable", TRANSIENT, "503", "tries again"),
    "push_storage_full": ("RegistryUnavailable", TRANSIENT, "registry registry.example is full", "disk space"),
    "push_broken": ("RegistryUnavailable", TRANSIENT, "EOF", "tries again"),
    "push_connection_refused": ("RegistryUnavailable", TRANSIENT, "connection refused", "tries again"),
    "push_tls_unknown_authority": ("RegistryTLS", FINAL, "untrusted.example is signed by", "spec.image.caSecretRef"),
    "push_name_unresolved": ("RegistryUnavailable", TRANSIENT, "name nowhere.example does not resolve", "DNS"),
    # disk, memory, time
    "disk_full_unpacking": ("DiskFull", TRANSIENT, "build has no disk space left", "ephemeral-storage"),
    "disk_full_copying": ("DiskFull", TRANSIENT, "frozen_inference_graph.pb", "ephemeral-storage"),
    "disk_full_snapshot": ("DiskFull", TRANSIENT, "build has no disk space left", "ephemeral-storage"),
    "disk_full_in_run": ("DiskFull", TRANSIENT, "RUN head -c 900000000 /dev/zero > /big", "ephemeral-storage"),
    "memory_of_run": ("OutOfMemory", TRANSIENT, "RUN python3 -c 'bytearray(500_000_000)'", "spec.build.resources"),
    "killed_before_push": ("ContainerFailed", TRANSIENT, "exit code 137", "logTail"),
    "memory_of_kaniko": ("ContainerFailed", TRANSIENT, "exit code 137", "logTail"),
}  # fmt: skip
"""Name of the log -> reason, failure class, words in the message, words in the hint."""


def log_of(name: str) -> tuple[str, int]:
    """The last lines of a log, and the exit code."""
    head, _, log = (LOGS / f"{name}.txt").read_text().partition("---\n")
    return log, int(re.search(r"^# exit code: (\d+)$", head, re.MULTILINE)[1])


def failure(name: str, ended: str = "Error") -> Failed:
    """The operator's diagnosis of a log."""
    log, code = log_of(name)
    containers = (report("assemble", "{}"), report("kaniko", log, code, ended))
    pod = Pod(name="pod", uid="uid", phase="Failed", created=START, containers=containers)
    found = assess(Stage.BUILD, JOB, (pod,), ())
    assert isinstance(found, Failed)
    return found


def test_every_scenario_has_a_log_and_a_row():
    assert {scenario.name for scenario in scenarios.ALL} == {path.stem for path in LOGS.iterdir()} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_real_failure_is_diagnosed(name):
    found = failure(name)
    reason, kind, *words = EXPECTED[name]
    assert (found.reason, found.kind) == (reason, kind), found.message
    for word in words:
        assert word in f"{found.message} {found.hint}"
    assert kind is TRANSIENT or "uai.ucloud.cn/requestedAt" in found.hint


@pytest.mark.parametrize("name", EXPECTED)
def test_the_log_outlives_the_pod_and_is_redacted(name):
    found = failure(name)
    assert found.log_tail[-200:] == log_of(name)[0][-200:]
    assert 0 < len(found.log_tail) <= 2048
    assert "secret-1" not in found.log_tail + found.message
    assert "_state=" not in found.message


def test_a_run_instruction_out_of_memory_gets_more_memory():
    assert failure("memory_of_run").oom_container == "kaniko"
    assert failure("memory_of_kaniko", "OOMKilled").reason == "OutOfMemory"
    assert failure("memory_of_kaniko", "OOMKilled").oom_container == "kaniko"


def test_mirrors_are_tried_before_the_registry():
    log, _ = log_of("pull_mirrors_and_registry_fail")
    said = [log.index(words) for words in ("remapped registry registry.example", "from registry nowhere.example")]
    assert said == sorted(said)


def test_a_run_instruction_cannot_forge_a_report():
    """A RUN instruction sets Kaniko's exit code and the last lines of its log."""
    words = '{"schemaVersion":1,"reason":"SourceChanged","message":"x","hint":"y"}'
    pod = Pod(name="p", uid="u", phase="Failed", created=START, containers=(report("kaniko", words, 14, "Error"),))
    found = assess(Stage.BUILD, JOB, (pod,), ())
    assert (found.reason, found.kind) == ("BuildFailed", FINAL)


@pytest.mark.parametrize(
    "words",
    [
        'Usage of EmptyDir volume "workspace" exceeds the limit "1Gi". ',
        "Pod ephemeral local storage usage exceeds the total limit of containers 2Gi. ",
        "The node was low on resource: ephemeral-storage. Threshold quantity: 1Gi, available: 900Mi. ",
    ],
)
def test_repeated_evictions_for_disk_usage_are_a_full_disk(words):
    pod = Pod(name="p", uid="u", phase="Failed", created=START, message=words, disrupted=True)
    late = msgspec.structs.replace(JOB, failed="DeadlineExceeded")
    found = assess(Stage.BUILD, late, (pod,), ())
    assert (found.reason, found.kind) == ("DiskFull", FINAL)
    assert words in found.message
    assert "spec.build.resources" in found.hint
    assert assess(Stage.BUILD, late, (msgspec.structs.replace(pod, message="Preempted"),), ()).reason == "TimedOut"


@pytest.mark.parametrize(
    ("name", "host", "words"),
    [
        ("push_name_unknown", "uhub.ucloud.cn", "Create the repository demo in UHub's console"),
        ("push_denied", "uhub.ucloud.cn", "use uhub.service.ucloud.cn in spec.image.repository"),
        ("push_denied", "uhub.service.ucloud.cn", "Check that the repository demo is in a project"),
        ("push_wrong_password", "uhub.ucloud.cn", "independent password"),
        ("pull_denied", "uhub.service.ucloud.cn", "independent password"),
    ],
)
def test_uhubs_advice_is_given_for_uhub_only(name, host, words):
    tail = (LOGS / f"{name}.txt").read_text().partition("---\n")[2]
    asked = re.search(r"https://([^/]+)/v2/", tail)[1]
    assert words in kaniko_log.diagnose(tail.replace(asked, host)).hint
    assert "UHub" not in kaniko_log.diagnose(tail).hint


FULL = (
    "error pushing image: failed to push to destination 127.0.0.1:61999/image:t: PUT http://127.0.0.1:61999/v2/image/"
    "blobs/uploads/e29f866a?digest=sha256%3Af473: DENIED: no space left on device in the depot"
)
GONE = (
    'time="2026-11-29T06:31:04Z" level=warning msg="Failed to retrieve image r.test/base@sha256:1 from remapped '
    "registry 127.0.0.1:61999: unable to complete operation after 3 attempts, last error: Get "
    '\\"http://127.0.0.1:61999/v2/\\": dial tcp 127.0.0.1:61999: connect: connection refused. Will try with the '
    'next registry, or fallback to the original registry."\n'
    "error building image: image not found on any configured mapped registries for r.test/base@sha256:1"
)
DEPOT_LINES = {
    "full": (FULL, ("DiskFull", TRANSIENT, "no disk space left")),
    "gone": (GONE, ("RegistryUnavailable", TRANSIENT, "The container depot")),
}
"""`tests/builders/test_depot.py` provokes both in the real Kaniko."""


@pytest.mark.parametrize(("log", "expected"), DEPOT_LINES.values(), ids=DEPOT_LINES)
def test_a_failure_of_the_depot_is_not_one_of_a_registry(log, expected):
    pod = Pod(name="p", uid="u", phase="Failed", created=START, containers=(report("kaniko", log, 1, "Error"),))
    found = assess(Stage.BUILD, JOB, (pod,), ())
    assert (found.reason, found.kind) == expected[:2]
    assert expected[2] in found.message


BUILDING = "error building image: error building stage: failed to "
HIGH_OWNERS = {
    "in the base image": (f"{BUILDING}get filesystem from image: chown /h: invalid argument\n", "group of /h is"),
    "in a COPY": (f"{BUILDING}execute command: copying dir: chown /srv/d: invalid argument\n", "group of /srv/d is"),
}
"""The last lines of the real Kaniko in a pod with a user namespace (docs/decisions/0026)."""


@pytest.mark.parametrize(("log", "words"), HIGH_OWNERS.values(), ids=HIGH_OWNERS)
def test_an_owner_that_a_user_namespace_does_not_have(log, words):
    pod = Pod(name="p", uid="u", phase="Failed", created=START, containers=(report("kaniko", log, 1, "Error"),))
    found = assess(Stage.BUILD, JOB, (pod,), ())
    assert (found.reason, found.kind) == ("BuildFailed", FINAL)
    assert words in found.message
    assert "config.jobs.buildUserNamespaces" in found.hint


def test_a_stopped_depot_is_not_to_blame():
    """The kubelet stops the sidecar when Kaniko has failed."""
    log, code = log_of("run_fails")
    containers = (report("depot", "", 137, "Error"), report("kaniko", log, code, "Error"))
    pod = Pod(name="p", uid="u", phase="Failed", created=START, containers=containers)
    assert assess(Stage.BUILD, JOB, (pod,), ()).reason == "RunFailed"
