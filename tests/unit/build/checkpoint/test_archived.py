"""Resolve names every archived object that a run needs before it reads any, and requests their restore."""

import pytest

from inference_image_build.checkpoint.pin import WaitPolicy
from inference_image_build.steps.resolve import resolve
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import ExitCode, Reason
from inference_image_contract.results import MAX_BYTES, Failed, encode

TRAIN = "uai/object-train-output/"
INDEX, DATA, META = (f"{TRAIN}model.ckpt-800.{part}" for part in ("index", "data-00000-of-00001", "meta"))
CONFIG, LABELS = f"{TRAIN}pipeline.config", "uai/object-prep-output/label_map.pbtxt"
DOCKERFILE, CODE = "uai/object-detect/object-detect-cpu.Dockerfile", "uai/object-detect/code/infer.py"
SAMPLE = "uai/samples/shapes.png"
AT_ONCE = WaitPolicy(limit=0)
TIERS = {"Expedited": (900, "15 minutes"), "Standard": (18_000, "5 hours")}
NEEDED = (INDEX, DATA, CONFIG, LABELS, DOCKERFILE, CODE, SAMPLE)


@pytest.fixture
def archive(ufile):
    def archive(*keys):
        for key in keys:
            ufile.service.switch("127", key, "ARCHIVE")

    return archive


@pytest.fixture
def run(pipeline, registry, mounts):
    def run(wait_policy=AT_ONCE, **changes):
        return resolve(pipeline.input(**changes), pipeline.store, registry, mounts, wait_policy)

    return run


def refused(run, **changes) -> StageError:
    with pytest.raises(StageError) as failed:
        run(**changes)
    return failed.value


@pytest.mark.parametrize("key", NEEDED)
def test_each_archived_object_is_named(run, archive, key):
    archive(key)
    error = refused(run)
    assert (error.reason, error.exit_code) == (Reason.OBJECT_ARCHIVED, ExitCode.BAD_INPUT)
    assert error.keys == (key,)
    assert f"1 object in bucket '127' must be restored from class ARCHIVE before use: '{key}'." in str(error)


def test_all_archived_objects_are_named_at_once(run, archive, capsys):
    archive(*NEEDED, META)
    error = refused(run)
    assert error.keys == tuple(sorted(NEEDED))
    assert all(key in error.message for key in NEEDED)
    assert META not in error.message  # nobody reads it
    assert all(f"resolve: {key} is archived" in capsys.readouterr().err for key in NEEDED[:1])
    assert len(encode(Failed(reason=error.reason, message=error.message, hint=error.hint))) < MAX_BYTES


def test_unneeded_objects_may_be_archived(run, archive):
    archive(META, f"{TRAIN}model.ckpt-400.index")
    assert run().step == 800


def test_the_checkpoint_file_counts_for_the_newest_checkpoint(run, archive, store):
    state = f"{TRAIN}checkpoint"
    store.write(b'model_checkpoint_path: "/data/output/model.ckpt-800"\n', state)
    archive(state, DATA)
    assert refused(run, step=None).keys == tuple(sorted((state, DATA)))


def test_an_archived_older_checkpoint_is_named_when_it_is_chosen(run, archive, store):
    """The newest one is incomplete and abandoned."""
    store.write(b"half", f"{TRAIN}model.ckpt-900.data-00000-of-00001")
    archive(INDEX)
    assert refused(run, step=None, wait_policy=WaitPolicy(limit=0, abandoned=-60)).keys == (INDEX,)


def test_an_imported_graph_and_a_source_archive(run, archive, store):
    store.write(b"graph", "models/ready.pb")
    store.write(b"archive", "uai/code.tar.gz")
    archive("models/ready.pb", "uai/code.tar.gz", INDEX)
    error = refused(run, frozen_graph="models/ready.pb", source_prefix="", source_archive="uai/code.tar.gz")
    assert error.keys == ("models/ready.pb", "uai/code.tar.gz")


@pytest.mark.parametrize("tier", TIERS)
def test_a_restore_is_requested_and_awaited(run, archive, ufile, tier):
    seconds, takes = TIERS[tier]
    archive(INDEX, DATA, CODE)
    error = refused(run, restore=tier)
    assert (error.reason, error.exit_code) == (Reason.OBJECT_RESTORING, ExitCode.RESTORING)
    assert all(word in error.message for word in ("3 objects", INDEX, DATA, CODE, tier, takes))
    ufile.service.clock.advance(seconds - 60)
    assert refused(run, restore=tier).reason is Reason.OBJECT_RESTORING
    ufile.service.clock.advance(60)
    assert run(restore=tier).step == 800


def test_nothing_is_restored_without_a_request(run, archive, ufile):
    archive(INDEX)
    refused(run)
    ufile.service.clock.advance(18_000)
    assert refused(run).reason is Reason.OBJECT_ARCHIVED


def test_archived_results_are_named(run, store, archive):
    key = run().input_lock.key
    archive(key)
    assert refused(run).keys == (key,)
