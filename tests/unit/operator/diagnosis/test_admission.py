"""Refusals in the API server's own words: their reason, their remedy, and whether somebody has to act.

`tests/loop/test_namespaces.py` gets the same words from a real API server.
"""

import pytest

from inference_image_contract.reasons import ReasonClass
from inference_image_operator.api.stages import Stage
from inference_image_operator.diagnosis import admission

POD = 'pods "detector-resolve-0123456789-'
FORBIDDEN = POD + 'x7k2p" is forbidden: '
QUOTA = "exceeded quota: compute, requested: limits.memory=256Mi, used: limits.memory=0, limited: limits.memory=64Mi"
UNSET = "failed quota: compute: must specify limits.cpu for: resolve; limits.memory for: resolve"
SCOPE = "insufficient quota to match these scopes: [{PriorityClass In [high]}]"
LIMIT_RANGES = [
    "maximum memory usage per Container is 64Mi, but limit is 256Mi",
    "[maximum cpu usage per Container is 500m, but limit is 1, maximum memory usage per Pod is 1Gi, but limit is 2Gi]",
    "minimum memory usage per Container is 512Mi, but request is 128Mi",
    "minimum ephemeral-storage usage per Container is 1Gi, but no request is specified",
    "cpu max limit to request ratio per Container is 2, but provided ratio is 10.000000",
]
DEFAULTED = (
    'spec.containers[0].resources.requests: Invalid value: "128Mi": must be less than or equal to memory limit of 64Mi'
)
SECURITY = 'violates PodSecurity "restricted:latest": unrestricted capabilities (container "image" must set ...)'
DENIED = 'admission webhook "validate.kyverno.svc" denied the request: no root'

OF_PODS = [
    (QUOTA, "QuotaExceeded", False, "Raise the ResourceQuota, delete something that uses it, or ask for less in"),
    (SCOPE, "QuotaExceeded", False, "Raise the ResourceQuota"),
    (UNSET, "QuotaExceeded", True, "needs these values of every container"),
    *((words, "LimitRangeViolated", True, "that the LimitRange allows in") for words in LIMIT_RANGES),
    (SECURITY, "PodSecurityViolated", True, "enforce the Pod Security level baseline"),
    (DENIED, "PodForbidden", True, "Change the policy that the message names"),
]


@pytest.mark.parametrize(("words", "reason", "stalls", "hint"), OF_PODS)
def test_a_refused_pod(words, reason, stalls, hint):
    found = admission.of_pod(Stage.RESOLVE, "Error creating: " + FORBIDDEN + words)
    assert (found.reason, found.stalls) == (reason, stalls)
    assert found.message == POD + '" is forbidden: ' + words
    assert hint in found.hint
    assert found.hint.endswith("you need not apply the object again.")
    if reason in ("QuotaExceeded", "LimitRangeViolated"):
        assert "spec.resources.resolve" in found.hint
    if stalls and reason in ("QuotaExceeded", "LimitRangeViolated"):
        assert "config.jobs.resources" in found.hint


def test_a_default_of_a_limit_range_below_the_request():
    said = f'Pod "detector-build-0123456789-x7k2p" is invalid: {DEFAULTED}'
    found = admission.of_pod(Stage.BUILD, f"Error creating: {said}")
    assert (found.reason, found.stalls) == ("LimitRangeViolated", True)
    assert "default limit below the request" in found.hint
    assert "spec.resources.assemble, spec.resources.report and spec.build.resources" in found.hint


def test_every_attempt_of_the_job_controller_has_the_same_message():
    messages = {
        admission.of_pod(Stage.RESOLVE, prefix + POD + suffix + '" is forbidden: ' + QUOTA).message
        for suffix in ("x7k2p", "zzzzz", "")
        for prefix in ("Error creating: ", "(combined from similar events): Error creating: ")
    }
    assert messages == {POD + '" is forbidden: ' + QUOTA}


RBAC = 'jobs.batch is forbidden: User "system:serviceaccount:a:b" cannot create resource "jobs"'
OF_JOBS = [
    ('jobs.batch "x" is forbidden: exceeded quota: q, requested: count/jobs.batch=1', "QuotaExceeded", "Raise the Res"),
    (f'jobs.batch "x" is forbidden: {LIMIT_RANGES[0]}', "LimitRangeViolated", "or change the LimitRange"),
    (f'jobs.batch "x" is forbidden: {SECURITY}', "PodSecurityViolated", "baseline"),
    (DENIED, "Forbidden", DENIED + ". The operator tries again."),
    (RBAC, "Forbidden", RBAC + ". The operator tries again."),
]


@pytest.mark.parametrize(("words", "reason", "said"), OF_JOBS)
def test_a_refused_job(words, reason, said):
    found = admission.of_job(Stage.RESOLVE, "x", 403, words)
    assert found.reason == reason
    assert found.message.startswith(words)
    assert said in found.message
    assert found.message.endswith("The operator tries again.")
    assert found.reason.kind is ReasonClass.WAITING


def test_an_invalid_job_is_final():
    found = admission.of_job(Stage.RESOLVE, "x", 422, "spec.template: Invalid value.")
    assert (found.reason, found.reason.kind) == ("JobInvalid", ReasonClass.PERMANENT)
    assert found.message == "The API server rejected Job x: spec.template: Invalid value. Correct the spec."


@pytest.mark.parametrize(("status", "words"), [(500, "boom"), (429, "later"), (403, "namespace x is being terminated")])
def test_other_errors_are_transient(status, words):
    assert admission.of_job(Stage.RESOLVE, "x", status, words) is None


@pytest.mark.parametrize(
    ("status", "words", "said"),
    [(403, RBAC, True), (403, "namespace x is being terminated", False), (429, "later", False), (500, "boom", False)],
)
def test_only_a_refusal_that_does_not_pass_is_said(status, words, said):
    assert admission.is_final(status, words) is said
