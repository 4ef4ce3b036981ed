"""The states of an object that need no node, as the earlier version brings an object there."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from inference_image_contract import results
from inference_image_contract.reasons import ExitCode
from inference_image_operator.api.stages import Stage
from inference_image_operator.kube.observe import finished
from tests.loop.api import container_status
from tests.upgrade.image import LONG_AGO, Image

ALL = ["Resolve", "Export", "Build", "Test", "Publish"]
NOTHING: list[str] = []
UNAVAILABLE = results.Failed(reason="UFileUnavailable", message="US3 is away.", hint="Wait.")
INCOMPLETE = results.Failed(reason="CheckpointIncomplete", message="A file is missing.", hint="Upload it.")
HOLD = "test.invalid/hold"
"""A finalizer: the pod is there until it is removed."""
PUBLISHED = ("True", "Published")
SUSPENDED = ("Unknown", "Suspended")


class State(NamedTuple):
    """One state: the way there, and what follows the upgrade."""

    ready: tuple[str, str] | None
    """Status and reason of Ready before the upgrade; None without that condition."""
    reach: Callable[[Image], object]
    runs: list[str]
    """The stages of the Jobs that the new version creates."""
    resume: Callable[[Image], object] | None = None
    """What happens after the upgrade: a Job ends, or a person does something."""
    end: tuple[str, str] = PUBLISHED
    taken_over: tuple[str, str] | None = None
    """Ready once the new version has seen the object, where that differs."""


def _resolving(image: Image) -> None:
    image.apply()
    image.claimed(Stage.RESOLVE)


def _exporting(image: Image) -> None:
    image.apply()
    image.finish_earlier(Stage.RESOLVE)
    image.claimed(Stage.EXPORT)


def _building(image: Image) -> None:
    image.apply()
    image.finish_earlier(Stage.RESOLVE, Stage.EXPORT)
    image.claimed(Stage.BUILD)


def _testing(image: Image) -> None:
    image.apply()
    image.finish_earlier(Stage.RESOLVE, Stage.EXPORT, Stage.BUILD)
    image.claimed(Stage.TEST)


def _publishing_untested(image: Image) -> None:
    image.spec["test"] = {"enabled": False}
    _testing(image)


def _comparing(image: Image) -> None:
    image.spec["test"] = {"matchGraph": True, "sample": "uai/sample.jpg"}
    _testing(image)


def _retrying(image: Image) -> None:
    image.apply()
    image.finish_earlier(Stage.RESOLVE)
    image.fail_earlier(Stage.EXPORT, "export", ExitCode.UNAVAILABLE, UNAVAILABLE)
    image.until_condition("Ready", "False", "UFileUnavailable")
    image.put_off()


def _try_again(image: Image) -> None:
    image.date(stage={"retryAt": LONG_AGO})


def _stalled(image: Image) -> None:
    image.apply()
    image.fail_earlier(Stage.RESOLVE, "resolve", ExitCode.BAD_INPUT, INCOMPLETE)
    image.until_condition("Stalled", "True", "CheckpointIncomplete")


def _suspended_before_the_first_stage(image: Image) -> None:
    image.spec["suspend"] = True
    image.apply()
    image.until("it is suspended", lambda: "Suspended" in image.conditions)


def _suspended_before_the_build(image: Image) -> None:
    image.apply()
    image.finish_earlier(Stage.RESOLVE)
    image.claimed(Stage.EXPORT)
    image.edit(suspend=True)
    image.finish_earlier(Stage.EXPORT)
    image.until("Build is claimed", lambda: image.image["status"].get("stage", {}).get("name") == Stage.BUILD)
    image.until("it is suspended", lambda: "Suspended" in image.conditions)


def _polled(image: Image) -> None:
    image.spec["model"]["checkpoint"] = {"policy": "Latest", "poll": "1h"}
    image.publish_earlier()


def _polling(image: Image) -> None:
    _polled(image)
    image.date(lastLook=LONG_AGO)
    image.until("a poll runs", lambda: image.poll_job)


def _end_of_the_poll(image: Image) -> None:
    """The new version cannot read what it found, and polls again after 5 minutes, or once its Job is gone."""
    job = image.poll_job
    image.end_earlier(Stage.RESOLVE, job)
    image.until("the poll has ended", lambda: finished(image.poll_job))
    image.delete(job)


def _waiting_for_a_secret(image: Image) -> None:
    image.apply()
    pod = image.pod(image.claimed(Stage.RESOLVE))
    waiting = {"reason": "CreateContainerConfigError", "message": 'secret "ufile" not found'}
    status = container_status("resolve", {"waiting": waiting})
    image.write_pod(pod, {"status": {"containerStatuses": [status]}}, "status")
    image.date(stage={"startTime": LONG_AGO})
    image.until_condition("Ready", "False", "SecretNotFound")


def _stopping(image: Image) -> None:
    """The image under test crashes. Its Job is being deleted when the new version starts."""
    _testing(image)
    pod = image.pod(image.current_job)
    image.write_pod(pod, {"metadata": {"finalizers": [HOLD]}})
    ended = {"terminated": {"exitCode": 1, "message": "no module named server"}}
    status = container_status("image", {"waiting": {"reason": "CrashLoopBackOff"}}, restartCount=3, lastState=ended)
    image.write_pod(pod, {"status": {"initContainerStatuses": [status]}}, "status")
    image.date(stage={"startTime": LONG_AGO})
    image.until("its Job is stopped", lambda: "deletionTimestamp" in image.current_job["metadata"])


def _release(image: Image) -> None:
    (pod,) = (found for found in image.pods if "finalizers" in found["metadata"])
    image.write_pod(pod, {"metadata": {"finalizers": None}})


def _with_an_answer_that_has_no_successor(image: Image) -> None:
    image.spec["test"] = {"expect": {"fields": [{"path": "/ok", "equals": True}]}}
    image.publish_earlier()


def ends(stage: Stage) -> Callable[[Image], object]:
    """The Job that the earlier version created ends."""
    return lambda image: image.end_earlier(stage, image.current_job)


def _continue(image: Image) -> None:
    image.edit(suspend=False)


STATES: Mapping[str, State] = {
    "ready": State(PUBLISHED, Image.publish_earlier, NOTHING),
    "stalled": State(("False", "CheckpointIncomplete"), _stalled, NOTHING, end=("False", "CheckpointIncomplete")),
    "polled": State(PUBLISHED, _polled, ["Poll", *ALL]),
    "polling": State(PUBLISHED, _polling, ["Poll", *ALL], _end_of_the_poll),
    "resolving": State(("Unknown", "Resolving"), _resolving, ALL, ends(Stage.RESOLVE)),
    "exporting": State(("Unknown", "Exporting"), _exporting, ALL, ends(Stage.EXPORT)),
    "building": State(("Unknown", "Building"), _building, ["Test", "Publish"], ends(Stage.BUILD)),
    "testing": State(("Unknown", "Testing"), _testing, ["Publish"], ends(Stage.TEST)),
    "untested": State(("Unknown", "Testing"), _publishing_untested, ["Publish"], ends(Stage.TEST)),
    "comparing": State(("Unknown", "Testing"), _comparing, ["Publish"], ends(Stage.TEST)),
    "retrying": State(("False", "UFileUnavailable"), _retrying, ALL, _try_again),
    "stopping": State(("Unknown", "Testing"), _stopping, ["Test", "Publish"], _release),
    "waiting": State(("False", "SecretNotFound"), _waiting_for_a_secret, ALL, ends(Stage.RESOLVE)),
    "new": State(None, _suspended_before_the_first_stage, ALL, _continue),
    "suspended": State(("Unknown", "Building"), _suspended_before_the_build, ALL, _continue, taken_over=SUSPENDED),
    "unfitting": State(PUBLISHED, _with_an_answer_that_has_no_successor, NOTHING, end=("False", "ObjectInvalid")),
}
