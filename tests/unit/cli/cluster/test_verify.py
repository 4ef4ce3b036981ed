"""`verify`: real US3 and a real registry, compared with what the status says."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from inference_image_contract.paths import PRIVATE_KEY_ENV, PUBLIC_KEY_ENV
from inference_image_operator.api import Spec, Status, read
from kubectl_inferenceimage.cluster.verify import expected
from tests.laptop.site import PRIVATE_KEY, PUBLIC_KEY, SECRETS, Site, site
from tests.support.world import SPEC
from tests.unit.cli.cluster.standin import IMAGES, ApiServer

Object = dict[str, Any]
OTHER = "sha256:" + "0" * 64
TIME = "2026-01-31T09:30:00Z"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("site")) as found:
        yield found


@pytest.fixture(scope="module")
def published(place: Site) -> Object:
    """The object whose image is the site's base image, and whose graph is an object of the bucket."""
    server = place.registry
    digest = server.session.head(
        f"https://{server.host}/v2/base/manifests/1", headers={"Accept": "application/vnd.oci.image.manifest.v1+json"}
    ).headers["Docker-Content-Digest"]
    graph = place.store.write(b"the graph", "export/frozen_inference_graph.pb")
    lock = place.store.write(b"{}", "export/resolved/lock.json")
    index = place.store.find("train/model.ckpt-800.index")
    return {
        "metadata": {"namespace": "team-a", "name": "detector", "uid": "1", "generation": 1},
        "spec": SPEC | {
            "ufile": {
                "bucket": place.ufile.bucket,
                "endpoint": {"scheme": "http", "suffix": place.ufile.suffix},
                "secretRef": {"name": "ufile"},
            },
            "image": {"repository": f"{server.host}/base", "tags": ["1"]},
        },
        "status": {
            "image": {"reference": f"{server.host}/base@{digest}", "digest": digest, "tags": ["1"], "generation": 1},
            "history": [{"digest": digest, "contentHash": OTHER, "time": TIME}],
            "frozenGraph": {"key": graph.key, "sha256": graph.sha256, "size": graph.size},
            "inputLock": {"key": lock.key, "sha256": lock.sha256},
            "checkpoint": {
                "fingerprint": OTHER,
                "files": [{"key": index.key, "size": index.size, "etag": index.etag}],
            },
        },
    }  # fmt: skip


@pytest.fixture
def verify(api: ApiServer, ask, place: Site, published: Object) -> Callable[..., tuple[int, list[list[str]], str]]:
    """verify(change, *flags) -> exit code, the table's rows, standard error."""

    def call(change: Callable[[Object], object], *words: object) -> tuple[int, list[list[str]], str]:
        found = copy.deepcopy(published)
        change(found["status"])
        api.objects[f"{IMAGES}/detector"] = found
        flags = (f"--authfile={place.login}", f"--registry-ca={place.registry.tls.ca}", f"--values={place.values}")
        code, out, err = ask("verify", "detector", *flags, *words)
        assert not [secret for secret in SECRETS if secret in out + err]
        return code, [line.split() for line in out.splitlines()[1:]], err

    return call


@pytest.fixture
def with_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PUBLIC_KEY_ENV, PUBLIC_KEY)
    monkeypatch.setenv(PRIVATE_KEY_ENV, PRIVATE_KEY)


@pytest.fixture(autouse=True)
def without_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PUBLIC_KEY_ENV, raising=False)


def verdicts(rows: list[list[str]]) -> list[str]:
    return [" ".join(word for word in row if word in {"equal", "DIFFERENT", "MISSING", "ANSWERED:"}) for row in rows]


@pytest.mark.usefixtures("with_keys")
def test_all_is_as_the_status_says(verify, without_keys) -> None:
    code, rows, err = verify(lambda _: None)
    assert (code, err) == (0, "")
    assert [row[0] for row in rows] == ["image", "tag", "graph", "input", "checkpoint"]
    assert verdicts(rows) == ["equal"] * 5


def test_without_keys_us3_is_not_asked(verify) -> None:
    code, rows, _ = verify(lambda _: None)
    assert code == 0
    assert " ".join(rows[2]) == (
        "graph export/frozen_inference_graph.pb not asked set UFILE_PUBLIC_KEY and the private key, or --ufile-keys"
    )


def test_keys_from_a_file(verify, place: Site) -> None:
    assert verdicts(verify(lambda _: None, "--ufile-keys", place.keys)[1]) == ["equal"] * 5


def set_image(**facts: Any) -> Callable[[Object], object]:
    return lambda status: status["image"].update(facts)


@pytest.mark.parametrize(
    ("change", "row", "words"),
    [
        (set_image(tags=["2"]), 1, "MISSING"),
        (set_image(size=7), 0, "the status says 7"),
        (set_image(digest=OTHER), 0, "MISSING"),
        (set_image(digest=OTHER), 1, f"the status says {OTHER}"),
        (lambda status: status["history"].append({"digest": OTHER, "contentHash": OTHER, "time": TIME}), 2, "MISSING"),
        (lambda status: status.update(built={"digest": OTHER, "size": 1}), 2, "MISSING"),
    ],
)
def test_an_image_that_differs(verify, change: Callable[[Object], object], row: int, words: str) -> None:
    code, rows, _ = verify(change)
    assert code == 1
    assert words in " ".join(rows[row])


@pytest.mark.parametrize(
    ("part", "facts", "words"),
    [
        ("frozenGraph", {"size": 1}, "bytes 9; the status says 1"),
        ("frozenGraph", {"sha256": "0" * 64}, "the status says 0000"),
        ("frozenGraph", {"key": "export/none"}, "MISSING"),
        ("inputLock", {"sha256": "0" * 64}, "the status says 0000"),
    ],
)
def test_an_object_that_differs(verify, place: Site, part: str, facts: Object, words: str) -> None:
    code, rows, _ = verify(lambda status: status[part].update(facts), "--ufile-keys", place.keys)
    assert code == 1
    assert words in "\n".join(" ".join(row) for row in rows)


def test_a_checkpoint_that_was_replaced(verify, place: Site) -> None:
    change = lambda status: status["checkpoint"]["files"][0].update(etag="other")  # noqa: E731
    assert verify(change, "--ufile-keys", place.keys)[0] == 1


def test_a_wrong_login_is_one_answer(verify, tmp_path: Path) -> None:
    logins = tmp_path / "none.json"
    logins.write_text("{}")
    code, rows, err = verify(lambda _: None, f"--authfile={logins}")
    assert (code, err) == (1, "")
    assert "NOT ANSWERED RegistryUnauthorized:" in " ".join(rows[0])


def test_wrong_keys_are_one_answer(verify, tmp_path: Path) -> None:
    keys = tmp_path / "keys.yaml"
    keys.write_text("publicKey: someone\nprivateKey: canary-private-key-1\n")
    code, rows, _ = verify(lambda _: None, "--ufile-keys", keys)
    assert code == 1
    assert "NOT ANSWERED UFileForbidden:" in " ".join(rows[2])


def test_an_endpoint_that_the_installation_does_not_have(verify, place: Site, tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text("{}")
    code, rows, _ = verify(lambda _: None, "--ufile-keys", place.keys, f"--values={values}")
    assert code == 0
    assert "the installation has no such endpoint" in " ".join(rows[2])


def test_nothing_was_published(verify) -> None:
    assert verify(lambda status: status.clear())[::2] == (1, "detector has published nothing.\n")


def test_copies_are_asked_for_if_the_image_is_of_this_spec() -> None:
    image = SPEC["image"] | {"additionalRepositories": ["uhub.devcluster.test/demo/copy"]}
    spec = read(Spec, SPEC | {"image": image})
    status = read(Status, {"image": {"reference": f"r/a@{OTHER}", "digest": OTHER, "tags": ["1"], "generation": 1}})
    places = [(found.what, found.repository) for found in expected.images(spec, status, 1)]
    copy_ = "uhub.devcluster.test/demo/copy"
    assert places == [("image", "r/a"), ("tag", "r/a"), ("image", copy_), ("tag", copy_)]
    assert {found.repository for found in expected.images(spec, status, 2)} == {"r/a"}
