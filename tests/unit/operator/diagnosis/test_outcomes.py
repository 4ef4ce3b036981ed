"""The outcome of a Job from the state of its containers, as a table."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from inference_image_contract import results
from inference_image_contract.reasons import ExitCode, ReasonClass
from inference_image_operator.api.stages import Stage
from inference_image_operator.core.decide import needs_pods
from inference_image_operator.diagnosis.outcomes import Done, Failed, Working, assess
from inference_image_operator.observed import Container, Job, Pod
from tests.support.world import DIGEST, RESULTS, START, World, report


def job(stage: Stage, **more: object) -> Job:
    fields = {"started": START, "ended": START + timedelta(seconds=42)} | more
    return Job(name="j", uid="u", stage=stage.value, content="c", attempt=1, **fields)


def pod(*containers: Container, age: int = 0, **more: object) -> Pod:
    fields = {"name": "p", "uid": "u", "phase": "Failed", "created": START - timedelta(seconds=age)} | more
    return Pod(containers=containers, **fields)


def failed(stage: Stage, *containers: Container, **more: object) -> Failed:
    found = assess(stage, job(stage, failed="PodFailurePolicy"), (pod(*containers, **more),), ())
    assert isinstance(found, Failed)
    return found


def explained(reason: str = "ObjectNotFound") -> bytes:
    return results.encode(results.Failed(reason=reason, message="Why.", hint="How."))


CODES = [
    (ExitCode.BAD_INPUT, ReasonClass.PERMANENT),
    (ExitCode.NOT_FOUND, ReasonClass.PERMANENT),
    (ExitCode.FORBIDDEN, ReasonClass.PERMANENT),
    (ExitCode.UNAVAILABLE, ReasonClass.RETRY),
    (ExitCode.INTERNAL, ReasonClass.RETRY),
    (ExitCode.SOURCE_CHANGED, ReasonClass.REPIN),
]


@pytest.mark.parametrize(("code", "kind"), CODES)
def test_an_exit_code_gives_the_failure_class(code, kind):
    found = failed(Stage.RESOLVE, report("resolve", explained(), code, "Error"))
    said = (found.reason, found.message, found.hint, found.log_tail)
    assert (found.kind, *said) == (kind, "ObjectNotFound", "Why.", "How.", "")


@pytest.mark.parametrize(("code", "kind"), CODES)
def test_a_reason_of_a_later_version_keeps_its_class_and_its_message(code, kind):
    found = failed(Stage.RESOLVE, report("resolve", explained("OfALaterVersion"), code, "Error"))
    assert (found.kind, found.reason, found.message, found.hint) == (kind, "InternalError", "Why.", "How.")


def test_the_stored_values_of_failure_classes():
    assert [kind.value for kind in ReasonClass if kind not in (ReasonClass.NORMAL, ReasonClass.WAITING)] == [
        "permanent", "counted", "uncounted", "resolve", "restoring",
    ]  # fmt: skip


CRASHES = [
    (report("resolve", "Traceback", 1, "Error"), "Container resolve ended with exit code 1 (Error).", "Traceback"),
    (report("resolve", "not json", ExitCode.BAD_INPUT, ""), "Container resolve ended with exit code 10.", "not json"),
    (report("resolve", explained(), 1, ""), "Container resolve ended with exit code 1.", explained().decode()),
    (report("kaniko", "killed", 137, "Error"), "Container kaniko ended with exit code 137 (Error).", "killed"),
    (report("resolve", "a" * 3000, 1, ""), "Container resolve ended with exit code 1.", "a" * 2048),
]


@pytest.mark.parametrize(("container", "message", "tail"), CRASHES)
def test_an_unexplained_failure_counts_and_keeps_its_last_lines(container, message, tail):
    stage = Stage.BUILD if container.name == "kaniko" else Stage.RESOLVE
    found = failed(stage, Container(name="before", exit_code=0), container)
    assert (found.kind, found.reason, found.message, found.log_tail) == (
        ReasonClass.RETRY, "ContainerFailed", message, tail,
    )  # fmt: skip
    assert found.hint == "See lastFailure.logTail and the log of the container."


def test_kaniko_is_diagnosed_from_its_log():
    found = failed(Stage.BUILD, report("kaniko", "error: i/o timeout", 1, "Error"))
    assert (found.kind, found.reason, found.log_tail) == (
        ReasonClass.RETRY,
        "RegistryUnavailable",
        "error: i/o timeout",
    )
    assert failed(Stage.BUILD, report("kaniko", "error: x", 1, "Error")).kind is ReasonClass.PERMANENT
    assert len(failed(Stage.BUILD, report("kaniko", "e" * 3000, 1, "Error")).log_tail) == 2048


@pytest.mark.parametrize(
    ("said", "code", "reason", "container"),
    [
        ("error: i/o timeout of user:password", 1, "RegistryUnavailable", ""),
        ("user:password", 137, "ContainerFailed", ""),
        ("user:password: waiting for process to exit: signal: killed", 137, "OutOfMemory", "kaniko"),
    ],
    ids=["its registry does not answer", "killed from outside", "a command ran out of memory"],
)
def test_the_log_of_a_kaniko_that_had_a_login_is_read_but_not_shown(said, code, reason, container):
    found = failed(Stage.BUILD, report("kaniko", said, code, "Error"), has_login=True)
    assert (found.kind, found.reason, found.oom_container) == (ReasonClass.RETRY, reason, container)
    assert found.message.startswith(f"Container kaniko ended with exit code {code}. Its log is not shown here")
    assert "kubectl logs job/j -c kaniko" in found.hint
    assert "password" not in found.message + found.hint + found.log_tail


def test_out_of_memory_names_its_container():
    found = failed(Stage.BUILD, report("kaniko", "", 137, "OOMKilled"))
    assert (found.kind, found.reason, found.oom_container) == (ReasonClass.RETRY, "OutOfMemory", "kaniko")
    assert "Container kaniko exceeded its memory limit" in found.message


LOST = [
    ({"message": "evicted"}, (Container(name="resolve"),), "evicted"),
    ({"disrupted": True}, (report("resolve", "", 137, "Error"),), "from the Job"),
    ({}, (Container(name="image", exit_code=137, ended="Error"),), "from the Job"),
    ({}, (Container(name="resolve", exit_code=0),), "from the Job"),
]


@pytest.mark.parametrize(("fields", "containers", "message"), LOST)
def test_a_lost_pod_is_a_free_retry(fields, containers, message):
    ended = job(Stage.RESOLVE, failed="PodFailurePolicy", failed_message="from the Job")
    found = assess(Stage.RESOLVE, ended, (pod(*containers, **fields),), ())
    assert (found.kind, found.reason) == (ReasonClass.RETRY_FREE, "PodLost")
    assert found.message == f"The pod of Job j ended before its containers did: {message}"


def test_the_newest_undisrupted_pod_counts():
    old = pod(report("resolve", "old", 1, "Error"), age=60)
    new = pod(report("resolve", "new", 2, "Error"))
    gone = pod(report("resolve", "gone", 3, "Error"), age=-60, disrupted=True)
    ended = job(Stage.RESOLVE, failed="PodFailurePolicy")
    assert assess(Stage.RESOLVE, ended, (old, new, gone), ()).log_tail == "new"
    assert assess(Stage.RESOLVE, ended, (gone, new, old), ()).log_tail == "new"


@pytest.mark.parametrize(
    ("stage", "hint"),
    [
        (Stage.RESOLVE, "Find out what the Job waits for, then"),
        (Stage.EXPORT, "Raise spec.export.timeout or the resources"),
        (Stage.BUILD, "Raise spec.build.timeout or the resources"),
        (Stage.TEST, "Raise spec.test.timeout or the resources"),
        (Stage.PUBLISH, "Find out what the Job waits for, then"),
    ],
)
def test_a_deadline_names_what_to_raise(stage, hint):
    found = assess(stage, job(stage, failed="DeadlineExceeded"), (), ())
    assert (found.kind, found.reason) == (ReasonClass.PERMANENT, "TimedOut")
    assert found.hint.startswith(hint)


@pytest.mark.parametrize(
    ("stage", "main"),
    [
        (Stage.RESOLVE, "resolve"),
        (Stage.EXPORT, "upload"),
        (Stage.BUILD, "report"),
        (Stage.TEST, "probe"),
        (Stage.PUBLISH, "publish"),
    ],
)
def test_the_last_container_of_a_complete_job_has_the_result(stage, main):
    text = results.encode(RESULTS[stage])
    done = assess(stage, job(stage, complete=True), (pod(report(main, text)),), ())
    assert done == Done(result=RESULTS[stage], seconds=42)
    for other in (report(main, text, 1), report("other", text), report(main, "{")):
        lost = assess(stage, job(stage, complete=True), (pod(other),), ())
        assert (lost.kind, lost.reason) == (ReasonClass.RETRY_FREE, "ResultLost")


@pytest.mark.parametrize("digest", ["sha256:short", "sha256:" + "D" * 64, "x" + DIGEST, DIGEST + "0", ""])
def test_a_malformed_digest_is_rejected(digest):
    built = results.encode(results.Built(digest=digest, size=1))
    found = assess(Stage.BUILD, job(Stage.BUILD, complete=True), (pod(report("report", built)),), ())
    assert (found.kind, found.reason) == (ReasonClass.PERMANENT, "DigestInvalid")


@pytest.mark.parametrize(("started", "ended"), [(None, START), (START, None)])
def test_a_job_without_times_took_no_time(started, ended):
    text = results.encode(RESULTS[Stage.EXPORT])
    done = assess(
        Stage.EXPORT, job(Stage.EXPORT, complete=True, started=started, ended=ended), (pod(report("upload", text)),), ()
    )
    assert done.seconds == 0


PROBED = report("probe", explained("ImageDoesNotLoad"), ExitCode.BAD_INPUT, "Error")


@pytest.mark.parametrize(
    ("image", "probe", "reason"),
    [
        (Container(name="image", exit_code=1, restarts=1), PROBED, "ImageDoesNotStart"),
        (Container(name="image", exit_code=1, restarts=0), PROBED, "ImageDoesNotLoad"),
        (Container(name="other", exit_code=0, restarts=1), PROBED, "ImageDoesNotLoad"),
        (
            Container(name="image", restarts=1),
            report("probe", explained("ImageDoesNotAnswer"), ExitCode.BAD_INPUT, "Error"),
            "ImageDoesNotAnswer",
        ),
    ],
)
def test_the_kubelets_report_overrides_the_probes(image, probe, reason):
    assert failed(Stage.TEST, image, probe).reason == reason


WAITING = ["CrashLoopBackOff", "RunContainerError", "CreateContainerError", "StartError"]


@pytest.mark.parametrize(
    ("image", "hopeless"),
    [(Container(name="image", waiting=reason, restarts=2), True) for reason in WAITING]
    + [
        (Container(name="image", exit_code=0, restarts=2), True),
        (Container(name="image", exit_code=1, restarts=1), False),
        (Container(name="image", waiting="ContainerCreating", restarts=2), False),
        (Container(name="image", waiting="CrashLoopBackOff", restarts=3), True),
        (Container(name="probe", exit_code=1, restarts=2), False),
    ],
)
def test_a_crash_looping_image_is_not_waited_for(image, hopeless):
    found = assess(Stage.TEST, job(Stage.TEST), (pod(image, phase="Running"),), ())
    assert isinstance(found, Failed) is hopeless
    assert not hopeless or (found.kind, found.reason) == (ReasonClass.PERMANENT, "ImageDoesNotStart")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"exit_code": 3, "report": "x\n\n  last   line \n\n"}, "(exit code 3): last line"),
        ({"exit_code": 3}, "(exit code 3)."),
        ({"waiting": "StartError", "message": "no such file"}, "(StartError): no such file"),
        ({"exit_code": 3, "report": "y" * 400}, "(exit code 3): " + "y" * 300),
    ],
)
def test_a_crash_is_reported_with_its_last_line(fields, message):
    image = Container(name="image", restarts=2, **fields)
    found = assess(Stage.TEST, job(Stage.TEST), (pod(image),), ())
    assert found.message == f"The built image exits right after its start {message}"
    assert found.log_tail == fields.get("report", "")


def test_a_live_job_works():
    assert assess(Stage.TEST, job(Stage.TEST), None, ()) == Working()
    assert assess(Stage.TEST, job(Stage.TEST, suspended=True), None, ()) == Working(suspended=True)


@pytest.mark.parametrize(
    ("seconds", "fields", "needed"),
    [
        (59, {}, False),
        (60, {}, True),
        (60, {"ready": 1}, False),
        (0, {"complete": True}, True),
        (0, {"failed": "X"}, True),
    ],
)
def test_pods_are_read_after_a_minute_or_at_the_end(seconds, fields, needed):
    world = World()
    world.settle()
    observed = world.observed()
    jobs = tuple(replace(found, **fields) for found in observed.jobs)
    assert needs_pods(replace(observed, jobs=jobs), START + timedelta(seconds=seconds)) is needed
    assert not needs_pods(replace(observed, jobs=()), START + timedelta(days=1))
