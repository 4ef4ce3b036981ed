"""The files of one commit, for whoever pins or places a source.

What fetches them is loaded when a source is a repository: dulwich and paramiko cost a tenth of a second and 25 MiB, and
every step of this image would start with them.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from inference_image_build.source.git.remote import Credentials, Remote
from inference_image_build.source.source_entry import Member
from inference_image_contract.inputs import GitSource, PinnedCommit


class CommitFiles(NamedTuple):
    """What a source has below its path, and the commit that was found."""

    members: Iterable[Member]
    pinned: PinnedCommit
    remote: Remote


@contextmanager
def opened(
    git: GitSource, folder: Path, credentials: Credentials, pinned: PinnedCommit | None = None
) -> Iterator[CommitFiles]:
    """Fetches the commit that the source means, or the one that was pinned, into an empty folder.

    Raises StageError as `fetch.fetched`; `members` raises those of `tree.members`.
    """
    from inference_image_build.source.git import fetch, tree  # noqa: PLC0415 - see above

    with fetch.fetched(git, folder, credentials, pinned) as found:
        members = tree.members(found.store, found.commit, git.path, found.remote)
        yield CommitFiles(members, found.pinned, found.remote)
