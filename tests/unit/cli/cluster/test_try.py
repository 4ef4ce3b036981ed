"""`try`: the pod as the Test stage has it, its end in every case, the table, and the boxes in the picture."""

import io
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from inference_image_operator.api.quantities import quantity
from inference_image_operator.config.installation import Config
from kubectl_inferenceimage import installation
from kubectl_inferenceimage.cluster.connection import connect
from kubectl_inferenceimage.cluster.objects import observed
from kubectl_inferenceimage.cluster.trial import drawing, trial
from kubectl_inferenceimage.cluster.trial.container import arguments
from kubectl_inferenceimage.cluster.trial.detections import read, rows, shortened
from kubectl_inferenceimage.cluster.trial.pod import manifest
from kubectl_inferenceimage.errors import CommandError
from tests.support.objects import document
from tests.support.signals import interruptible
from tests.support.world import DIGEST, World
from tests.unit.cli.cluster.standin import IMAGES, NAMESPACE, PODS, ApiServer

Object = dict[str, Any]
POD = f"{PODS}/detector-try-abcde"
PROXY = f"{POD}:8080/proxy"
RUNNING = {"status": {"phase": "Running", "containerStatuses": [{"name": "image", "state": {"running": {}}}]}}
ANSWER = {"detections": [{"class": "circle\x1b[2J", "id": 1, "score": 0.98, "box": [0.1, 0.2, 0.5, 0.6]}]}


def published() -> Object:
    world = World()
    world.run_whole()
    return document(world, NAMESPACE, "detector")


def config() -> Config:
    return installation.read()


def waiting(reason: str) -> Object:
    state = {"waiting": {"reason": reason, "message": "no such manifest"}}
    return {"status": {"phase": "Pending", "containerStatuses": [{"name": "image", "state": state}]}}


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Two pictures of a person, in another folder than the drawn ones."""
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.png", "b.jpg"):
        Image.new("RGB", (200, 100), "#336699").save(folder / name)
    return [folder / "a.png", folder / "b.jpg"]


@pytest.fixture
def begun(api: ApiServer) -> ApiServer:
    """A published object whose pod becomes ready at the second question."""
    api.objects |= {f"{IMAGES}/detector": published(), PODS: [], f"{PROXY}/service": ANSWER}
    api.sequences |= {POD: [{"status": {"phase": "Pending"}}, RUNNING], f"{PROXY}/initialized": [503, "YES"]}
    return api


@pytest.fixture
def call(api: ApiServer, tmp_path: Path, capsys):
    """call(pictures) -> exit code, standard output, standard error."""

    def run(pictures: list[Path], timeout: int = 60) -> tuple[int, str, str]:
        cluster = connect(str(api.kubeconfig(tmp_path)), "", "")
        options = trial.Options([str(path) for path in pictures], str(tmp_path), timeout)
        code = trial.try_(cluster, "detector", config(), options, poll=0.001)
        return code, *capsys.readouterr()

    return run


def test_the_pod_is_confined_as_in_the_test_stage() -> None:
    world = World()
    world.run_whole()
    pod = manifest(observed(document(world, NAMESPACE, "detector")), config(), 60)
    tested = next(job for job in world.created if job["metadata"]["labels"]["uai.ucloud.cn/stage"] == "Test")
    before = tested["spec"]["template"]["spec"]
    spec, (image,) = pod["spec"], pod["spec"]["containers"]
    same = next(found for found in before["initContainers"] if found["name"] == "image")
    assert {name: image[name] for name in image} == {name: same[name] for name in same if name != "restartPolicy"}
    assert image["image"].endswith(f"@{DIGEST}")
    assert "limits" in image["resources"]
    assert (spec["automountServiceAccountToken"], spec["volumes"], spec["activeDeadlineSeconds"]) == (False, [], 60)
    assert "env" not in image
    assert spec["securityContext"] == before["securityContext"]
    assert "initContainers" not in spec


def test_a_container_here_is_as_confined_as_the_pod() -> None:
    (container,) = manifest(observed(published()), config(), 60)["spec"]["containers"]
    limit = container["resources"]["limits"]["memory"]
    words = arguments(container, 8080)
    assert words[:2] == ["run", "--detach"]
    assert words[-1] == container["image"]
    assert {"--cap-drop=ALL", "--security-opt=no-new-privileges", "--publish=127.0.0.1::8080"} < set(words)
    assert f"--memory={int(quantity(limit))}b" in words
    assert not [word for word in words if word.startswith(("--env", "--volume", "--network", "--privileged"))]


def test_an_engine_that_is_not_installed(
    begun: ApiServer, api: ApiServer, tmp_path: Path, pictures, monkeypatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    options = trial.Options([str(pictures[0])], str(tmp_path), engine="docker")
    with pytest.raises(CommandError, match="docker is not installed"):
        trial.try_(connect(str(api.kubeconfig(tmp_path)), "", ""), "detector", config(), options)


def test_the_operator_does_not_take_the_pod_for_its_own() -> None:
    meta = manifest(observed(published()), config(), 60)["metadata"]
    assert meta["labels"] == {"uai.ucloud.cn/trial": "true"}
    (owner,) = meta["ownerReferences"]
    assert (owner["name"], "controller" in owner) == ("detector", False)


def test_the_name_of_the_pod_is_valid() -> None:
    found = observed(published() | {"metadata": published()["metadata"] | {"name": "a" * 39 + "-" + "b" * 100}})
    assert manifest(found, config(), 60)["metadata"]["generateName"] == "a" * 39 + "-try-"


def test_pictures_are_sent_as_they_are_and_the_pod_is_deleted(begun: ApiServer, call, pictures, tmp_path) -> None:
    code, out, err = call(pictures)
    assert code == 0, err
    lines = out.splitlines()
    assert lines[0].split() == ["PICTURE", "CLASS", "SCORE", "BOX"]
    assert lines[1].split()[1:] == ["circle\N{REPLACEMENT CHARACTER}[2J", "0.98", "0.100,", "0.200,", "0.500,", "0.600"]
    sent = [body for method, path, _, body in begun.asked if (method, path) == ("POST", f"{PROXY}/service")]
    assert sent == [path.read_bytes() for path in pictures]
    assert POD not in begun.objects
    assert f"Boxes: {tmp_path / 'b.boxes.png'}" in err


def test_boxes_are_drawn_into_the_picture(begun: ApiServer, call, pictures, tmp_path) -> None:
    call(pictures[:1])
    with Image.open(tmp_path / "a.boxes.png") as drawn:
        assert (drawn.size, drawn.format) == ((200, 100), "PNG")
        assert drawn.getpixel((120, 40)) == (0xE6, 0x19, 0x4B), "the right edge"
        assert drawn.getpixel((100, 45)) == (0x33, 0x66, 0x99), "within"
    assert drawing.origin_of(tmp_path / "a.boxes.png") == (NAMESPACE, "detector", DIGEST)


def test_a_picture_is_drawn_upright(begun: ApiServer, call, tmp_path) -> None:
    turned, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    Image.new("RGB", (200, 100), "white").save(turned, "JPEG", exif=exif)
    path = tmp_path / "turned.jpg"
    path.write_bytes(turned.getvalue())
    call([path])
    with Image.open(tmp_path / "turned.boxes.png") as drawn:
        assert drawn.size == (100, 200)


def test_without_pillow_there_is_the_table(begun: ApiServer, call, pictures, tmp_path, monkeypatch) -> None:
    for name in [name for name in sys.modules if name == "PIL" or name.startswith("PIL.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "PIL", None)
    code, out, err = call(pictures[:1])
    assert code == 0
    assert "circle" in out
    assert "pip install pillow" in err
    assert not (tmp_path / "a.boxes.png").exists()


def test_what_pillow_cannot_read_has_a_row(begun: ApiServer, call, tmp_path) -> None:
    path = tmp_path / "a.raw"
    path.write_bytes(b"raw")
    code, out, err = call([path])
    assert (code, "circle" in out) == (0, True)
    assert "Pillow cannot read the picture" in err


def test_an_error_of_one_picture_costs_that_one(begun: ApiServer, call, pictures) -> None:
    begun.sequences[f"{PROXY}/service"] = [400, ANSWER]
    code, out, err = call(pictures)
    assert code == 1
    assert "b.jpg" in out
    assert "a.png" in err
    assert "the API server says 400 scripted" in err


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (waiting("ImagePullBackOff"), "ImagePullBackOff: no such manifest"),
        (
            {"status": {"containerStatuses": [{"name": "image", "state": {"terminated": {"exitCode": 3}}}]}},
            "exit code 3",
        ),
        ({"status": {"phase": "Failed", "message": "Evicted."}}, "Evicted."),
    ],
)
def test_an_image_that_does_not_start_is_explained(begun: ApiServer, call, pictures, state: Object, said: str) -> None:
    begun.sequences[POD] = [state]
    begun.objects[f"{POD}/log"] = "boom\n"
    with pytest.raises(CommandError, match="The image does not start") as error:
        call(pictures)
    assert said in str(error.value)
    assert str(error.value).endswith("boom")
    assert POD not in begun.objects


def test_an_image_that_is_never_ready(begun: ApiServer, call, pictures) -> None:
    begun.sequences[f"{PROXY}/initialized"] = [503]
    with pytest.raises(CommandError, match=r"not ready after 1 s: .* 503 scripted"):
        call(pictures, timeout=1)
    assert POD not in begun.objects


@pytest.mark.parametrize(("number", "raised"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
def test_a_signal_deletes_the_pod(  # noqa: PLR0917 - fixtures and parameters
    begun: ApiServer, call, pictures, monkeypatch, number, raised
) -> None:
    monkeypatch.setattr(trial, "_until_ready", lambda *_: signal.raise_signal(number))
    handler = signal.getsignal(signal.SIGTERM)
    with interruptible(), pytest.raises(raised):
        call(pictures)
    assert POD not in begun.objects
    assert signal.getsignal(signal.SIGTERM) is handler


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ('pods "a" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot', "violates PodSecurity"),
        ('pods "a" is forbidden: exceeded quota: q, requested: pods=1', "exceeded quota"),
        ('pods is forbidden: User "me" cannot create resource "pods"', "You may not create a pod in team-a."),
    ],
)
def test_a_pod_that_is_refused_is_explained(begun: ApiServer, call, pictures, message: str, said: str) -> None:
    begun.objects[PODS] = 403, {"message": message}
    with pytest.raises(CommandError) as error:
        call(pictures)
    assert said in str(error.value)


def test_nothing_is_created_without_an_image_or_with_pictures_of_one_name(api: ApiServer, call, pictures) -> None:
    api.objects |= {f"{IMAGES}/detector": document(World(), NAMESPACE, "detector"), PODS: []}
    with pytest.raises(CommandError, match="has published no image yet"):
        call(pictures)
    same = pictures[1].with_suffix(".png")
    same.write_bytes(b"")
    with pytest.raises(CommandError, match="the same name"):
        call([*pictures, same])
    assert [method for method, path, _, _ in api.asked if path == PODS] == []


@pytest.mark.parametrize("answer", ["YES", [], {"detections": 1}, {"detections": [{"box": [1]}]}, {"classes": ["a"]}])
def test_another_answer_is_shown_as_it_is(answer: object) -> None:
    assert read(answer) is None
    assert len(shortened(["x" * 1000])) == 501


def test_a_picture_without_detections_has_a_row() -> None:
    assert rows("a.png", []) == [("a.png", "<none>", "", "")]
