"""`why`: what changed since the image before, and what applying a manifest would cause."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from devcluster.ufile import KeyPair, StandIn, running
from inference_image_contract import results
from inference_image_contract.inputs import InputLock, InputLockRef, PinnedCommit, PinnedFile, PinnedObject, UFile
from inference_image_contract.paths import PRIVATE_KEY_ENV, PUBLIC_KEY_ENV
from inference_image_operator.api import write
from inference_image_operator.api.stages import Stage
from inference_image_store import Credentials, Store
from kubectl_inferenceimage.cluster.why import changes
from kubectl_inferenceimage.cluster.why.applied import applied
from tests.support.world import DIGEST, RESULTS, SPEC, World
from tests.unit.cli.cluster.standin import IMAGES, NAMESPACE, PODS, ApiServer

Object = dict[str, Any]
PATH = f"{IMAGES}/detector"
REQUESTED = "uai.ucloud.cn/requestedAt"
LAST = "kubectl.kubernetes.io/last-applied-configuration"
FILE = "uai/object-train-output/model.ckpt-{}.index"


def live(world: World, **annotations: str) -> Object:
    return {
        "apiVersion": "uai.ucloud.cn/v1alpha1",
        "kind": "InferenceImage",
        "metadata": {
            "namespace": NAMESPACE, "name": "detector", "uid": world.uid, "generation": world.generation,
            "resourceVersion": "1", "annotations": annotations,
        },
        "spec": world.spec,
        "status": write(world.status),
    }  # fmt: skip


def published(world: World) -> World:
    world.run_whole()
    return world


def again(world: World, step: int, **resolved: Any) -> None:
    """The same object with another step, up to the end of Resolve."""
    world.spec["model"]["checkpoint"] = {"step": step}
    world.generation += 1
    world.advance(hours=1)
    world.settle()
    file = PinnedObject(key=FILE.format(step), size=11, etag=f"etag-{step}")
    world.finish(msgspec.structs.replace(RESULTS[Stage.RESOLVE], step=step, files=(file,), **resolved))
    world.settle()


def resolve_pod(finished: str, message: str | bytes, code: int = 0, stage: str = "Resolve") -> Object:
    ended = {
        "exitCode": code,
        "finishedAt": finished,
        "message": message if isinstance(message, str) else message.decode(),
    }
    return {
        "metadata": {"creationTimestamp": finished, "labels": {"uai.ucloud.cn/stage": stage}},
        "status": {"containerStatuses": [{"name": "resolve", "state": {"terminated": ended}}]},
    }


OLD = results.encode(msgspec.structs.replace(RESULTS[Stage.RESOLVE], commit="a" * 40))
EARLY = resolve_pod("2026-01-31T09:30:10Z", OLD)


def rows(found: changes.Comparison) -> dict[str, tuple[str, str]]:
    return {row.what: (row.before, row.now) for row in found.differences}


def test_what_changed_since_the_published_image(api: ApiServer, ask) -> None:
    world = published(World())
    again(world, 900, inputs_hash="sha256:" + "9" * 64)
    api.objects |= {PATH: live(world), PODS: [EARLY]}
    code, out, err = ask("why", "detector")
    assert (code, err) == (0, "")
    assert "Why this run: A new spec: generation 2. The published image is of generation 1." in out
    assert f"The image before: {DIGEST}, published 2026-01-31T09:30:50Z" in out
    table = [line.split("   ") for line in out.splitlines()]
    found = {line[0]: [cell.strip() for cell in line[1:] if cell] for line in table if len(line) > 1}
    assert found["checkpoint"] == ["step 800", "step 900"]
    assert found["generation"] == ["1", "2"]
    assert found[FILE.format(800)] == ["e, 10 bytes", "unknown"]
    assert found[FILE.format(900)] == ["unknown", "etag-900, 11 bytes"]
    assert "Equal: model.prefix, tags, fingerprint." in out
    assert "Neither the status nor the history has the label map, the pipeline config" in out


def test_a_run_that_has_ended_is_compared_with_the_image_before_it() -> None:
    world = published(World())
    again(world, 900)
    published(world)
    found = rows(changes.compare(live(world), []))
    assert found["checkpoint"] == ("step 800", "step 900")
    assert found["generation"] == (changes.UNKNOWN, "2")


def test_results_of_resolve_count_only_if_they_are_of_the_image_before() -> None:
    world = published(World())
    again(world, 900)
    late = resolve_pod("2026-01-31T12:00:00Z", OLD)
    others = [
        resolve_pod("2026-01-31T09:30:10Z", OLD, code=1),
        resolve_pod("2026-01-31T09:30:10Z", OLD, stage="Test"),
        resolve_pod("2026-01-31T09:30:10Z", "not JSON"),
        {"metadata": {}, "status": {}},
    ]
    assert "commit" not in rows(changes.compare(live(world), [late, *others]))
    assert rows(changes.compare(live(world), [late, EARLY]))["commit"] == ("a" * 40, changes.UNKNOWN)


def test_a_run_that_has_not_pinned_is_not_compared_with_old_pins() -> None:
    world = published(World())
    world.spec["model"]["checkpoint"] = {"step": 900}
    world.generation += 1
    world.settle()
    found = changes.compare(live(world), [])
    assert rows(found)["checkpoint"] == ("step 800", changes.UNKNOWN)
    assert rows(found)["content hash"][1] == changes.UNKNOWN
    assert found.rest == "Resolve of this run has not ended: what it pins is unknown."


def test_equal_inputs_are_equal_in_everything() -> None:
    world = published(World())
    world.request = "now"
    world.settle()
    world.finish()
    world.settle()
    found = changes.compare(live(world), [EARLY])
    assert found.rest.startswith("All inputs of the image are equal, also the label map")


def test_without_the_right_to_list_pods(api: ApiServer, ask) -> None:
    world = published(World())
    again(world, 900)
    api.objects[PATH] = live(world)
    api.forbidden.add(("GET", PODS))
    code, out, _ = ask("why", "detector")
    assert code == 0
    assert "step 900" in out
    assert "You may not list the pods in team-a." in out
    assert "the files and the commit of the image before are unknown" in out


def test_a_first_image_has_none_before(api: ApiServer, ask) -> None:
    api.objects |= {PATH: live(published(World())), PODS: []}
    out = ask("why", "detector")[1]
    assert "There is no image before to compare with." in out


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (None, "has not begun a run"),
        ({"generation": 2}, "A new spec: generation 2. The published image is of generation 1."),
        (
            {"generation": 1, "requested": True},
            "A request: the annotation uai.ucloud.cn/requestedAt got the value now.",
        ),
        ({"generation": 1, "restartCount": 2}, "Polling found new content (2 times since the spec changed)."),
        ({"generation": 1, "resolveCount": 2, "requested": True}, "so it pinned them again (1 times)."),
    ],
)
def test_why_a_run_runs(run: Object | None, words: str) -> None:
    status = {"lastHandledRequest": "now", "image": {"generation": 1}, "history": [{}]} | ({"run": run} if run else {})
    assert words in changes.cause({"status": status})
    assert "Nothing was published before." in changes.cause({"status": {"run": {"generation": 1}}})


@pytest.fixture
def apply(api: ApiServer, ask, tmp_path: Path) -> Callable[..., tuple[int, str, str]]:
    """apply(world, change) -> what `why -f` says of the world's manifest with a change."""

    def call(world: World, change: Callable[[Object], None], *words: object) -> tuple[int, str, str]:
        api.objects[PATH] = live(world)
        document = copy.deepcopy({key: live(world)[key] for key in ("apiVersion", "kind", "spec")})
        document["metadata"] = {"name": "detector"}
        change(document)
        path = tmp_path / "it.yaml"
        path.write_text(json.dumps(document))
        return ask("why", "detector", "-f", path, *words)

    return call


def tags(document: Object) -> None:
    document["spec"]["image"]["tags"] = ["other"]


def stages(out: str) -> dict[str, str]:
    lines = [line.split() for line in out.splitlines()]
    return {line[0]: line[1] for line in lines if line and line[0] in {*Stage}}


def test_tags_alone_repeat_resolve_and_publish(apply) -> None:
    code, out, err = apply(published(World()), tags)
    assert (code, err) == (0, "")
    assert "changes: spec.image.tags\nA run begins, because the spec changes.\n" in out
    assert stages(out) == {"Resolve": "yes", "Export": "no", "Build": "no", "Test": "no", "Publish": "yes"}
    assert "Only Resolve can know whether the files in US3 and the base images changed since they were pinned:" in out
    assert "Whether the installation allows it was not checked" in out


def test_suspend_alone_starts_nothing(apply) -> None:
    out = apply(published(World()), lambda document: document["spec"].update(suspend=True))[1]
    assert "changes: spec.suspend\nNo run begins:" in out
    assert stages(out) == {}


def pin(document: Object) -> None:
    document["spec"]["image"]["pin"] = DIGEST


def test_a_pin_repeats_publish_alone_and_then_edits_wait(apply) -> None:
    world = published(World())
    out = apply(world, pin)[1]
    assert stages(out) == {"Resolve": "no", "Export": "no", "Build": "no", "Test": "no", "Publish": "yes"}
    assert "Only Resolve can know" not in out
    world.spec["image"]["pin"] = DIGEST
    world.generation += 1
    world.run_whole()
    out = apply(world, lambda document: document["spec"]["model"].update(checkpoint={"policy": "Latest"}))[1]
    assert "No run begins: spec.image.pin holds the image. These fields have their effect when it is removed." in out


def test_another_model_repeats_everything(apply) -> None:
    out = apply(published(World()), lambda document: document["spec"]["model"].update(checkpoint={"policy": "Latest"}))[
        1
    ]
    assert set(stages(out).values()) == {"yes"}
    assert "the files in US3, the newest checkpoint and the base images" in out
    assert "that is reused" in out


def test_nothing_and_a_request(apply) -> None:
    world = published(World())
    assert "changes: nothing of the spec\nNo run begins: the operator has run" in apply(world, lambda _: None)[1]
    request = {"name": "detector", "annotations": {REQUESTED: "now"}}
    out = apply(world, lambda document: document.update(metadata=request))[1]
    assert "A run begins, because the request annotation changes." in out


def test_the_installation_is_asked_if_it_is_given(apply, values) -> None:
    def elsewhere(document: Object) -> None:
        document["spec"]["image"]["repository"] = "elsewhere.test/a/b"

    assert "The installation refuses it: RegistryNotAllowed" in apply(World(), elsewhere, "--values", values)[1]
    assert "was not checked" not in apply(World(), tags, "--values", values)[1]


def test_a_run_under_way_is_replaced(apply) -> None:
    world = World()
    world.run_to(Stage.BUILD)
    assert "its Job of the stage Build is stopped" in apply(world, tags)[1]


def test_a_manifest_of_another_object(apply) -> None:
    code, out, err = apply(World(), lambda document: document.update(metadata={"name": "other"}))
    assert (code, out) == (1, "")
    assert "it.yaml is about default/other, not about team-a/detector." in err
    code, _, err = apply(World(), lambda document: document["metadata"].update(namespace="elsewhere"))
    assert (code, "is about elsewhere/detector" in err) == (1, True)


def test_a_manifest_of_an_object_that_does_not_exist_yet(ask, tmp_path: Path) -> None:
    document = {key: value for key, value in live(World()).items() if key != "status"} | {
        "metadata": {"name": "detector"}
    }
    path = tmp_path / "it.yaml"
    path.write_text(json.dumps(document))
    code, out, _ = ask("why", "detector", "-f", path)
    assert code == 0
    created, begins, _ = out.split("\n", 2)
    assert created == "There is no InferenceImage team-a/detector yet: the manifest creates it."
    assert begins == "A run begins."
    assert "Only Resolve can know" not in out
    assert set(stages(out).values()) == {"yes"}


def test_apply_merges_as_kubectl_does() -> None:
    before = {"metadata": {"annotations": {REQUESTED: "1"}}, "spec": {"a": 1, "b": {"c": 1, "d": 1}, "e": [1, 2]}}
    there = {
        "metadata": {"annotations": {REQUESTED: "1", LAST: json.dumps(before)}},
        "spec": {"a": 1, "b": {"c": 1, "d": 1, "by": "others"}, "e": [1, 2], "suspend": True},
    }
    manifest = {"metadata": {}, "spec": {"b": {"c": 2}, "e": [3]}}
    assert applied(there, manifest) == ({"b": {"c": 2, "by": "others"}, "e": [3], "suspend": True}, "")


@pytest.mark.parametrize("annotations", [{}, {LAST: "not JSON"}, {LAST: "[]"}])
def test_without_a_record_the_manifest_is_the_whole_spec(annotations: dict[str, str]) -> None:
    there = {"metadata": {"annotations": annotations | {REQUESTED: "1"}}, "spec": {"a": 1, "suspend": True}}
    assert applied(there, {"metadata": {}, "spec": {"b": 1}}) == ({"b": 1, "suspend": True}, "1")
    assert applied(there | {"spec": SPEC}, {"metadata": {}, "spec": SPEC}) == (SPEC, "1")


def lock(**facts: Any) -> InputLock:
    pinned = PinnedObject(key="prep/label_map.pbtxt", size=5, etag="map")
    given = {"label_map": pinned, "base_images": {"debian:12": f"uhub.test/debian@{DIGEST}"}, "source": ()} | facts
    return InputLock(
        fingerprint=DIGEST, inputs_hash=DIGEST, checkpoint=(), num_classes=3, dockerfile="Dockerfile", **given
    )


@pytest.fixture
def us3(tmp_path: Path) -> Iterator[StandIn]:
    with running(tmp_path / "ufile", [KeyPair("public", "canary-private")]) as found:
        yield found


def stored(us3: StandIn, name: str, content: InputLock) -> InputLockRef:
    location = UFile(bucket=us3.bucket, scheme="http", suffix=us3.suffix)
    data = msgspec.json.encode(content)
    info = Store(location, Credentials("public", "canary-private")).write(data, name)
    return InputLockRef(key=name, sha256=info.sha256)


@pytest.fixture
def compared(api: ApiServer, ask, us3: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """compared(before, now) -> what `why` prints of two runs with these input locks."""
    monkeypatch.setenv(PUBLIC_KEY_ENV, "public")
    monkeypatch.setenv(PRIVATE_KEY_ENV, "canary-private")
    endpoint = {"scheme": "http", "suffix": us3.suffix}
    values = tmp_path / "values.yaml"
    values.write_text(json.dumps({"config": {"ufile": {"allowedEndpoints": [endpoint]}}}))

    def call(before: InputLockRef, now: InputLockRef, *words: str) -> str:
        world = published(World())
        again(world, 900, input_lock=now, inputs_hash="sha256:" + "9" * 64)
        world.spec["ufile"] |= {"bucket": us3.bucket, "endpoint": endpoint}
        old = results.encode(msgspec.structs.replace(RESULTS[Stage.RESOLVE], input_lock=before))
        api.objects |= {PATH: live(world), PODS: [resolve_pod("2026-01-31T09:30:10Z", old)]}
        code, out, err = ask("why", "detector", *(words or (f"--values={values}",)))
        assert (code, "canary-private" in out + err) == (0, False)
        return out

    return call


def test_input_locks_say_which_base_image_and_files_changed(compared, us3: StandIn) -> None:
    other = "sha256:" + "7" * 64
    changed = lock(
        base_images={"debian:12": f"uhub.test/debian@{other}"},
        source=(PinnedFile(path="code/infer.py", size=7, etag="new"),),
        commit=PinnedCommit(commit="b" * 40),
    )
    out = compared(stored(us3, "a.json", lock()), stored(us3, "b.json", changed))
    rows_ = [line.split("   ") for line in out.partition("INPUT LOCK")[2].splitlines()[1:]]
    assert [[cell.strip() for cell in row if cell] for row in rows_] == [
        ["base image debian:12", DIGEST, other],
        ["source code/infer.py", "-", "new, 7 bytes"],
        ["commit", "-", "b" * 40],
    ]


def test_equal_input_locks(compared, us3: StandIn) -> None:
    found = stored(us3, "a.json", lock())
    assert "The input locks of both are equal." in compared(found, found)


def test_an_input_lock_that_is_gone(compared, us3: StandIn) -> None:
    found = stored(us3, "a.json", lock())
    gone = InputLockRef(key="gone.json", sha256="0" * 64)
    assert "cannot be compared: SourceChanged: The input lock gone.json is gone" in compared(gone, found)


def test_without_the_endpoint_us3_is_not_asked(compared, us3: StandIn) -> None:
    found = stored(us3, "a.json", lock())
    assert "To compare them, the installation has no such endpoint" in compared(found, found, "-n", NAMESPACE)
