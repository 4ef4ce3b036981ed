"""`pin` and `unpin`: a digest of the history, in full or by its beginning."""

import pytest

from tests.unit.cli.cluster.standin import IMAGES, ApiServer

PATH = f"{IMAGES}/detector"
NEWER, OLDER = "sha256:" + "ab" * 32, "sha256:" + "ac" * 32


@pytest.fixture
def published(api: ApiServer) -> ApiServer:
    entries = [{"digest": digest, "contentHash": "", "time": "t"} for digest in (NEWER, OLDER, NEWER)]
    api.objects[PATH] = {
        "metadata": {"name": "detector"},
        "spec": {"image": {"repository": "h/a"}},
        "status": {"history": entries},
    }
    return api


@pytest.mark.parametrize("text", [OLDER, "sha256:ac", "acac"])
def test_it_pins_the_digest_that_begins_so(published: ApiServer, ask, text: str) -> None:
    code, out, err = ask("pin", "detector", text)
    assert (code, err) == (0, "")
    assert published.objects[PATH]["spec"]["image"] == {"repository": "h/a", "pin": OLDER}
    assert out == f"detector: pinned to {OLDER}; nothing is polled or built\n"


@pytest.mark.parametrize(("text", "found"), [("sha256:a", "several digests"), ("sha256:b", "no digest")])
def test_it_names_a_digest_that_is_not_one_of_the_history(published: ApiServer, ask, text: str, found: str) -> None:
    code, _, err = ask("pin", "detector", text)
    assert code == 1
    assert f"The history of detector has {found} {text}: see kubectl inferenceimage history detector" in err
    assert "pin" not in published.objects[PATH]["spec"]["image"]


def test_it_unpins(published: ApiServer, ask) -> None:
    ask("pin", "detector", OLDER)
    code, out, _ = ask("unpin", "detector")
    assert (code, out) == (0, "detector: unpinned; a run begins\n")
    assert published.objects[PATH]["spec"]["image"] == {"repository": "h/a"}
