"""Archived objects: listings show them, reads name them, a request restores them."""

import pytest

from inference_image_contract.errors import StageError
from inference_image_contract.reasons import ExitCode, Reason
from inference_image_store import ArchivedError, Wanted
from inference_image_store.errors import listed

KEYS = ("in/a", "in/b", "in/empty", "in/plain")


@pytest.fixture
def archived(store, standin):
    """Three archived objects, one of them empty, and one that is not archived."""
    for key in KEYS:
        store.write(b"" if key == "in/empty" else key.encode(), key)
    for key in KEYS[:3]:
        standin.service.switch("127", key, "ARCHIVE")
    return store


def test_listings_show_the_storage_class(archived):
    assert [info.archived for info in archived.list("in/", limit=9)] == [True, True, True, False]
    assert archived.head("in/plain").storage_class == "STANDARD"


READS = {
    "head": lambda store, _: store.head("in/a"),
    "find": lambda store, _: store.find("in/a"),
    "read": lambda store, _: store.read("in/a", max_bytes=9),
    "download": lambda store, path: store.download("in/a", path / "back"),
    "download_all": lambda store, path: store.download_all([Wanted("in/a", path / "back", "etag", 4)]),
    "copy": lambda store, _: store.copy("in/a", "out"),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_every_read_of_an_archived_object_names_it(archived, tmp_path, read):
    with pytest.raises(ArchivedError, match=r"1 object in bucket '127'.*'in/a'") as failed:
        read(archived, tmp_path)
    assert (failed.value.reason, failed.value.exit_code) == (Reason.OBJECT_ARCHIVED, ExitCode.BAD_INPUT)
    assert failed.value.keys == ("in/a",)
    for remedy in ("spec.ufile.restore", "console", "STANDARD", "requestedAt"):
        assert remedy in failed.value.hint


def test_credentials_without_the_right_to_list_cannot_tell(archived, standin, connect):
    """Without a listing, only the rejection of the object is known."""
    with pytest.raises(StageError) as failed:
        connect(private="WRONG").head("in/a")
    assert failed.value.reason is Reason.UFILE_FORBIDDEN


def test_a_restored_object_is_readable_for_three_days(archived, standin):
    found = archived.list("in/", limit=9)
    assert archived.unreadable(found) == ["in/a", "in/b", "in/empty"]
    told = archived.restore(ArchivedError("127", ["in/a", "in/empty"]), "Expedited")
    assert (told.reason, told.exit_code) == (Reason.OBJECT_RESTORING, ExitCode.RESTORING)
    assert "2 objects in bucket '127'" in told.message
    assert "Expedited, which takes 15 minutes" in told.message
    assert archived.unreadable(found) == ["in/a", "in/b", "in/empty"]
    archived.restore(ArchivedError("127", ["in/a"]), "Expedited")  # a second request changes nothing
    standin.service.clock.advance(15 * 60)
    assert archived.unreadable(found) == ["in/b"]
    assert archived.read("in/a", max_bytes=9) == b"in/a"
    standin.service.clock.advance(3 * 24 * 3600)
    assert archived.unreadable(found) == ["in/a", "in/b", "in/empty"]


def test_a_restore_of_an_object_that_is_not_archived_succeeds(archived):
    archived.restore(ArchivedError("127", ["in/plain"]), "Standard")


def test_a_restore_needs_the_right_to_upload(archived, connect):
    with pytest.raises(StageError, match="for the upload of object 'in/a'") as failed:
        connect("TOKEN_READER", "reader-key").restore(ArchivedError("127", ["in/a"]), "Standard")
    assert failed.value.reason is Reason.UFILE_FORBIDDEN


def test_a_message_names_as_many_keys_as_fit():
    assert listed(["a"]) == "'a'"
    keys = [f"uai/object-train-output/model.ckpt-200000.data-{number:05}-of-00099" for number in range(99)]
    shown = listed(keys)
    assert shown.startswith(f"'{keys[0]}', '{keys[1]}'")
    assert shown.endswith(" more")
    assert len(shown) < 700
