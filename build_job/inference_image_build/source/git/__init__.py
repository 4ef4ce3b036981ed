"""The files of one commit.

The modules that fetch them are loaded only when the source is Git: dulwich and paramiko cost a tenth of a second and
25 MiB, which every step of this image would pay.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from inference_image_build.source.git.remote import Credentials, Remote
from inference_image_build.source.source_entry import SourceEntry
from inference_image_contract.inputs import GitSource, PinnedCommit


class CommitFiles(NamedTuple):
    """The files under the path of a source, and the commit that contains them."""

    entries: Iterable[SourceEntry]
    pinned: PinnedCommit
    remote: Remote


@contextmanager
def opened(
    git: GitSource, folder: Path, credentials: Credentials, pinned: PinnedCommit | None = None
) -> Iterator[CommitFiles]:
    """Fetches the commit of the source's ref, or the pinned one, into an empty folder.

    Raises StageError as `fetch.fetched`; `entries` raises those of `tree.entries`.
    """
    from inference_image_build.source.git import fetch, tree  # noqa: PLC0415 - see above

    with fetch.fetched(git, folder, credentials, pinned) as found:
        entries = tree.entries(found.store, found.commit, git.path, found.remote)
        yield CommitFiles(entries, found.pinned, found.remote)
