"""The export works with exactly the rights of docs/guides/us3.md, and names each missing right."""

import shutil
from types import SimpleNamespace

import pytest

from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from inference_image_export import handover, stage
from tests.support import rights
from tests.support.exporting import export_stage


@pytest.fixture(autouse=True)
def _no_tensorflow(monkeypatch):
    """Replaces TensorFlow: these tests are about the real requests to US3."""
    monkeypatch.setattr(stage, "Processes", lambda _: SimpleNamespace(peak_bytes=0))
    monkeypatch.setattr(stage._Export, "every_form", _as_it_is)


def _as_it_is(run):
    """The pipeline config twice: `handover` moves each file."""
    config = run.inputs / handover.PIPELINE_CONFIG
    graph = run.folder / "graph.pb"
    shutil.copy(config, graph)
    words = handover.Words(tensorflow="2", readable_by="1.7", memory_bytes=1)
    return handover.Verified(words, {handover.GRAPH: graph, handover.PIPELINE_CONFIG: config})


@pytest.mark.parametrize("pair", [rights.role("Export"), rights.token()], ids=["a role", "the one token"])
def test_it_works_with_exactly_its_rights(world, pair):
    done = export_stage(world.stage, world.by(pair))
    assert (done.graph.key, done.not_overwritten) == (world.folder + "frozen_inference_graph.pb", "")


@pytest.mark.parametrize("lacking", rights.each("Export"), ids=" of ".join)
def test_a_missing_right_is_named(world, lacking):
    operation, field = lacking
    with pytest.raises(StageError) as failed:
        export_stage(world.stage, world.by(rights.role("Export", without=lacking)))
    assert failed.value.reason is Reason.UFILE_FORBIDDEN
    word = {"list": "listing", "upload": "upload", "download": "download"}[operation]
    assert f"for the {word} of" in failed.value.message
    assert rights.KEYS[field] in failed.value.message
