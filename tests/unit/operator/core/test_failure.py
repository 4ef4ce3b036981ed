"""Failures: what the status says, and whether another attempt follows."""

import msgspec
import pytest

from inference_image_contract import results
from inference_image_contract.reasons import ExitCode, Reason
from inference_image_operator.api.stages import Stage
from inference_image_operator.config.jobs import Maximum
from inference_image_operator.core.decide import decide
from inference_image_operator.observed import Container, Event, Refusal
from tests.support.world import DIGEST, World, report


def explained(reason: str) -> bytes:
    return results.encode(results.Failed(reason=reason, message="What is wrong.", hint="What to do."))


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (ExitCode.BAD_INPUT, "ClassCountMismatch"),
        (ExitCode.NOT_FOUND, "CheckpointNotFound"),
        (ExitCode.FORBIDDEN, "UFileForbidden"),
    ],
)
def test_a_permanent_failure_stalls_at_once(code, reason):
    world = World()
    world.settle()
    world.fail(report("resolve", explained(reason), code, "Error"))
    world.settle()
    assert world.summary()["Ready"] == ("False", reason)
    assert world.summary()["Stalled"] == ("True", reason)
    assert world.summary()["Resolved"] == ("False", reason)
    assert "Reconciling" not in world.summary()
    assert world.condition("Ready").message == "What is wrong. What to do."
    assert world.status.last_failure.hint == "What to do."
    assert len(world.created) == 1
    assert world.settled
    assert [(e.type, e.reason) for e in world.emitted] == [("Warning", reason)]


UPLOAD = "Upload it, then set the annotation uai.ucloud.cn/requestedAt to a new value."
WAIT = "Upload it, then wait for the next poll."


@pytest.mark.parametrize(
    ("poll", "stage", "reason", "hint"),
    [
        ("", Stage.RESOLVE, "LabelMapInvalid", UPLOAD),
        ("10m", Stage.RESOLVE, "LabelMapInvalid", WAIT),
        ("", Stage.EXPORT, "CheckpointDamaged", UPLOAD),
        ("10m", Stage.EXPORT, "CheckpointDamaged", WAIT),
        ("10m", Stage.EXPORT, "UFileForbidden", UPLOAD),
    ],
    ids=["no poll", "a poll finds it", "no poll, later", "a poll finds it, later", "not in the inputs"],
)
def test_a_hint_does_not_ask_for_what_a_poll_does(poll, stage, reason, hint):
    world = World()
    world.spec["model"]["checkpoint"] = {"policy": "Latest"} | ({"poll": poll} if poll else {})
    world.run_to(stage)
    failed = results.encode(results.Failed(reason=reason, message="It is wrong", hint=UPLOAD))
    world.fail(report(stage.lower(), failed, ExitCode.BAD_INPUT, "Error"))
    world.settle()
    assert world.condition("Ready").message == f"It is wrong. {hint}"
    assert world.status.last_failure.hint == hint


def test_a_stalled_object_starts_over_when_the_spec_changes():
    world = World()
    world.settle()
    world.fail(report("resolve", explained("CheckpointNotFound"), ExitCode.NOT_FOUND, "Error"))
    world.settle()
    world.generation, world.spec["model"]["checkpoint"]["step"] = 2, 900
    world.run_whole()
    assert world.summary()["Ready"] == ("True", "Published")
    assert world.status.last_failure is None
    assert "Stalled" not in world.summary()


def test_a_transient_failure_is_retried_up_to_the_limit():
    world = World()
    world.spec["retry"] = {"limit": 2}
    world.settle()
    for attempt in (1, 2, 3):
        assert world.status.stage.attempt == attempt
        world.fail(report("resolve", explained("UFileUnavailable"), ExitCode.UNAVAILABLE, "Error"))
        world.settle()
        if attempt < 3:
            assert world.summary()["Ready"] == ("False", "UFileUnavailable")
            assert world.summary()["Reconciling"] == ("True", "Retrying")
            assert len(world.created) == attempt, "not before its time"
            world.advance(seconds=30)
            world.settle()
    assert world.summary()["Stalled"] == ("True", "UFileUnavailable")
    assert "It failed 3 times" in world.condition("Ready").message
    assert len(world.created) == 3


def test_changed_inputs_are_pinned_again():
    world = World()
    world.run_to(Stage.EXPORT)
    world.fail(report("export", explained("SourceChanged"), ExitCode.SOURCE_CHANGED, "Error"))
    world.run_whole()
    assert [j["metadata"]["labels"]["uai.ucloud.cn/stage"] for j in world.created] == [
        "Resolve", "Export", "Resolve", "Export", "Build", "Test", "Publish",
    ]  # fmt: skip
    assert world.summary()["Ready"] == ("True", "Published")


def test_inputs_that_keep_changing_stall():
    world = World()
    for _ in range(20):
        world.run_to(Stage.EXPORT)
        if world.status.stage is None:
            break
        if not world.claimed.finished:
            world.fail(report("export", explained("SourceChanged"), ExitCode.SOURCE_CHANGED, "Error"))
        world.settle()
    assert world.summary()["Stalled"] == ("True", "SourceChanged")
    assert world.status.run.resolve_count == 3


def test_a_lost_pod_is_retried_without_counting():
    world = World()
    world.settle()
    world.fail(Container(name="resolve"), message="The node was low on resource: memory.")
    world.settle()
    world.advance(seconds=10)
    world.settle()
    assert world.status.stage.attempt == 2
    assert world.status.stage.failures == 0


def test_a_job_deleted_before_its_result_was_recorded_runs_again():
    world = World()
    world.settle()
    world.jobs.clear()
    world.settle()
    world.advance(seconds=10)
    world.run_whole()
    assert [j["metadata"]["annotations"]["uai.ucloud.cn/attempt"] for j in world.created][:2] == ["1", "2"]
    assert world.summary()["Ready"] == ("True", "Published")


def test_a_complete_job_without_a_readable_result_runs_again():
    world = World()
    world.settle()
    world.jobs[world.claimed.name] = msgspec.structs.replace(world.claimed, complete=True)
    world.settle()
    assert world.status.last_failure.reason == "ResultLost"
    assert world.status.stage.attempt == 2


def test_out_of_memory_is_retried_once_with_more_memory():
    world = World()
    world.run_to(Stage.EXPORT)
    for limit in ("4Gi", "8192Mi"):
        export = world.created[-1]["spec"]["template"]["spec"]["initContainers"][1]
        assert export["resources"]["limits"]["memory"] == limit
        world.fail(report("export", "Killed", 137, "OOMKilled"))
        world.settle()
        world.advance(minutes=5)
        world.settle()
    assert "with a memory limit of 8192Mi" in next(e.message for e in world.emitted if e.reason == "OutOfMemory")
    assert world.summary()["Stalled"] == ("True", "OutOfMemory")
    assert "spec.export.resources" in world.status.last_failure.hint


def test_kaniko_is_diagnosed_from_the_last_lines_of_its_log():
    world = World()
    world.run_to(Stage.BUILD)
    log = "INFO[0001] COPY code /srv\nerror building image: failed to get files: lstat /inference-image/x: no such file"
    world.fail(report("assemble", "{}"), report("kaniko", log, 1, "Error"))
    world.settle()
    assert world.summary()["Built"] == ("False", "BuildFailed")
    assert "no such file" in world.condition("Ready").message
    assert world.status.last_failure.log_tail == log


@pytest.mark.parametrize(
    ("log", "reason", "attempts"),
    [
        ("error pushing image: UNAUTHORIZED: authentication required", "RegistryUnauthorized", 1),
        ("error pushing image: dial tcp 10.0.0.1:443: connect: connection refused", "RegistryUnavailable", 2),
        ("", "BuildFailed", 1),
    ],
)
def test_kaniko_failures_are_classified(log, reason, attempts):
    world = World()
    world.run_to(Stage.BUILD)
    world.fail(report("kaniko", log, 1, "Error"))
    world.settle()
    world.advance(minutes=1)
    world.settle()
    assert world.status.last_failure.reason == reason
    assert sum(j["metadata"]["labels"]["uai.ucloud.cn/stage"] == "Build" for j in world.created) == attempts


def test_a_log_tail_is_redacted():
    world = World()
    world.run_to(Stage.BUILD)
    world.fail(report("kaniko", "fatal: Authorization: Basic dXNlcjpjYW5hcnk= refused", 1, "Error"))
    world.settle()
    assert "dXNlcjpjYW5hcnk" not in msgspec.json.encode(world.status).decode()


def test_an_exceeded_deadline_names_its_field():
    world = World()
    world.run_to(Stage.BUILD)
    world.fail(reason="DeadlineExceeded")
    world.settle()
    assert world.summary()["Stalled"] == ("True", "TimedOut")
    assert "spec.build.timeout" in world.status.last_failure.hint


def test_a_crashing_image_is_stopped_early_and_explained():
    world = World()
    world.run_to(Stage.TEST)
    world.advance(seconds=61)
    crash = Container(
        name="image",
        waiting="CrashLoopBackOff",
        exit_code=1,
        ended="Error",
        report="ModuleNotFoundError: x",
        restarts=2,
    )
    world.set_pod(crash, Container(name="probe"), phase="Pending")
    world.step()
    assert world.claimed.terminating
    world.step()
    assert world.status.stage is not None, "the verdict waits until the pod is gone"
    world.remove_terminating()
    world.settle()
    assert world.summary()["Ready"] == ("False", "ImageDoesNotStart")
    assert "ModuleNotFoundError: x" in world.condition("Ready").message
    assert world.status.image is None


def test_a_program_that_is_not_executable_is_explained():
    world = World()
    world.run_to(Stage.TEST)
    denied = 'exec: "./run.sh": permission denied'
    crash = Container(name="image", exit_code=128, ended="StartError", report=denied, restarts=1)
    world.fail(crash, report("probe", explained("ImageDoesNotLoad"), ExitCode.BAD_INPUT, "Error"))
    world.settle()
    assert world.summary()["Ready"] == ("False", "ImageDoesNotStart")
    assert "COPY --chmod=755" in world.status.last_failure.hint


def test_a_crashed_image_overrides_the_probes_report():
    world = World()
    world.run_to(Stage.TEST)
    crash = Container(name="image", exit_code=1, ended="Error", report="boom", restarts=1)
    world.fail(crash, report("probe", explained("ImageDoesNotLoad"), ExitCode.BAD_INPUT, "Error"))
    world.settle()
    assert world.summary()["Tested"] == ("False", "ImageDoesNotStart")


def test_an_invalid_digest_is_rejected():
    world = World()
    world.run_to(Stage.BUILD)
    world.finish(results.Built(digest="sha256:short", size=1))
    world.settle()
    assert world.summary()["Stalled"] == ("True", "DigestInvalid")
    assert "spec.image.pin" not in world.condition("Ready").message, "no image is pinned"


MOUNT = 'MountVolume.SetUp failed for volume "registry" : secret "uhub" not found'
WAITING = [
    ("SecretNotFound", Container(name="resolve", waiting="ContainerCreating"), Event, MOUNT),
    (
        "SecretNotFound",
        Container(name="resolve", waiting="CreateContainerConfigError", message='secret "ufile" not found'),
        None,
        "",
    ),
    (
        "SecretNotFound",
        Container(
            name="resolve",
            waiting="CreateContainerConfigError",
            message="couldn't find key publicKey in Secret object-detect/ufile",
        ),
        None,
        "",
    ),
    ("ImagePullFailed", Container(name="resolve", waiting="ImagePullBackOff", message="manifest unknown"), None, ""),
]


@pytest.mark.parametrize(("reason", "container", "event", "message"), WAITING)
def test_a_waiting_pod_is_reported_then_stalled_then_recovers(reason, container, event, message):
    world = World()
    world.settle()
    world.set_pod(container, phase="Pending")
    if event:
        world.events = (Event(reason="FailedMount", message=message, time=world.now),)
    world.advance(seconds=61)
    world.settle()
    assert world.summary()["Ready"] == ("False", reason)
    assert world.summary()["Reconciling"] == ("True", reason)
    assert "Stalled" not in world.summary()
    world.advance(minutes=10)
    world.settle()
    assert world.summary()["Stalled"] == ("True", reason)
    assert not world.claimed.terminating, "it heals when the cause goes"
    world.run_whole()
    assert world.summary()["Ready"] == ("True", "Published")


def test_the_schedulers_message_is_reported():
    world = World()
    world.settle()
    world.advance(seconds=61)
    world.set_pod(phase="Pending", unschedulable="0/1 nodes are available: 1 Insufficient cpu.")
    world.settle()
    assert world.summary()["Ready"] == ("False", "Unschedulable")
    assert "Insufficient cpu" in world.condition("Ready").message


@pytest.mark.parametrize(
    ("message", "reason", "stalls"),
    [
        ('pods "x" is forbidden: exceeded quota: compute', "QuotaExceeded", False),
        ('pods "x" is forbidden: violates PodSecurity "restricted:latest"', "PodSecurityViolated", True),
    ],
)
def test_a_pod_that_the_api_server_rejects_is_reported(message, reason, stalls):
    world = World()
    world.settle()
    world.advance(seconds=61)
    world.events = (Event(reason="FailedCreate", message=message, time=world.now),)
    world.settle()
    assert world.summary()["Ready"] == ("False", reason)
    assert ("Stalled" in world.summary()) == stalls
    assert not world.claimed.terminating
    world.run_whole()
    assert world.summary()["Ready"] == ("True", "Published")


def test_a_foreign_job_with_the_same_name_is_left_alone():
    world = World()
    world.settle()
    world.jobs.clear()
    world.status = msgspec.structs.replace(
        world.status, stage=msgspec.structs.replace(world.status.stage, job_uid=None)
    )
    refusal = Refusal(reason=Reason.JOB_NAME_CONFLICT, message="It is not ours.")
    decision = decide(msgspec.structs.replace(world.observed(), refusal=refusal), world.config, world.now)
    assert {c.type: c.reason for c in decision.status.conditions}["Stalled"] == "JobNameConflict"
    assert not [a for a in decision.actions if type(a).__name__ != "Emit"]


REFUSED = [
    ({"image": {"repository": "evil.example/x/y", "tags": ["t"]}}, "RegistryNotAllowed"),
    (
        {
            "ufile": {
                "bucket": "b",
                "endpoint": {"scheme": "http", "suffix": ".169.254.169.254"},
                "secretRef": {"name": "u"},
            }
        },
        "EndpointNotAllowed",
    ),
    ({"scheduling": {"priorityClassName": "system-node-critical"}}, "SchedulingNotAllowed"),
    ({"scheduling": {"runtimeClassName": "x"}}, "SchedulingNotAllowed"),
    ({"build": {"resources": {"limits": {"memory": "1Ti"}}}}, "ResourcesTooLarge"),
    ({"export": {"resources": {"requests": {"cpu": "many"}}}}, "ResourcesInvalid"),
]


@pytest.mark.parametrize(("change", "reason"), REFUSED)
def test_a_spec_that_is_not_allowed_starts_no_job(change, reason):
    world = World()
    world.spec |= change
    world.settle()
    assert world.summary()["Stalled"] == ("True", reason)
    assert not world.created


def test_an_earlier_image_stays_in_the_status_when_a_later_run_fails():
    world = World()
    world.run_whole()
    world.generation, world.spec["model"]["checkpoint"]["step"] = 2, 900
    world.settle()
    world.fail(report("resolve", explained("CheckpointNotFound"), ExitCode.NOT_FOUND, "Error"))
    world.settle()
    assert world.status.image.digest == DIGEST
    assert world.status.image.generation == 1
    assert world.summary()["Ready"] == ("False", "CheckpointNotFound")


def test_kanikos_usage_after_its_error_does_not_hide_the_cause():
    world = World()
    world.run_to(Stage.BUILD)
    log = "Error: error checking push permissions\nUsage:\n  -v, --verbosity string  Log level (info, error, fatal)"
    world.fail(report("kaniko", log, 1, "Error"))
    world.settle()
    assert "error checking push permissions" in world.condition("Ready").message


def test_memory_is_not_raised_above_the_maximum():
    world = World()
    jobs = msgspec.structs.replace(world.config.jobs, maximum=Maximum(memory="4Gi"))
    world.config = msgspec.structs.replace(world.config, jobs=jobs)
    world.run_to(Stage.EXPORT)
    world.fail(report("export", "Killed", 137, "OOMKilled"))
    world.settle()
    assert world.summary()["Stalled"] == ("True", "OutOfMemory")
    assert world.status.last_failure.hint


def test_a_killed_kaniko_is_retried():
    world = World()
    world.run_to(Stage.BUILD)
    world.fail(report("kaniko", "INFO[0009] Pushing image to ...", 137, "Error"))
    world.settle()
    assert world.status.last_failure.reason == "ContainerFailed"
    assert "Pushing image" in world.status.last_failure.log_tail
    world.advance(minutes=1)
    world.run_whole()
    assert world.summary()["Ready"] == ("True", "Published")


def test_a_pull_error_and_its_back_off_are_one_cause():
    world = World()
    world.settle()
    world.advance(seconds=61)
    error = "rpc error: code = NotFound desc = r/x@sha256:1: not found"
    world.set_pod(Container(name="resolve", waiting="ErrImagePull", message=error), phase="Pending")
    world.settle()
    writes = world.writes
    back_off = f'Back-off pulling image "r/x@sha256:1": ErrImagePull: {error}'
    world.set_pod(Container(name="resolve", waiting="ImagePullBackOff", message=back_off), phase="Pending")
    world.settle()
    assert world.writes == writes
    assert error in world.condition("Ready").message
