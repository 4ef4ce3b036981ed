"""Registries: tags, repositories, mirrors, aliases, limits, retention, and the allow-list."""

import msgspec
import pytest

from inference_image_contract import inputs, results
from inference_image_contract.registry_names import UHUB
from inference_image_contract.results import MovedTag
from inference_image_operator.api import Spec, read
from inference_image_operator.api.names import input_hash
from inference_image_operator.api.stages import Stage
from inference_image_operator.config.installation import Config
from inference_image_operator.config.registries import Registries, RegistryLimits
from inference_image_operator.core.policy import refusal
from inference_image_operator.jobs.stages.kaniko import kaniko_args, local_args
from inference_image_operator.jobs.stages.publish import publish_input
from inference_image_operator.kube import referenced_digests
from inference_image_operator.kube.observe import from_object
from inference_image_operator.kube.references import References, references
from inference_image_operator.observed import Job, Observed, ReferencedDigests
from tests.support.world import CONFIG, DIGEST, RESULTS, SPEC, World, report

HOST = "uhub.devcluster.test"
OTHERS = [f"{HOST}/mirror/infer", f"{HOST}/team/infer"]


def world_with(registries: dict | None = None, **image: object) -> World:
    world = World()
    world.spec["image"] |= image
    found = Registries(**{"allowed": (HOST, "docker.io")} | (registries or {}))
    world.config = msgspec.structs.replace(CONFIG, registries=found)
    return world


def stage_input(world: World, stage: Stage, kind: type[inputs.Input]) -> inputs.Input:
    """The input of the main container of the stage's Job."""
    world.run_to(stage)
    main = world.created[-1]["spec"]["template"]["spec"]["containers"][0]
    return msgspec.json.decode(main["env"][0]["value"].replace("$$", "$"), type=kind)


def test_tag_templates_are_filled_in():
    world = world_with(tags=["test", "{step}", "c-{contentHash}"])
    assert stage_input(world, Stage.PUBLISH, inputs.PublishInput).tags == (
        "test",
        "800",
        "c-" + world.status.content_hash[7:19],
    )


@pytest.mark.parametrize(("policy", "fixed", "refuse"), [("Overwrite", (), False), ("Refuse", ("v{step}",), True)])
def test_the_tag_policy_reaches_both_stages(policy, fixed, refuse):
    world = world_with(tags=["v{step}"], tagPolicy=policy)
    assert stage_input(world, Stage.RESOLVE, inputs.ResolveInput).fixed_tags == fixed
    assert stage_input(world, Stage.PUBLISH, inputs.PublishInput).refuse_moves is refuse


def test_every_stage_gets_every_repository():
    world = world_with(additionalRepositories=OTHERS)
    for stage, kind in ((Stage.RESOLVE, inputs.ResolveInput), (Stage.PUBLISH, inputs.PublishInput)):
        assert stage_input(world, stage, kind).registry.additional_repositories == tuple(OTHERS)


def test_default_registry_fields_are_in_no_hash():
    plain = input_hash(read(Spec, SPEC), "")
    said = SPEC | {"image": SPEC["image"] | {"tagPolicy": "Overwrite", "additionalRepositories": []}}
    assert input_hash(read(Spec, said), "") == plain
    for change in ({"tagPolicy": "Refuse"}, {"additionalRepositories": OTHERS}):
        assert input_hash(read(Spec, SPEC | {"image": SPEC["image"] | change}), "") != plain


def test_additional_repositories_are_reported():
    world = world_with(additionalRepositories=OTHERS)
    world.run_to(Stage.PUBLISH)
    old = "sha256:" + "0" * 64
    tags = (MovedTag(tag="test", previous=old), MovedTag(tag="test", previous=old, repository=OTHERS[0]))
    world.finish(results.Published(digest=DIGEST, size=1, tags=tags))
    world.settle()
    assert world.status.image.tags == ("test",)
    assert f"Also published to {OTHERS[0]}, {OTHERS[1]}." in world.condition("Ready").message
    assert [emit.message.split(" to ")[0] for emit in world.emitted if emit.reason == "TagMoved"] == [
        f"Tag test moved from {old}",
        f"Tag {OTHERS[0]}:test moved from {old}",
    ]


@pytest.mark.parametrize(
    ("deleted", "why", "said"),
    [
        (0, "", []),
        (2, "", ["Deleted 2 old content tags of uhub.devcluster.test/demo/object-detect-infer."]),
        (0, "The registry deletes no images.", ["Deleted 0 old content tags"]),
    ],
)
def test_retention_is_reported_in_an_event(deleted, why, said):
    world = world_with()
    world.run_to(Stage.PUBLISH)
    world.finish(results.Published(digest=DIGEST, size=1, tags=(), deleted=deleted, retention=why))
    world.settle()
    messages = [emit.message for emit in world.emitted if emit.reason == "OldImagesDeleted"]
    assert [message[: len(start)] for message, start in zip(messages, said, strict=True)] == said
    assert all(message.endswith(why) for message in messages)
    assert world.summary()["Ready"] == ("True", "Published")


def test_an_existing_tag_stalls_with_a_hint():
    world = world_with(tags=["v1"], tagPolicy="Refuse")
    world.run_to(Stage.PUBLISH)
    found = results.Failed(reason="TagExists", message="x:v1 points elsewhere.", hint="Choose another tag.")
    world.fail(report("publish", results.encode(found), 10, "Error"))
    world.settle()
    assert world.summary()["Stalled"] == ("True", "TagExists")
    assert world.status.image is None


def test_mirrors_and_their_ca_reach_kaniko_on_a_laptop():
    mirrors = {"docker.io": ("m.test",), HOST: ("m.test/hub", "n.test:5000")}
    world = world_with({"mirrors": mirrors, "plain_http": ("n.test:5000",)})
    world.run_to(Stage.BUILD)
    ca = "/inference-image-ca/ca.crt"
    args = local_args(world.observed(), world.status, world.config)
    assert [arg for arg in args if "--registry" in arg or "--insecure" in arg] == [
        *(f"--registry-certificate={host}={ca}" for host in (HOST, "docker.io", "m.test", "n.test:5000")),
        "--insecure-registry=n.test:5000",
        "--registry-mirror=m.test",
        f"--registry-map={HOST}=m.test/hub",
        f"--registry-map={HOST}=n.test:5000",
    ]


def test_builder_and_node_get_hosts_in_one_form():
    """Kaniko and kubelets compare hosts as text, with the keys of the Secret and with these arguments."""
    listed = {
        "allowed": (f"{HOST.upper()}:443",),
        "mirrors": {"Index.docker.io": ("m.test",)},
        "plain_http": ("M.test",),
    }
    world = world_with(listed | {"allowed": (*listed["allowed"], "docker.io")}, repository=f"{HOST}:443/demo/infer")
    world.run_to(Stage.BUILD)
    args = local_args(world.observed(), world.status, world.config)
    found = {arg for arg in args if "--registry-mirror" in arg or "--insecure" in arg}
    assert found == {"--registry-mirror=m.test", "--insecure-registry=m.test"}
    assert next(arg for arg in args if "--destination" in arg).startswith(f"--destination={HOST}/demo/infer:")


@pytest.mark.row(46, "image tricks (another host, @, upper case, digest and tag): allow-listed registries alone")
@pytest.mark.parametrize(
    "repository",
    [
        "evil.example/a/b",
        f"{HOST}:444/a/b",
        f"{HOST}.evil.example/a/b",
        f"{HOST}@evil.example/a/b",
        f"evil.example/{HOST}/b",
        f"x.{HOST}/a/b",
        "a/b",
        "",
    ],
)
@pytest.mark.parametrize("field", ["repository", "additionalRepositories"])
def test_only_allowed_registries_are_pushed_to(repository, field):
    """The CRD rejects most of these before the policy does."""
    value = repository if field == "repository" else [*OTHERS, repository]
    found = refusal(read(Spec, SPEC | {"image": SPEC["image"] | {field: value}}), CONFIG)
    assert found.reason == "RegistryNotAllowed"
    assert f"spec.image.{field} is on " in found.message


# --- retention: what is in use ---------------------------------------------------------------------------------------


class Objects:
    """A cluster that contains only InferenceImages."""

    def __init__(self, *found: dict) -> None:
        self._found = found
        self.asked: list[str] = []

    async def list_references(self, namespace: str) -> list[References]:
        self.asked.append(namespace)
        return [references(msgspec.json.encode(image)) for image in self._found]


def digest(letter: str) -> str:
    return "sha256:" + letter * 64


def an_object(repository: str, others: tuple[str, ...] = (), **status: object) -> dict:
    image = SPEC["image"] | {"repository": repository, "additionalRepositories": list(others)}
    meta = {"name": "x", "namespace": "n", "uid": "u"}
    return {"metadata": meta, "spec": SPEC | {"image": image}, "status": status}


MINE = SPEC["image"]["repository"]


def claim(stage: str) -> dict:
    return {"name": stage, "job": "job", "attempt": 1, "content": "c", "startTime": "2026-01-31T09:30:00Z"}


def ending(stage: str, *, finished: bool = True) -> Observed:
    """An object whose Job of this stage has ended."""
    job = Job(name="job", uid="u", stage=stage, content="c", attempt=1, complete=finished)
    found = from_object(an_object(MINE, stage=claim(stage)))
    return msgspec.structs.replace(found, jobs=(job,))


async def referenced_by(config, *found: dict, observed: Observed | None = None) -> ReferencedDigests | None:
    seen = await referenced_digests.with_referenced_digests(Objects(*found), config, observed or ending("Build"))
    return seen.referenced_digests


def keeping(number: int = 3, **more: object):
    registries = msgspec.structs.replace(CONFIG.registries, keep_content_tags=number)
    return msgspec.structs.replace(CONFIG, registries=registries, **more)


async def test_every_digest_of_an_object_that_cannot_be_read_is_kept():
    status = {"image": {"reference": "r", "digest": digest("a")}, "history": [{"digest": digest("b")}]}
    found = await referenced_by(keeping(), an_object("elsewhere/x", **status) | {"spec": {"ufile": 7}})
    assert set(found.current) == {digest("a"), digest("b")}


async def test_the_digests_of_every_status_in_the_repository_are_referenced():
    entries = [{"digest": digest(x), "contentHash": "c", "step": 1, "time": "2026-01-31T09:30:00Z"} for x in "bc"]
    image = {"reference": f"{MINE}@{digest('a')}", "digest": digest("a")}
    published = an_object(MINE, image=image, history=entries, contentHash=digest("9"))
    at_work = an_object("h.test/other", (MINE,), built={"digest": digest("c"), "size": 1})
    moved_on = an_object("h.test/other", image=image | {"digest": digest("d")})
    stranger = an_object("h.test/other", built={"digest": digest("e"), "size": 1})
    assert await referenced_by(keeping(), published, at_work, moved_on, stranger) == ReferencedDigests(
        current=tuple(map(digest, "a9cd")), history=(digest("b"),)
    )


async def test_aliases_of_a_registry_are_the_same_repository():
    """Retention of one object keeps the images that another publishes under another alias."""
    config = Config(images=CONFIG.images)
    inside, outside = (an_object(f"{host}/demo/a", contentHash=digest("9")) for host in UHUB)
    observed = msgspec.structs.replace(ending("Build"), spec=from_object(inside).spec)
    assert await referenced_by(config, outside, observed=observed) == ReferencedDigests(current=(digest("9"),))


@pytest.mark.parametrize(
    ("config", "observed"),
    [
        (keeping(0), ending("Build")),
        (keeping(), from_object(an_object(MINE))),
        (keeping(), ending("Export")),
        (keeping(), ending("Build", finished=False)),
        (keeping(), ending("Test", finished=False)),
        (keeping(), ending("Publish", finished=False)),
        (keeping(), msgspec.structs.replace(ending("Build"), jobs=())),
    ],
)
async def test_nothing_is_listed_unless_publish_can_begin(config, observed):
    cluster = Objects()
    assert (await referenced_digests.with_referenced_digests(cluster, config, observed)).referenced_digests is None
    assert cluster.asked == []


@pytest.mark.parametrize(
    "observed",
    [
        ending("Resolve"),
        ending("Build"),
        ending("Test"),
        msgspec.structs.replace(ending("Publish"), jobs=()),
    ],
)
async def test_only_the_watched_namespaces_are_listed(observed):
    cluster = Objects()
    await referenced_digests.with_referenced_digests(cluster, keeping(watch_namespaces=("a", "b")), observed)
    assert cluster.asked == ["a", "b"]


def many(number: int) -> tuple[str, ...]:
    return tuple(f"sha256:{n:064x}" for n in range(number))


@pytest.mark.parametrize(
    ("keep", "used", "expected"),
    [
        (0, ReferencedDigests(current=(DIGEST,)), None),
        (3, None, None),
        (
            3,
            ReferencedDigests(current=(DIGEST,), history=(digest("a"),)),
            inputs.Retention(keep=3, current=("d" * 8,), history=("a" * 8,)),
        ),
        (3, ReferencedDigests(current=many(8001)), None),
        (3, ReferencedDigests(current=many(1), history=many(8000)), None),
    ],
)
def test_retention_needs_the_referenced_digests(keep, used, expected):
    world = world_with()
    world.run_to(Stage.PUBLISH)
    observed = msgspec.structs.replace(world.observed(), referenced_digests=used)
    assert publish_input(observed, world.status, keeping(keep)).retention == expected


def test_the_most_referenced_digests_fit_into_an_environment_variable():
    world = world_with()
    world.run_to(Stage.PUBLISH)
    observed = msgspec.structs.replace(
        world.observed(), referenced_digests=ReferencedDigests(current=many(4000), history=many(4000))
    )
    told = inputs.encode(publish_input(observed, world.status, keeping()))
    assert len(told) < 128 * 1024, "Linux takes no longer string"


# --- two names of one registry ---------------------------------------------------------------------------------------

INSIDE, OUTSIDE = UHUB


def uhub_world(host: str = OUTSIDE, **image: object) -> World:
    world = World()
    world.spec["image"] |= {"repository": f"{host}/demo/infer", **image}
    world.config = msgspec.structs.replace(CONFIG, registries=Registries())
    return world


def resolved_at(world: World, host: str) -> World:
    world.run_to(Stage.RESOLVE)
    world.finish(msgspec.structs.replace(RESULTS[Stage.RESOLVE], registry_host=host))
    world.settle()
    return world


@pytest.mark.parametrize("host", [INSIDE, OUTSIDE])
def test_an_allowed_registry_is_allowed_under_every_alias(host):
    for allowed in ((INSIDE,), (OUTSIDE,)):
        config = msgspec.structs.replace(CONFIG, registries=Registries(allowed=allowed))
        found = SPEC | {"image": SPEC["image"] | {"repository": f"{host}/a/b"}}
        assert refusal(read(Spec, found), config) is None
        assert set(config.registries.hosts) == {INSIDE, OUTSIDE}
    assert refusal(read(Spec, found), CONFIG).reason == "RegistryNotAllowed"


@pytest.mark.parametrize("host", [HOST.upper(), HOST])
def test_hosts_are_compared_case_insensitively(host):
    """The API server rejects upper case earlier; here it must not bypass the allow-list."""
    assert refusal(read(Spec, SPEC | {"image": SPEC["image"] | {"repository": f"{host}/a/b"}}), CONFIG) is None


def test_jobs_use_the_alias_that_resolve_chose_and_the_status_the_specs_name():
    world = resolved_at(uhub_world(), INSIDE)
    assert world.status.run.registry_host == INSIDE
    world.run_to(Stage.BUILD)
    pod = world.created[-1]["spec"]["template"]["spec"]
    told = msgspec.json.decode(pod["containers"][0]["env"][0]["value"].replace("$$", "$"), type=inputs.ReportInput)
    assert told.registry.repository == f"{INSIDE}/demo/infer"
    world.run_to(Stage.TEST)
    pod = world.created[-1]["spec"]["template"]["spec"]
    assert pod["initContainers"][0]["image"] == f"{INSIDE}/demo/infer@{DIGEST}"
    world.run_to(Stage.PUBLISH)
    pod = world.created[-1]["spec"]["template"]["spec"]
    told = msgspec.json.decode(pod["containers"][0]["env"][0]["value"].replace("$$", "$"), type=inputs.PublishInput)
    assert told.registry.repository == f"{INSIDE}/demo/infer"
    world.finish(RESULTS[Stage.PUBLISH])
    world.settle()
    assert world.status.image.reference == f"{OUTSIDE}/demo/infer@{DIGEST}"
    assert world.condition("Ready").message.startswith(f"Published {OUTSIDE}/demo/infer@")


def test_a_chosen_alias_belongs_to_one_run():
    world = resolved_at(uhub_world(), INSIDE)
    world.generation += 1
    world.spec["image"]["tags"] = ["other"]
    world.settle()
    assert world.status.run.registry_host == ""


@pytest.mark.parametrize(("named", "used"), [("", f"{INSIDE}/demo/infer-cache"), (f"{OUTSIDE}/c/d", f"{INSIDE}/c/d")])
def test_the_cache_uses_the_same_alias(named, used):
    world = uhub_world()
    world.spec["build"] = {"cache": {"enabled": True} | ({"repository": named} if named else {})}
    resolved_at(world, INSIDE).run_to(Stage.BUILD)
    assert f"--cache-repo={used}" in kaniko_args(world.observed(), world.status, world.config)


def test_a_mirror_applies_to_every_alias_in_kaniko():
    world = uhub_world()
    registries = Registries(mirrors={OUTSIDE: ("m.test/hub",)})
    world.config = msgspec.structs.replace(CONFIG, registries=registries)
    world.run_to(Stage.BUILD)
    args = local_args(world.observed(), world.status, world.config)
    assert [arg for arg in args if "--registry-map" in arg] == [
        f"--registry-map={INSIDE}=m.test/hub",
        f"--registry-map={OUTSIDE}=m.test/hub",
    ]
    ca = "--registry-certificate="
    assert {arg.removeprefix(ca).partition("=")[0] for arg in args if arg.startswith(ca)} == {INSIDE, OUTSIDE, "m.test"}


def test_aliases_and_limits_reach_a_job_unless_they_are_the_defaults():
    world = uhub_world()
    told = stage_input(world, Stage.RESOLVE, inputs.ResolveInput).registry
    assert told.limit(OUTSIDE).warn_tags == 600
    assert "aliases" not in inputs.encode(told)
    world = uhub_world()
    limits = {"h.test": RegistryLimits(max_layer="1Gi"), "a.test": RegistryLimits(warn_tags=9)}
    registries = Registries(aliases=(("a.test", "b.test"),), limits=limits)
    world.config = msgspec.structs.replace(CONFIG, registries=registries)
    told = stage_input(world, Stage.RESOLVE, inputs.ResolveInput).registry
    assert told.aliases == (("a.test", "b.test"),)
    assert (told.limit("b.test").warn_tags, told.limit("h.test").layer_bytes) == (9, 1 << 30)
    assert told.limit(OUTSIDE).tags == 0


# --- warnings --------------------------------------------------------------------------------------------------------

FULL = results.StageWarning("RepositoryNearlyFull", "h/a has 700 tags.")
LARGE = results.StageWarning("LayerMayBeTooLarge", "Line 3 brings much.")


def test_warnings_are_events_and_part_of_the_condition():
    world = World()
    world.run_to(Stage.RESOLVE)
    world.finish(msgspec.structs.replace(RESULTS[Stage.RESOLVE], warnings=(FULL, LARGE)))
    world.settle()
    assert [(emit.reason, emit.message) for emit in world.emitted if emit.type == "Warning"] == [
        ("RepositoryNearlyFull", "h/a has 700 tags."),
        ("LayerMayBeTooLarge", "Line 3 brings much."),
    ]
    resolved = world.condition("Resolved")
    assert (resolved.status, resolved.reason) == ("True", "Resolved")
    assert resolved.message == "Pinned step 800, 3 files. h/a has 700 tags. Line 3 brings much."


def test_a_warning_of_the_build_is_part_of_built():
    world = World()
    world.run_to(Stage.BUILD)
    world.finish(msgspec.structs.replace(RESULTS[Stage.BUILD], warnings=(LARGE,)))
    world.settle()
    assert world.condition("Built").message == f"The registry serves {DIGEST}. Line 3 brings much."
    assert [emit.reason for emit in world.emitted if emit.type == "Warning"] == ["LayerMayBeTooLarge"]
