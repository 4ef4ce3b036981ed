"""The upgrade of an installation from an earlier version, with objects in every state that needs no node.

docs/operations/install.md says how to upgrade and what it does to objects. One installation goes through the upgrade,
once; each test reads what became of its objects.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from devcluster.controlplane import control_plane
from inference_image_operator.api import API_VERSION, KIND
from tests.loop.api import IMAGES, Api, Object, wait_for
from tests.loop.process import Process
from tests.support.world import SPEC
from tests.upgrade import earlier
from tests.upgrade.image import Image
from tests.upgrade.installation import CURRENT, Installation
from tests.upgrade.states import PUBLISHED, STATES

THREADS = 6
LONG = 240
"""Seconds: on a busy machine, for five stages of every object."""
PREFIX = "upgrade-"
"""Of the namespaces; each object is named after its state."""
SETTLED = [name for name, state in STATES.items() if state.end == state.ready and not state.runs]
RUNS = [name for name, state in STATES.items() if state.runs]
BEGUN = [name for name in RUNS if STATES[name].ready != PUBLISHED and name != "new"]
"""In the middle of a run when the new version starts."""
RENAMED = {"manifest": "inputLock", "lastLook": "lastPollTime"}
RENAMED_OF_RUN = {"renewals": "restartCount", "resolves": "resolveCount"}


@dataclass
class Upgraded:
    """Every object by its state, at three times."""

    before: Mapping[str, Object]
    """With the earlier version."""
    taken_over: Mapping[str, Object]
    """Once the new version has seen each that runs, before anything else happens."""
    after: Mapping[str, Object]
    jobs: Mapping[str, list[str]]
    """The stages of the Jobs that the new version created."""
    api: Api


def ready(image: Object) -> tuple[str, str] | None:
    """Status and reason of Ready; None without that condition."""
    conditions = image.get("status", {}).get("conditions", [])
    return next(((one["status"], one["reason"]) for one in conditions if one["type"] == "Ready"), None)


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgraded]:
    folder = tmp_path_factory.mktemp("upgrade")
    version = earlier.files(folder / "earlier")
    with control_plane() as plane:
        api = Api(plane)
        installation = Installation(plane, api, folder)
        installation.install(version)
        operator = installation.operator(version, "operator-before").start()
        try:
            images = {name: _image(api, operator, name) for name in STATES}
            _each(images, lambda name, image: STATES[name].reach(image))
            before = {name: image.image for name, image in images.items()}
            known = {name: image.uids for name, image in images.items()}

            installation.upgrade_crd(CURRENT)
            installation.upgrade_chart(CURRENT)
            assert operator.stop() == 0
            operator = installation.operator(CURRENT, "operator-after").start()
            for image in images.values():
                image.follow(operator)
            for name in BEGUN:
                images[name].until(
                    "it is taken over", lambda image=images[name]: image.image["status"].get("installation")
                )
            taken_over = {name: image.image for name, image in images.items()}

            _each(images, lambda name, image: (STATES[name].resume or _nothing)(image))
            wait_for(
                "every object comes to its end",
                lambda: _have_come_to_their_end(api, images, known),
                lambda: _explained(images, operator),
                seconds=LONG,
            )
            after = {name: image.image for name, image in images.items()}
            jobs = {name: image.stages_except(known[name]) for name, image in images.items()}
        finally:
            if operator.running:
                operator.kill()
        yield Upgraded(before, taken_over, after, jobs, api)


def _image(api: Api, operator: object, name: str) -> Image:
    namespace = f"{PREFIX}{name}"
    api.request(
        "POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    )
    return Image(api, namespace, operator, name)


def _nothing(_: Image) -> None:
    """What is there goes on by itself."""


def _have_come_to_their_end(api: Api, images: Mapping[str, Image], known: Mapping[str, set[str]]) -> bool:
    """Lets the pods of the Jobs that the new version created succeed; whether every object is at its end."""
    pods = api.get("/api/v1/pods?fieldSelector=status.phase=Pending")["items"]
    for pod in pods:
        name = pod["metadata"]["namespace"].removeprefix(PREFIX)
        if pod["metadata"]["ownerReferences"][0]["uid"] not in known[name]:
            images[name].succeed(pod)
    found = api.get("/apis/uai.ucloud.cn/v1alpha1/inferenceimages")["items"]
    return not pods and all(_is_at_its_end(image) for image in found)


def _is_at_its_end(image: Object) -> bool:
    name, status = image["metadata"]["name"], image.get("status", {})
    polled = "Poll" not in STATES[name].runs or status["run"].get("restartCount")
    return bool(polled) and "stage" not in status and ready(image) == STATES[name].end


def _explained(images: Mapping[str, Image], operator: Process) -> str:
    """Each object in a line, and what the operator says."""
    lines = [f"{name}: {image.conditions}, {image.image['status'].get('stage')}" for name, image in images.items()]
    return "\n".join([*lines, operator.log[-6000:]])


def _each(images: Mapping[str, Image], do: Callable[[str, Image], object]) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(lambda item: do(*item), images.items()):
            pass


@pytest.mark.parametrize("name", STATES)
def test_the_state_before(upgraded: Upgraded, name: str) -> None:
    assert ready(upgraded.before[name]) == STATES[name].ready


@pytest.mark.parametrize("name", SETTLED)
def test_what_has_ended_is_left_alone(upgraded: Upgraded, name: str) -> None:
    before, after = upgraded.before[name]["metadata"], upgraded.after[name]["metadata"]
    assert after["resourceVersion"] == before["resourceVersion"]
    assert upgraded.jobs[name] == []


@pytest.mark.parametrize("name", STATES)
def test_the_end(upgraded: Upgraded, name: str) -> None:
    assert ready(upgraded.after[name]) == STATES[name].end


@pytest.mark.parametrize("name", STATES)
def test_only_what_must_runs_again(upgraded: Upgraded, name: str) -> None:
    assert upgraded.jobs[name] == STATES[name].runs


@pytest.mark.parametrize("name", BEGUN)
def test_a_run_goes_on_where_it_was(upgraded: Upgraded, name: str) -> None:
    """Nothing is stopped, and what the status says about a wait or a failure stays until that is over."""
    before, now = upgraded.before[name]["status"], upgraded.taken_over[name]["status"]
    assert ready(upgraded.taken_over[name]) == (STATES[name].taken_over or STATES[name].ready)
    assert now["stage"]["job"] == before["stage"]["job"]
    assert now.get("lastFailure") == before.get("lastFailure")


def test_a_failure_keeps_its_words(upgraded: Upgraded) -> None:
    status = upgraded.after["stalled"]["status"]
    assert status["lastFailure"] == upgraded.before["stalled"]["status"]["lastFailure"]
    assert status["conditions"] == upgraded.before["stalled"]["status"]["conditions"]


@pytest.mark.parametrize("name", [name for name, state in STATES.items() if state.ready == PUBLISHED])
def test_a_published_image_stays_in_the_status(upgraded: Upgraded, name: str) -> None:
    before, after = upgraded.before[name]["status"], upgraded.after[name]["status"]
    assert after["image"]["reference"] == before["image"]["reference"]
    assert before["history"][-1].items() <= after["history"][-1].items()


@pytest.mark.parametrize("name", RUNS)
def test_fields_with_new_names(upgraded: Upgraded, name: str) -> None:
    """A field is there under its new name once this version has pinned the inputs."""
    status = upgraded.after[name]["status"]
    assert not {*RENAMED} & {*status}
    assert not {*RENAMED_OF_RUN} & {*status["run"]}
    if "Resolve" in STATES[name].runs:
        assert status["inputLock"]["key"]
    if "Poll" in STATES[name].runs:
        assert status["lastPollTime"]
        assert status["run"]["restartCount"] == 1


@pytest.mark.parametrize("name", STATES)
def test_no_status_is_refused_by_the_new_crd(upgraded: Upgraded, name: str) -> None:
    """Each is written into a new object: the API server tolerates in an old one what was there before."""
    for number, when in enumerate((upgraded.taken_over, upgraded.after)):
        path = f"{IMAGES.format('default')}/{name}-{number}"
        body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": f"{name}-{number}"}, "spec": SPEC}
        upgraded.api.apply(path, body)
        written = upgraded.api.get(path) | {"status": when[name]["status"]}
        upgraded.api.request("PUT", f"{path}/status?fieldValidation=Strict", written)
