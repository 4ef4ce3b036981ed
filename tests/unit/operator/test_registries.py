"""What the operator makes of registries: tags, repositories, mirrors, retention, and what it lets nobody name."""

import msgspec
import pytest

from inference_image_contract import inputs, results
from inference_image_contract.results import MovedTag
from inference_image_operator import in_use
from inference_image_operator.config import Registries
from inference_image_operator.jobs.kaniko import kaniko_args
from inference_image_operator.jobs.test import publish_input
from inference_image_operator.model import Spec, read
from inference_image_operator.names import input_hash
from inference_image_operator.observe import from_object
from inference_image_operator.policy import refusal
from inference_image_operator.stages import Stage
from tests.unit.operator.world import CONFIG, DIGEST, SPEC, World, report

HOST = "uhub.devcluster.test"
OTHERS = [f"{HOST}/mirror/infer", f"{HOST}/team/infer"]


def world_with(registries: dict | None = None, **image: object) -> World:
    world = World()
    world.spec["image"] |= image
    found = Registries(**{"allowed": (HOST, "docker.io")} | (registries or {}))
    world.config = msgspec.structs.replace(CONFIG, registries=found)
    return world


def stage_input(world: World, stage: Stage, kind: type[inputs.Input]) -> inputs.Input:
    """What the main container of the stage's Job is asked to do."""
    world.run_to(stage)
    main = world.created[-1]["spec"]["template"]["spec"]["containers"][0]
    return msgspec.json.decode(main["env"][0]["value"].replace("$$", "$"), type=kind)


def test_tags_are_filled_in():
    world = world_with(tags=["test", "{step}", "c-{contentHash}"])
    assert stage_input(world, Stage.TEST, inputs.PublishInput).tags == ("test", "800", "c-" + "c" * 12)


@pytest.mark.parametrize(("policy", "fixed", "refuse"), [("Overwrite", (), False), ("Refuse", ("v{step}",), True)])
def test_the_tag_policy_reaches_both_stages(policy, fixed, refuse):
    world = world_with(tags=["v{step}"], tagPolicy=policy)
    assert stage_input(world, Stage.RESOLVE, inputs.ResolveInput).fixed_tags == fixed
    assert stage_input(world, Stage.TEST, inputs.PublishInput).refuse_moves is refuse


def test_every_stage_knows_every_repository():
    world = world_with(additionalRepositories=OTHERS)
    for stage, kind in ((Stage.RESOLVE, inputs.ResolveInput), (Stage.TEST, inputs.PublishInput)):
        assert stage_input(world, stage, kind).registry.additional_repositories == tuple(OTHERS)


def test_fields_at_their_defaults_are_part_of_no_hash():
    plain = input_hash(read(Spec, SPEC), "")
    said = SPEC | {"image": SPEC["image"] | {"tagPolicy": "Overwrite", "additionalRepositories": []}}
    assert input_hash(read(Spec, said), "") == plain
    for change in ({"tagPolicy": "Refuse"}, {"additionalRepositories": OTHERS}):
        assert input_hash(read(Spec, SPEC | {"image": SPEC["image"] | change}), "") != plain


def test_what_is_reported_of_several_repositories():
    world = world_with(additionalRepositories=OTHERS)
    world.run_to(Stage.TEST)
    old = "sha256:" + "0" * 64
    tags = (MovedTag(tag="test", previous=old), MovedTag(tag="test", previous=old, repository=OTHERS[0]))
    world.finish(results.Published(digest=DIGEST, size=1, tags=tags))
    world.settle()
    assert world.status.image.tags == ("test",)
    assert f"{OTHERS[0]}, {OTHERS[1]} have it too" in world.condition("Ready").message
    assert [emit.message.split(" now ")[0] for emit in world.said if emit.reason == "TagMoved"] == [
        f"Tag test pointed to {old} and",
        f"Tag {OTHERS[0]}:test pointed to {old} and",
    ]


@pytest.mark.parametrize(
    ("deleted", "why", "said"),
    [
        (0, "", []),
        (2, "", ["2 images of uhub.devcluster.test/demo/object-detect-infer to which nothing refers were deleted."]),
        (0, "The registry deletes no images.", ["0 images"]),
    ],
)
def test_retention_is_said(deleted, why, said):
    world = world_with()
    world.run_to(Stage.TEST)
    world.finish(results.Published(digest=DIGEST, size=1, tags=(), deleted=deleted, retention=why))
    world.settle()
    messages = [emit.message for emit in world.said if emit.reason == "OldImagesDeleted"]
    assert [message[: len(start)] for message, start in zip(messages, said, strict=True)] == said
    assert all(message.endswith(why) for message in messages)
    assert world.summary()["Ready"] == ("True", "Published")


def test_a_tag_that_exists_ends_the_run_with_a_hint():
    world = world_with(tags=["v1"], tagPolicy="Refuse")
    world.run_to(Stage.TEST)
    found = results.Failed(reason="TagExists", message="x:v1 points elsewhere.", hint="Choose another tag.")
    world.fail(report("publish", results.encode(found), 10, "Error"))
    world.settle()
    assert world.summary()["Stalled"] == ("True", "TagExists")
    assert world.status.image is None


def test_mirrors_and_their_ca_are_kanikos_too():
    mirrors = {"docker.io": ("m.test",), HOST: ("m.test/hub", "n.test:5000")}
    world = world_with({"mirrors": mirrors, "plain_http": ("n.test:5000",)})
    world.run_to(Stage.BUILD)
    ca = "/var/run/inference-image/registry-ca/ca.crt"
    args = kaniko_args(world.observed(), world.status, world.config)
    assert [arg for arg in args if "--registry" in arg or "--insecure" in arg] == [
        *(f"--registry-certificate={host}={ca}" for host in (HOST, "docker.io", "m.test", "n.test:5000")),
        "--insecure-registry=n.test:5000",
        "--registry-mirror=m.test",
        f"--registry-map={HOST}=m.test/hub",
        f"--registry-map={HOST}=n.test:5000",
    ]


@pytest.mark.parametrize(
    "repository",
    [
        "evil.example/a/b",
        f"{HOST}:443/a/b",
        f"{HOST}.evil.example/a/b",
        f"{HOST}@evil.example/a/b",
        f"evil.example/{HOST}/b",
        f"{HOST.upper()}/a/b",
        f"x.{HOST}/a/b",
        "a/b",
        "",
    ],
)
@pytest.mark.parametrize("field", ["repository", "additionalRepositories"])
def test_only_hosts_of_the_list_are_pushed_to(repository, field):
    """The CRD refuses most of these; the policy would, too."""
    value = repository if field == "repository" else [*OTHERS, repository]
    found = refusal(read(Spec, SPEC | {"image": SPEC["image"] | {field: value}}), CONFIG)
    assert found.reason == "RegistryNotAllowed"
    assert f"spec.image.{field} is on " in found.message


# --- retention: what is in use ---------------------------------------------------------------------------------------


class Objects:
    """A cluster that holds InferenceImages and nothing else."""

    def __init__(self, *found: dict) -> None:
        self._found = found
        self.asked: list[str] = []

    async def images(self, namespace: str):
        self.asked.append(namespace)
        for image in self._found:
            yield image


def digest(letter: str) -> str:
    return "sha256:" + letter * 64


def an_object(repository: str, others: tuple[str, ...] = (), **status: object) -> dict:
    image = SPEC["image"] | {"repository": repository, "additionalRepositories": list(others)}
    meta = {"name": "x", "namespace": "n", "uid": "u"}
    return {"metadata": meta, "spec": SPEC | {"image": image}, "status": status}


MINE = SPEC["image"]["repository"]


async def digests(config, *found: dict) -> tuple[str, ...] | None:
    seen = await in_use.with_digests(Objects(*found), config, from_object(an_object(MINE)))
    return seen.digests_in_use


def keeping(number: int = 3, **more: object):
    registries = msgspec.structs.replace(CONFIG.registries, keep_content_tags=number)
    return msgspec.structs.replace(CONFIG, registries=registries, **more)


async def test_every_status_of_the_repository_counts():
    history = [{"digest": digest("b"), "contentHash": "c", "step": 1, "time": "2026-01-31T09:30:00Z"}]
    image = {"reference": f"{MINE}@{digest('a')}", "digest": digest("a")}
    published = an_object(MINE, image=image, history=history)
    at_work = an_object("h.test/other", (MINE,), built={"digest": digest("c"), "size": 1})
    moved_on = an_object("h.test/other", image=image | {"digest": digest("d")})
    stranger = an_object("h.test/other", built={"digest": digest("e"), "size": 1})
    assert await digests(keeping(), published, at_work, moved_on, stranger) == tuple(map(digest, "abcd"))


async def test_nobody_is_asked_without_retention():
    cluster = Objects()
    assert (await in_use.with_digests(cluster, CONFIG, from_object(an_object(MINE)))).digests_in_use is None
    assert cluster.asked == []


async def test_the_served_namespaces_are_asked():
    cluster = Objects()
    await in_use.with_digests(cluster, keeping(watch_namespaces=("a", "b")), from_object(an_object(MINE)))
    assert cluster.asked == ["a", "b"]


@pytest.mark.parametrize(
    ("keep", "used", "expected"),
    [
        (0, (DIGEST,), None),
        (3, None, None),
        (3, (DIGEST,), inputs.Retention(keep=3, in_use=(DIGEST,))),
        (3, tuple(f"sha256:{n:064x}" for n in range(501)), None),
    ],
)
def test_retention_is_asked_for_only_where_it_is_known_what_is_in_use(keep, used, expected):
    world = world_with()
    world.run_to(Stage.TEST)
    observed = msgspec.structs.replace(world.observed(), digests_in_use=used)
    assert publish_input(observed, world.status, keeping(keep)).retention == expected
