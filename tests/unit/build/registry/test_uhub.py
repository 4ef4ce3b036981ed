"""Against UHub's documented rules: two names, logins, repositories to create, tags, layers."""

import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from inference_image_build.publication import retention
from inference_image_build.publication.untag import _descriptor
from inference_image_build.registry.copy import Descriptor
from inference_image_build.registry.manifests import MANIFEST_TYPES, Manifest
from inference_image_build.registry.references import parse
from inference_image_build.steps.publish import publish
from inference_image_build.steps.resolve import resolve
from inference_image_contract import inputs
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from tests.support.registries.uhub import CONSOLE, INDEPENDENT, MONTH

LABEL = "uai.ucloud.cn/checkpoint-step"


@pytest.fixture
def push(uhub, uhub_client):
    """push(image, number, *tags, age) -> the digest of an image that is `age` days old; -1 for an unknown age."""
    client = uhub_client({uhub.inside: CONSOLE})

    def run(image: str, number: int, *tags: str, age: float = 2.0, layer: bytes = b"layer") -> str:
        created = (datetime.now(UTC) - timedelta(days=age)).isoformat() if age >= 0 else "1970-01-01T00:00:00Z"
        config = json.dumps({"os": "linux", "created": created, "config": {"Labels": {LABEL: str(number)}}}).encode()
        repository = parse(f"{uhub.inside}/{image}")
        blobs = []
        for data in (config, layer):
            blobs.append(_descriptor(data))
            client.push_blob(repository, blobs[-1], lambda data=data: iter((data,)))
        document = {"schemaVersion": 2, "config": blobs[0]._asdict(), "layers": [blobs[1]._asdict()]}
        manifest = Manifest(json.dumps(document | {"mediaType": MANIFEST_TYPES[0]}).encode(), MANIFEST_TYPES[0])
        for tag in tags or (manifest.digest,):
            client.put_manifest(repository, tag, manifest)
        return manifest.digest

    return run


@pytest.fixture
def at_uhub(request, pipeline, uhub_client, uhub_where, mounts):
    """at_uhub(host, logins, **changes) resolves the tutorial's pipeline with base and target in UHub."""
    uhub, push = request.getfixturevalue("uhub"), request.getfixturevalue("push")
    push("share/base", 1, "v1")

    def run(host: str, logins: dict[str, str], *, base: str = "", limits: dict[str, int] | None = None, **changes):
        where = uhub_where(f"{host}/demo/infer", **(limits or {}))
        base = base or f"{uhub.inside}/share/base:v1"
        step_input = pipeline.input(**{"registry": where, "build_args": {"BASE": base}} | changes)
        uhub.requests.clear()
        return resolve(step_input, pipeline.store, uhub_client(logins), mounts)

    return run


@pytest.fixture(autouse=True)
def _shared(uhub):
    uhub.repositories.add("share")


# --- one registry under two names ------------------------------------------------------------------------------------


@pytest.mark.parametrize("password", [CONSOLE, INDEPENDENT])
@pytest.mark.parametrize("stored", ["inside", "outside"])
@pytest.mark.parametrize("written", ["inside", "outside"])
def test_a_login_for_one_name_serves_the_other(at_uhub, uhub, stored, written, password):
    result = at_uhub(getattr(uhub, written), {getattr(uhub, stored): password})
    expected = "" if stored == written else getattr(uhub, stored)
    assert result.registry_host == expected, "Kaniko and kubelets know that name alone"


def test_the_login_for_the_preferred_name_wins(at_uhub, uhub):
    logins = {uhub.inside: CONSOLE, uhub.outside: CONSOLE}
    assert at_uhub(uhub.outside, logins).registry_host == uhub.inside
    assert at_uhub(uhub.inside, logins).registry_host == ""


@pytest.mark.parametrize("written", ["inside", "outside"])
def test_a_base_image_is_pulled_under_the_preferred_name(at_uhub, uhub, store, written):
    result = at_uhub(uhub.inside, {uhub.inside: CONSOLE}, base=f"{getattr(uhub, written)}/share/base:v1")
    pinned = json.loads(store.read(result.input_lock.key, max_bytes=1 << 20))["baseImages"]
    digest = uhub.digest("share/base", "v1")
    assert pinned == {f"{getattr(uhub, written)}/share/base:v1": f"{uhub.inside}/share/base@{digest}"}
    assert uhub.methods("outside") == set()


def test_the_name_of_a_base_alone_does_not_change_the_content_hash(at_uhub, uhub, pipeline):
    """If only the name differs under which a base is pulled, nothing is built again."""
    base = f"{uhub.outside}/share/base:v1"
    both = at_uhub(uhub.inside, {uhub.inside: CONSOLE}, base=base)
    outside = at_uhub(uhub.outside, {uhub.outside: CONSOLE}, base=base)
    assert both.inputs_hash == outside.inputs_hash


def test_a_private_base_comes_from_the_name_that_has_the_login(at_uhub, uhub, store):
    result = at_uhub(uhub.outside, {uhub.outside: CONSOLE})
    pinned = json.loads(store.read(result.input_lock.key, max_bytes=1 << 20))["baseImages"]
    assert [image.partition("/")[0] for image in pinned.values()] == [uhub.outside]


def test_a_public_base_needs_no_login_and_comes_from_inside(at_uhub, uhub, store):
    uhub.public.add("share")
    result = at_uhub(uhub.outside, {uhub.outside: CONSOLE}, base=f"{uhub.outside}/share/base:v1")
    pinned = json.loads(store.read(result.input_lock.key, max_bytes=1 << 20))["baseImages"]
    assert [image.partition("/")[0] for image in pinned.values()] == [uhub.inside]


def test_a_missing_base_is_requested_once(at_uhub, uhub):
    with pytest.raises(StageError) as caught:
        at_uhub(uhub.inside, {uhub.inside: CONSOLE}, base=f"{uhub.outside}/share/base:v9")
    assert caught.value.reason == Reason.BASE_IMAGE_NOT_FOUND
    assert uhub.outside in caught.value.message, "the name that the Dockerfile has"


def test_layers_are_mounted_between_the_two_names(uhub, uhub_client, push):
    push("share/base", 1, "v1", layer=b"mounted, not sent")
    client = uhub_client({uhub.inside: CONSOLE})
    source, target = parse(f"{uhub.outside}/share/base"), parse(f"{uhub.inside}/demo/infer")
    uhub.requests.clear()
    blob = _descriptor(b"mounted, not sent")
    assert client.copy_blob(source, target, Descriptor(*blob)) == 0
    assert {method for _, method, _ in uhub.requests} == {"HEAD", "POST"}


def test_the_same_repository_under_both_names_is_published_to_once(uhub, uhub_client, uhub_where, push):
    digest = push("demo/infer", 1, f"content-{1:064x}")
    where = uhub_where(f"{uhub.outside}/demo/infer", f"{uhub.inside}/demo/infer")
    uhub.requests.clear()
    result = publish(
        inputs.PublishInput(registry=where, digest=digest, tags=("v1",)), uhub_client({uhub.outside: INDEPENDENT})
    )
    assert [tag.repository for tag in result.tags] == [""]
    assert uhub.methods("inside") == set()
    assert uhub.digest("demo/infer", "v1") == digest


# --- logins and repositories -----------------------------------------------------------------------------------------


def refused(run, *arguments, **changes) -> StageError:
    with pytest.raises(StageError) as caught:
        run(*arguments, **changes)
    return caught.value


@pytest.mark.parametrize("side", ["inside", "outside"])
def test_a_repository_must_exist_before_the_push(at_uhub, uhub, side):
    uhub.repositories.discard("demo")
    error = refused(at_uhub, getattr(uhub, side), {getattr(uhub, side): CONSOLE})
    assert error.reason == Reason.REPOSITORY_NOT_FOUND
    for words in ("repository demo in UHub's console", "CreateRepo", "unique among all users", "at most 8"):
        assert words in error.hint


def test_a_wrong_password_hint_says_what_uhub_accepts(at_uhub, uhub):
    error = refused(at_uhub, uhub.inside, {uhub.inside: "wrong"}, base="scratch")
    assert error.reason == Reason.REGISTRY_UNAUTHORIZED
    assert "e-mail address of the UCloud account" in error.hint
    assert "independent password" in error.hint


def test_a_pull_only_login_from_outside_is_told_the_internal_name(at_uhub, uhub):
    uhub.closed.add("demo")
    error = refused(at_uhub, uhub.outside, {uhub.outside: CONSOLE})
    assert error.reason == Reason.REGISTRY_UNAUTHORIZED
    assert "refuses pushing to" in error.message
    assert "but allows reading it: it answers 403 DENIED" in error.message
    assert f"use {uhub.inside} in spec.image.repository" in error.hint
    assert "外网访问" in error.hint


def test_without_a_login_the_hint_says_what_uhub_accepts(at_uhub, uhub):
    uhub.public |= {"demo", "share"}
    error = refused(at_uhub, uhub.outside, {})
    assert "without credentials" in error.message
    assert "e-mail address of the UCloud account" in error.hint


def test_a_login_for_the_internal_name_pushes_from_inside(at_uhub, uhub):
    uhub.closed.add("demo")
    assert at_uhub(uhub.outside, {uhub.inside: CONSOLE, uhub.outside: CONSOLE}).registry_host == uhub.inside


def test_hints_for_other_registries_do_not_mention_uhub(registry_server, connect, repository, token_registry):
    for client, where in (
        (connect(repository.host, "demo", "wrong", ca=registry_server.tls.ca), repository),
        (
            connect(token_registry.host, "puller", "secret-2", ca=token_registry.tls.ca),
            parse(f"{token_registry.host}/a"),
        ),
    ):
        error = refused(client.check_push, where)
        assert error.reason == Reason.REGISTRY_UNAUTHORIZED
        assert "UHub" not in error.hint + error.message


# --- tags ------------------------------------------------------------------------------------------------------------

LIMITS = {"tags": 40, "warn_tags": 30}
DONE = datetime.now(UTC)


@pytest.mark.parametrize(("age", "with_template"), [(2.0, True), (-1.0, False), (-1.0, True), (0.1, False)])
def test_content_tags_never_fill_the_quota(request, uhub, push, age, with_template):
    """New images of any age come one after another; the tags of users are kept, however many there are."""
    uhub.max_tags, warn_tags = 16, 12
    limits = {"tags": uhub.max_tags, "warn_tags": warn_tags}
    where = request.getfixturevalue("uhub_where")(f"{uhub.inside}/demo/infer", **limits)
    client = request.getfixturevalue("uhub_client")({uhub.inside: CONSOLE})
    users = {f"release-{number}" for number in range(4)}
    for number, tag in enumerate(sorted(users)):
        push("demo/infer", 1000 + number, tag)
    history: list[str] = []
    for step in range(12):
        digest = push("demo/infer", step, f"content-{step:08x}{0:056x}", age=age)
        tags = ("latest", f"v{step:012x}") if with_template and step % 3 == 0 else ("latest",)
        kept = inputs.Retention(keep=2, current=(digest[7:15],), history=tuple(name[7:15] for name in history[-4:]))
        result = publish(inputs.PublishInput(registry=where, digest=digest, tags=tags, retention=kept), client)
        assert result.retention == ""
        history.append(digest)
        own = [tag for tag in uhub.tags("demo/infer") if retention.OWN_TAG.fullmatch(tag)]
        assert len(own) <= warn_tags // 2
    assert users <= set(uhub.tags("demo/infer"))
    assert uhub.deleted == []
    assert uhub.digest("demo/infer", "latest") == history[-1]
    for digest in history[-4:]:
        assert uhub.digest("demo/infer", digest) == digest, "an image of the history stays"


def test_tags_from_before_retention_are_removed_at_once(uhub, uhub_client, uhub_where, push):
    for number in range(38):
        push("demo/infer", number, f"content-{number:08x}{0:056x}", age=100 - number)
    where = uhub_where(f"{uhub.inside}/demo/infer", **LIMITS)
    digest = push("demo/infer", 99, f"content-{99:08x}{0:056x}")
    wanted = inputs.Retention(keep=5, current=(digest[7:15],))
    client = uhub_client({uhub.inside: CONSOLE})
    result = publish(inputs.PublishInput(registry=where, digest=digest, tags=("v1",), retention=wanted), client)
    assert (result.deleted, result.retention) == (33, "")
    assert len(uhub.tags("demo/infer")) == 5 + 2


def test_a_registry_that_deletes_nothing_keeps_every_tag(uhub, uhub_client, uhub_where, push):
    uhub.deletes = False
    digests = [push("demo/infer", number, f"content-{number:08x}{0:056x}") for number in range(20)]
    where = uhub_where(f"{uhub.inside}/demo/infer", **LIMITS)
    wanted = inputs.Retention(keep=5, current=(digests[-1][7:15],))
    client = uhub_client({uhub.inside: CONSOLE})
    result = publish(inputs.PublishInput(registry=where, digest=digests[-1], tags=("v1",), retention=wanted), client)
    assert result.deleted == 0
    assert "does not delete images: it answers 405" in result.retention
    for number, digest in enumerate(digests):
        assert uhub.digest("demo/infer", f"content-{number:08x}{0:056x}") == digest


def test_the_stand_in_deletes_tags_that_were_not_pulled_for_a_month(uhub, push):
    """This happens to users without retention."""
    uhub.max_tags = 3
    for number in range(3):
        push("demo/infer", number, f"release-{number}")
    uhub.today = MONTH
    push("demo/infer", 9, f"content-{9:064x}")
    assert uhub.deleted == ["release-0"]


@pytest.mark.parametrize(("number", "warned"), [(29, False), (30, True)])
def test_resolve_warns_of_a_nearly_full_repository(at_uhub, uhub, push, number, warned):
    for index in range(number - 2):
        push("demo/infer", index, f"release-{index}")
    for index in (1, 2):
        push("demo/infer", index, f"content-{index:064x}")
    result = at_uhub(uhub.outside, {uhub.outside: CONSOLE}, limits=LIMITS)
    assert [warning.reason for warning in result.warnings] == (["RepositoryNearlyFull"] if warned else [])
    for warning in result.warnings:
        assert f"{uhub.outside}/demo/infer has 30 tags, 2 of them content tags" in warning.message
        assert "above 40, UHub deletes tags that were not pulled for a month, the oldest first" in warning.message
        assert "{contentHash}" in warning.message


def test_additional_repositories_are_counted_too(at_uhub, uhub, uhub_where, push):
    for index in range(30):
        push("demo/other", index, f"release-{index}")
    where = uhub_where(f"{uhub.inside}/demo/infer", f"{uhub.outside}/demo/other", **LIMITS)
    (warning,) = at_uhub(uhub.inside, {uhub.inside: CONSOLE}, registry=where).warnings
    assert warning.message.startswith(f"{uhub.outside}/demo/other has 30 tags, 0 of them")


def test_a_registry_without_a_limit_is_not_counted(pipeline, registry, registry_server, repository, mounts):
    where = msgspec.structs.replace(
        pipeline.request.registry, limits=(inputs.RegistryLimit(host="h.test", warn_tags=1),)
    )
    registry_server.push_image(repository.path, "v1")
    assert resolve(pipeline.input(registry=where), pipeline.store, registry, mounts).warnings == ()
