"""Trees of Git that are deeper, wider or more damaged than a repository of files. In memory: no server is needed."""

import pytest
from dulwich.object_store import MemoryObjectStore
from dulwich.objects import Blob, Commit, ShaFile, Tree

from inference_image_build.source.git import tree
from inference_image_build.source.git.remote import parse
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from tests.support.limits import within

REMOTE = parse("https://git.example/team/app.git")
FOLDER, FILE = 0o40000, 0o100644


def read(*objects):
    """The files of the last tree."""
    store = MemoryObjectStore()
    for found in objects:
        store.add_object(found)
    return files(store, objects[-1].id)


def files(store, root):
    commit = Commit()
    commit.tree = root
    return {found.path: b"".join(found.content) for found in tree.entries(store, commit, "", REMOTE)}


def nested(levels):
    blob = Blob.from_string(b"x")
    objects, below = [blob], (FILE, blob.id)
    for _ in range(levels):
        found = Tree()
        found.add(b"d", *below)
        objects.append(found)
        below = FOLDER, found.id
    return objects


def test_a_tree_as_deep_as_a_path_may_be_is_read():
    assert list(read(*nested(50))) == ["/".join("d" * 50)]


@pytest.mark.parametrize("levels", [51, 1500, 20_000])
def test_a_deeper_tree_is_refused(levels):
    def run():
        with pytest.raises(StageError, match="folders") as caught:
            read(*nested(levels))
        assert caught.value.reason == Reason.GIT_TREE_UNSAFE

    within(run)


def test_a_tree_of_the_same_tree_many_times_is_refused():
    """Ten levels of ten entries each name 10^10 files with eleven objects."""
    objects = [Blob.from_string(b"x")]
    below = FILE, objects[0].id
    for _ in range(10):
        found = Tree()
        for name in b"0123456789":
            found.add(bytes([name]), *below)
        objects.append(found)
        below = FOLDER, found.id

    def run():
        with pytest.raises(StageError) as caught:
            read(*objects)
        assert caught.value.reason == Reason.GIT_TOO_LARGE

    within(run, cpu=20)


@pytest.mark.parametrize(
    "data",
    [b"100644", b"100644 a", b"100644 a\0short", *(mode + b" a\0" + b"x" * 20 for mode in (b"9", b"-1", b"\xff"))],
)
def test_a_damaged_tree_is_explained(data):
    class Damaged:
        def __getitem__(self, _):
            return ShaFile.from_raw_string(Tree.type_num, data)

    with pytest.raises(StageError) as caught:
        files(Damaged(), b"0" * 40)
    assert caught.value.reason in {Reason.GIT_UNAVAILABLE, Reason.GIT_TREE_UNSAFE}
