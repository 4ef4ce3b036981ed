"""Names are not content: what somebody else put into US3 or the registry is not reused, whatever it is called."""

import pytest

from inference_image_build.checkpoint.pin import WaitPolicy
from inference_image_build.steps.resolve import resolve
from inference_image_contract.content import content_hash
from tests.support.exports import content_tag, export, record

ROW_52 = pytest.mark.row(52, "planted results, and images under the content tag: not reused")


@pytest.fixture
def run(pipeline, registry, mounts):
    """run(**changes of the input) -> the result."""

    def resolved(**changes):
        return resolve(pipeline.input(**changes), pipeline.store, registry, mounts, WaitPolicy(limit=0))

    return resolved


@ROW_52
def test_a_planted_result_is_not_reused(run, store):
    """The attacker writes result.json and a graph under the fingerprint, before this object has exported anything."""
    export(store, run(), b"the attacker's graph")
    assert run().graph is None


@ROW_52
@pytest.mark.parametrize(
    "told", [{"size": 6}, {"readableBy": "1.7"}, {"tensorflow": "9"}], ids=lambda told: next(iter(told))
)
def test_a_result_that_was_replaced_since_is_not_reused(run, store, told):
    first = run()
    graph = export(store, first)
    known = record(first, graph)
    assert run(**known).graph == graph
    export(store, first, b"the attacker's graph")
    assert run(**known).graph is None
    export(store, first, **told)
    assert run(**known).graph is None, "the words of a result are content, too"
    export(store, first)
    assert run(**known).graph == graph


@ROW_52
def test_an_image_that_somebody_pushed_under_the_content_tag_is_not_reused(run, store, registry_server, repository):
    """As the base image, which needs no build. A policy that refuses to move tags does not help it either."""
    first = run()
    graph = export(store, first)
    registry_server.push_image(repository.path, content_tag(first, graph), b"the attacker's layer")
    assert run(**record(first, graph)).image is None
    assert run(**record(first, graph), fixed_tags=("v1",)).image is None


def test_an_image_is_reused_whoever_has_its_content_tag_now(run, store, registry_server, repository):
    """Another object with equal content pushes to the same tag: neither may cost the other a build at each Resolve."""
    first = run()
    graph = export(store, first)
    tag = content_tag(first, graph)
    digest = registry_server.push_image(repository.path, tag, b"ours")
    assert registry_server.push_image(repository.path, tag, b"somebody else's") != digest
    assert run(**record(first, graph, digest)).image.digest == digest


def test_an_image_that_was_deleted_is_not_reused(run, store):
    first = run()
    graph = export(store, first)
    assert run(**record(first, graph, f"sha256:{0:064x}")).image is None


@ROW_52
def test_equal_inputs_with_different_graphs_have_different_content_hashes(run, store, registry_server, repository):
    """Two objects, one fingerprint; each has its own graph, so neither takes the other's image."""
    mine = run()
    theirs = run()
    assert (mine.fingerprint, mine.inputs_hash) == (theirs.fingerprint, theirs.inputs_hash)
    first = export(store, theirs, b"the other object's graph")
    digest = registry_server.push_image(repository.path, content_tag(theirs, first))
    second = export(store, mine, b"the graph of this object")
    assert content_hash(mine.inputs_hash, first) != content_hash(mine.inputs_hash, second)
    known = record(mine, second)
    found = run(exports=known["exports"], images=record(theirs, first, digest)["images"])
    assert (found.graph, found.image) == (second, None)
