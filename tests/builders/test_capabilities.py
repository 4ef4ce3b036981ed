"""The table of builders says what the real builders do: each row is built, and the image is looked into.

Needs root, for Kaniko's own root file system; no cluster.
"""

import pytest

from inference_image_build.builders import check, table
from inference_image_build.builders.table import Verdict
from inference_image_contract.errors import StageError
from inference_image_contract.hints import GROUP_DIFFERS
from inference_image_contract.reasons import Reason
from inference_image_operator.diagnosis.kaniko_log import diagnose
from tests.builders.lab import Lab, open_lab
from tests.builders.proofs import PROOFS
from tests.builders.proofs.forms import FORMS


@pytest.fixture(scope="module")
def lab(place, tmp_path_factory):
    with open_lab(place, tmp_path_factory.mktemp("lab")) as found:
        yield found


@pytest.mark.parametrize("feature", PROOFS)
def test_kaniko(lab: Lab, feature):
    proof = PROOFS[feature]
    text = lab.bases.filled(proof.dockerfile)
    verdict = table.verdict(feature, "Kaniko")
    alone = None if proof.unseen else proof.faults(lab.build("Kaniko", lab.workspace(text)))
    assert alone is None or verdict is Verdict.CHECKED or bool(alone) == (verdict is not Verdict.DONE), alone
    if verdict is Verdict.REFUSED:
        _is_refused(lab, text, feature, "Kaniko")
        return
    check.check(lab.dockerfile(text), "Kaniko", "Dockerfile")
    assert bool(proof.ended) == (verdict is Verdict.CHECKED)
    if proof.ended:
        _ends(lab, lab.bases.filled(proof.ended))
    workspace, made = lab.rewritten(text)
    if verdict is not Verdict.NEARLY and made != text:
        assert proof.faults(lab.build("Kaniko", workspace)) == [], made


@pytest.mark.parametrize("feature", PROOFS)
def test_append(lab: Lab, feature):
    proof = PROOFS[feature].for_append or PROOFS[feature]
    text = lab.bases.filled(proof.dockerfile)
    verdict = table.verdict(feature, "Append")
    if verdict is Verdict.REFUSED:
        _is_refused(lab, text, feature, "Append")
    elif verdict is Verdict.NEARLY:
        assert proof.faults(lab.build("Append", lab.workspace(text)))
    else:
        assert proof.faults(lab.build("Append", lab.workspace(text))) == []


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("builder", ["Kaniko", "Append"])
def test_what_people_write(lab: Lab, builder, form):
    proof = FORMS[form]
    text = lab.bases.filled(proof.dockerfile)
    check.check(lab.dockerfile(text), builder, "Dockerfile")
    workspace = lab.workspace(text) if builder == "Append" else lab.rewritten(text)[0]
    assert proof.faults(lab.build(builder, workspace)) == [], (workspace / "Dockerfile").read_text()


def _ends(lab: Lab, text: str) -> None:
    """Kaniko alone makes an image of the Dockerfile; of the one that it gets, it makes none, and the check says why."""
    check.check(lab.dockerfile(text), "Kaniko", "Dockerfile")
    assert lab.build("Kaniko", lab.workspace(text)) is not None
    workspace, _ = lab.rewritten(text)
    found = diagnose(lab.kaniko(workspace).output)
    assert found.reason == Reason.BUILDER_UNSUPPORTED
    assert found.message.startswith(GROUP_DIFFERS)


def _is_refused(lab: Lab, text: str, feature: str, builder: str) -> None:
    dockerfile = lab.dockerfile(text)
    refused = next(use for use in dockerfile.uses if use.feature == feature)
    with pytest.raises(StageError) as caught:
        check.check(dockerfile, builder, "Dockerfile")
    assert caught.value.reason == Reason.BUILDER_UNSUPPORTED
    assert f"line {refused.line}: " in caught.value.message
