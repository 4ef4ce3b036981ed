"""Both builders on the real kubelet: equal images, Append under `restricted`, small pushes after a code change."""

from demo import kubectl
from tests.e2e.stack import Case, fresh_repository, objects
from tests.support.flat_image import Flat

RUN = """\
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
USER root
RUN touch /made
USER 65532
COPY code/ /ai/
COPY object-detect.conf /ai/conf.json
ENV UAI_SERVICE_CONFIG=/ai/conf.json
WORKDIR /ai
CMD ["python3", "-m", "inference_server"]
"""


def dockerfile(case: Case, text: str) -> None:
    objects({"write": [f"{case.prefix}source/object-detect-cpu.Dockerfile", text]})


def build(case: Case, builder: str, **more: object) -> Flat:
    """Builds a case in a new repository without an image of this content; returns the image."""
    case.spec["build"] = case.spec.get("build", {}) | {"builder": builder} | more
    case.spec["image"]["repository"] = fresh_repository()
    case.apply()
    case.until_ready()
    return case.pulled()


def test_both_builders_make_the_same_image(case):
    kaniko = build(case, "Kaniko")
    append = build(case, "Append")
    assert append.settings == kaniko.settings
    assert append.files == kaniko.files
    assert append.media_types == kaniko.media_types


def test_append_builds_in_a_restricted_namespace(case):
    """The whole pipeline except the Test stage, which runs the user's container."""
    kubectl.kubectl(
        "label", "namespace", case.namespace, "pod-security.kubernetes.io/enforce=restricted", "--overwrite"
    )
    case.spec["test"] = {"enabled": False}
    assert build(case, "Append").files


def test_a_change_of_the_code_exports_nothing_and_pushes_one_small_layer(case):
    first = build(case, "Append")
    objects({"write": [f"{case.prefix}source/code/added.py", "x = 1\n"]})
    case.request()
    status = case.until_ready()
    second = case.pulled(tuple(first.layers))
    assert status["timings"]["export"] == "Reused"
    assert list(second.files) == [path for path in second.files if path.endswith(".py")]
    new = [size for digest, size in second.layers.items() if digest not in first.layers]
    assert sum(new) < 0.01 * sum(second.layers.values())


def test_equal_content_has_an_equal_digest(case):
    build(case, "Append")
    digest = case.status["image"]["digest"]
    build(case, "Append")
    assert case.status["image"]["digest"] == digest


def test_a_dockerfile_with_run_is_refused_before_anything_is_exported(case):
    dockerfile(case, RUN)
    case.spec["build"]["builder"] = "Append"
    case.apply()
    case.until_failed("BuilderUnsupported")
    failure = case.status["lastFailure"]
    assert failure["stage"] == "Resolve"
    assert "line 4" in failure["message"]
    assert "spec.build.builder to Kaniko" in failure["hint"]
    case.spec["build"]["builder"] = "Kaniko"
    case.apply()
    case.until_ready()


def test_kanikos_cache_keeps_results_of_run(case):
    dockerfile(case, RUN)
    cache = {"enabled": True, "repository": fresh_repository()}
    build(case, "Kaniko", cache=cache)
    build(case, "Kaniko", cache=cache)
    job = max(
        (job for job in kubectl.get("-n", case.namespace, "jobs")["items"] if "-build-" in job["metadata"]["name"]),
        key=lambda job: job["metadata"]["creationTimestamp"],
    )
    log = kubectl.kubectl("-n", case.namespace, "logs", f"job/{job['metadata']['name']}", "-c", "kaniko")
    assert "Using caching version of cmd: RUN touch /made" in log
