"""Namespaces with rules: the real API server refuses pods, and its own words give three reasons."""

import pytest

from inference_image_operator.api.stages import Stage
from tests.loop.conftest import Operator
from tests.loop.pipeline import Pipeline

QUOTA_OF_LIMITS = {"limits.cpu": "8", "limits.memory": "16Gi"}
TOO_SMALL = {"limits.memory": "64Mi"}


def apply(api, pipeline, kind: str, spec: dict) -> str:
    """Applies a ResourceQuota or LimitRange, and waits until it counts."""
    path = f"/api/v1/namespaces/{pipeline.namespace}/{kind.lower()}s/rule"
    api.apply(path, {"apiVersion": "v1", "kind": kind, "metadata": {"name": "rule"}, "spec": spec})
    if kind == "ResourceQuota":
        pipeline.until("the quota counts", lambda: api.get(path).get("status", {}).get("hard") == spec["hard"])
    return path


def ready_message(pipeline) -> str:
    return next(c["message"] for c in pipeline.image["status"]["conditions"] if c["type"] == "Ready")


def limit_range(**more: dict) -> dict:
    return {"limits": [{"type": "Container", **more}]}


RULES = [
    pytest.param("ResourceQuota", {"hard": TOO_SMALL}, ("QuotaExceeded", "exceeded quota: rule"), id="too small"),
    pytest.param(
        "LimitRange",
        limit_range(max={"memory": "64Mi"}, default={"memory": "64Mi"}),
        ("LimitRangeViolated", "maximum memory usage per Container is 64Mi, but limit is 256Mi"),
        id="maximum",
    ),
    pytest.param(
        "LimitRange",
        limit_range(min={"memory": "512Mi"}),
        ("LimitRangeViolated", "minimum memory usage per Container is 512Mi"),
        id="minimum",
    ),
    pytest.param(
        "LimitRange",
        limit_range(maxLimitRequestRatio={"cpu": "2"}),
        ("LimitRangeViolated", "cpu max limit to request ratio per Container is 2, but provided ratio is 10"),
        id="ratio",
    ),
    pytest.param(
        "LimitRange",
        limit_range(default={"ephemeral-storage": "1Mi"}),
        ("LimitRangeViolated", "must be less than or equal to ephemeral-storage limit"),
        id="default below the request",
    ),
]


@pytest.mark.parametrize(("kind", "spec", "told"), RULES)
def test_a_pod_that_a_rule_refuses_is_told_within_seconds_and_recovers(pipeline, api, kind, spec, told):
    path, (reason, words) = apply(api, pipeline, kind, spec), told
    pipeline.apply()
    pipeline.claimed(Stage.RESOLVE)
    pipeline.until_condition("Ready", "False", reason, seconds=5)
    message = ready_message(pipeline)
    assert message.startswith(("pods ", "Pod ")), message
    assert words in message
    assert "spec.resources.resolve" in message
    api.request("DELETE", path)
    pipeline.finish(Stage.RESOLVE)
    pipeline.claimed(Stage.EXPORT)


def test_a_quota_that_needs_more_than_the_installation_sets(plane, api, namespace, tmp_path):
    """The API server then names what is missing."""
    resolve = {"requests": {"cpu": "100m"}, "limits": {"memory": "1Gi"}}
    operator = Operator(plane, api, namespace, tmp_path, jobs={"resources": {"resolve": resolve}}).start()
    try:
        pipeline = Pipeline(api, namespace, operator)
        apply(api, pipeline, "ResourceQuota", {"hard": QUOTA_OF_LIMITS})
        pipeline.apply()
        pipeline.until_condition("Stalled", "True", "QuotaExceeded")
        assert "failed quota: rule: must specify limits.cpu for: resolve" in ready_message(pipeline)
        assert "config.jobs.resources" in ready_message(pipeline)
    finally:
        operator.kill()


def test_pod_security_is_its_own_reason(pipeline, api):
    level = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    api.merge(f"/api/v1/namespaces/{pipeline.namespace}", level)
    pipeline.apply()
    for stage in (Stage.RESOLVE, Stage.EXPORT):
        pipeline.finish(stage)
    pipeline.claimed(Stage.BUILD)
    pipeline.until_condition("Ready", "False", "PodSecurityViolated", seconds=5)
    message = ready_message(pipeline)
    assert 'violates PodSecurity "restricted:latest"' in message
    assert "Pod Security level baseline" in message
    pipeline.until_condition("Stalled", "True", "PodSecurityViolated")


def test_the_defaults_satisfy_a_quota_of_limits_and_a_limit_range_with_small_defaults(pipeline, api):
    """Every container has requests and limits, so a quota needs no LimitRange, and defaults change nothing."""
    apply(api, pipeline, "ResourceQuota", {"hard": QUOTA_OF_LIMITS | {"requests.ephemeral-storage": "10Gi"}})
    apply(api, pipeline, "LimitRange", limit_range(default={"cpu": "10m", "memory": "1Mi"}))
    pipeline.apply()
    pipeline.run_whole()


def test_the_object_can_follow_a_limit_range(pipeline, api):
    apply(api, pipeline, "LimitRange", limit_range(max={"memory": "64Mi"}))
    pipeline.spec["resources"] = {"resolve": {"limits": {"memory": "64Mi"}}}
    pipeline.apply()
    pipeline.finish(Stage.RESOLVE)
    pipeline.claimed(Stage.EXPORT)
