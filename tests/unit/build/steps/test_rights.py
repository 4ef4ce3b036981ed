"""Each step works with exactly the rights of docs/guides/us3.md, and names any missing right."""

import pytest
from msgspec.structs import replace

from inference_image_build.steps.assemble import assemble
from inference_image_build.steps.resolve import resolve
from inference_image_build.steps.sample import sample
from inference_image_contract import inputs, results
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from inference_image_store import Credentials, Store
from tests.support import rights


@pytest.fixture
def as_role(ufile, location):
    """The store with the rights of a key pair."""

    def as_role(pair):
        ufile.service.trust(pair)
        keys = Credentials(pair.public_key, pair.private_key, pair.security_token)
        return Store(location, keys, retries=0, first_pause=0.001)

    return as_role


@pytest.fixture
def steps(pipeline, registry, mounts, as_role, tmp_path):
    """Runs a step with a key pair."""
    graph = pipeline.store.write(b"graph", rights.KEYS[rights.OUTPUT] + "frozen_inference_graph.pb")
    stored = inputs.Graph(key=graph.key, sha256=graph.sha256, size=graph.size)

    def run_resolve(pair):
        return resolve(pipeline.request, as_role(pair), registry, mounts)

    def run_assemble(pair):
        input_lock = resolve(pipeline.request, pipeline.store, registry, mounts).input_lock
        step_input = inputs.AssembleInput(
            ufile=pipeline.request.ufile,
            input_lock=input_lock,
            graph=stored,
            source_prefix=pipeline.request.source_prefix,
            checkpoint_dir=pipeline.request.checkpoint_dir,
        )
        return assemble(step_input, as_role(pair), tmp_path / "context", tmp_path / "Dockerfile", mounts)

    return {"Resolve": run_resolve, "Build": run_assemble}


@pytest.mark.parametrize("stage", ["Resolve", "Build"])
def test_a_step_works_with_exactly_its_rights(steps, stage):
    assert isinstance(steps[stage](rights.role(stage)), results.Result)


@pytest.mark.parametrize("stage", ["Resolve", "Build"])
def test_one_token_suffices_for_all_steps(steps, stage):
    assert isinstance(steps[stage](rights.token()), results.Result)


@pytest.mark.parametrize(
    ("stage", "lacking"), [(stage, right) for stage in ("Resolve", "Build") for right in rights.each(stage)]
)
def test_a_missing_right_is_named(steps, stage, lacking):
    operation, field = lacking
    with pytest.raises(StageError) as failed:
        steps[stage](rights.role(stage, without=lacking))
    assert failed.value.reason is Reason.UFILE_FORBIDDEN
    word = {"list": "listing", "upload": "upload", "download": "download"}[operation]
    assert f"for the {word} of" in failed.value.message
    assert rights.KEYS[field] in failed.value.message
    assert "docs/guides/us3.md" in failed.value.hint


@pytest.mark.parametrize("without", [None, ("download", rights.SAMPLE)], ids=["with it", "without"])
def test_the_test_needs_to_read_the_sample(tmp_path, pipeline, as_role, without):
    store = as_role(rights.role("Test", without))
    work = inputs.SampleInput(ufile=pipeline.request.ufile, sample=pipeline.request.sample)
    if without is None:
        assert sample(work, store, tmp_path / "sample" / "sample").files == 1
        return
    with pytest.raises(StageError) as failed:
        sample(work, store, tmp_path / "sample")
    assert failed.value.reason is Reason.UFILE_FORBIDDEN


def test_a_restore_needs_the_right_to_upload(pipeline, ufile, registry, mounts, as_role):
    """The required right is not documented; a PUT is an upload."""
    ufile.service.switch("127", pipeline.request.label_map, "ARCHIVE")
    step_input = pipeline.input(restore="Standard")
    pair = rights.role("Resolve")
    grants = {"upload": (*pair.grants["upload"], rights.KEYS[rights.LABELS])}
    for given, reason in (({}, Reason.UFILE_FORBIDDEN), (grants, Reason.OBJECT_RESTORING)):
        store = as_role(replace(pair, grants={**pair.grants, "list": ("uai/",), **given}))
        with pytest.raises(StageError) as failed:
            resolve(step_input, store, registry, mounts)
        assert failed.value.reason is reason
