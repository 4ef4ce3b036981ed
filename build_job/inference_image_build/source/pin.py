"""Pins the source: the files of the build context, from any kind of source, and the Dockerfile."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from msgspec.structs import replace

from inference_image_build.dockerfile import generated, ignore
from inference_image_build.dockerfile import parse as dockerfile
from inference_image_build.source import archive, unpack
from inference_image_build.source import files as source
from inference_image_build.source import git as git_source
from inference_image_build.source.archive import layout
from inference_image_build.source.git.remote import Credentials
from inference_image_contract import paths
from inference_image_contract.content import file_sha256
from inference_image_contract.errors import StageError
from inference_image_contract.hints import REQUEST_AGAIN
from inference_image_contract.inputs import GitSource, PinnedArchive, PinnedCommit, PinnedFile, ResolveInput
from inference_image_contract.reasons import Reason
from inference_image_store import Store


class Mounts(NamedTuple):
    """Where the pod mounts what a source may need: a ConfigMap, a Git login, and scratch space."""

    config_map: Path
    git: Path
    download: Path

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """An empty folder in the scratch space; it is deleted when the block ends."""
        self.download.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=self.download) as folder:
            yield Path(folder)


MOUNTS = Mounts(Path(paths.CONFIG_MAP_SOURCE), Path(paths.GIT_SECRET), Path(paths.DOWNLOAD))
"""In the pods."""


class Tree(NamedTuple):
    """A source's files before .dockerignore, how to read a small one, and the archive or commit they come from."""

    files: tuple[PinnedFile, ...]
    read: Callable[[PinnedFile], bytes]
    archive: PinnedArchive | None = None
    commit: PinnedCommit | None = None


class PinnedSource(NamedTuple):
    """The files of the context, and the Dockerfile as bytes."""

    files: tuple[PinnedFile, ...]
    dockerfile: bytes
    tree: Tree
    dockerfile_ignored: bool = False
    layout: generated.Layout | None = None
    """Set when the Dockerfile is generated."""


def pin(request: ResolveInput, store: Store, mounts: Mounts) -> PinnedSource:
    """Pins the source.

    Raises StageError: `SourceNotFound`, `LimitExceeded`, `UnsafeKey`, `DockerfileNotFound`, `DockerignoreInvalid`,
    those of archives and of Git, and those of the store.
    """
    tree = _tree(request, store, mounts)
    found = source.without_assembled(tree.files, request.checkpoint_dir, request.formats)
    by_path = {item.path: item for item in found}
    kept = _not_ignored(request.dockerfile, by_path, tree)
    files = tuple(item for item in found if item.path in kept)
    own = by_path.get(request.dockerfile)
    source.check_assembled(files, request.checkpoint_dir, request.formats)
    if own is None:
        made = _generated(request, files)
        source.check_assembled(files, generated.WEIGHTS, request.formats)
        text = generated.dockerfile(request.inference_base, made).encode()
        return PinnedSource(files, text, tree, layout=made)
    ignored = own not in files
    if ignored:
        files = tuple(sorted((*files, own), key=lambda item: item.path))
    return PinnedSource(files, tree.read(own), tree, dockerfile_ignored=ignored)


def _tree(request: ResolveInput, store: Store, mounts: Mounts) -> Tree:
    if request.source_git:
        return _of_git(request.source_git, request, mounts)
    if request.source_archive:
        return _of_archive(request, store, mounts)
    if request.source_prefix:
        files = source.from_ufile(store, request.source_prefix)
        return Tree(files, lambda item: store.read(item.key, max_bytes=dockerfile.MAX_BYTES, etag=item.etag))
    folder = source.config_map_folder(mounts.config_map)
    return Tree(source.from_config_map(mounts.config_map), lambda item: (folder / item.path).read_bytes())


def _of_archive(request: ResolveInput, store: Store, mounts: Mounts) -> Tree:
    key = request.source_archive
    info = store.find(key)
    if info is None:
        raise StageError(
            Reason.SOURCE_NOT_FOUND,
            f"There is no object {key} in the bucket (spec.source.ufile.archive).",
            f"Fix spec.source.ufile.archive, or upload {key}, {REQUEST_AGAIN}",
        )
    if info.size > archive.LIMITS.packed:
        raise StageError(
            Reason.ARCHIVE_TOO_LARGE,
            f"The archive {key} has {info.size} bytes; the limit is {archive.LIMITS.packed}.",
            f"Put only code and configuration into the archive, no data and no results, {REQUEST_AGAIN}",
        )
    with mounts.scratch() as folder:
        path = folder / "archive"
        store.download(key, path, etag=info.etag, size=info.size)
        pinned = PinnedArchive(key=key, size=info.size, etag=info.etag, sha256=file_sha256(path))
        found = unpack.pin(archive.entries(path, key), _InFirstFolder(_wanted(request)), dockerfile.MAX_BYTES)
    paths = {item.path for item in found[0]}
    paths = {path for path in paths if not layout.is_metadata(path, paths)}
    top = layout.top_folder(paths, request.dockerfile, generated.folders(request.dockerfile))
    within = f"{top}/" if top else ""
    files = source.checked(
        tuple(replace(item, path=item.path.removeprefix(within)) for item in found[0] if item.path in paths),
        f"the archive {key}",
        "spec.source.ufile.archive",
    )
    return Tree(files, lambda item: found[1][within + item.path], archive=replace(pinned, folder=top))


def _of_git(git: GitSource, request: ResolveInput, mounts: Mounts) -> Tree:
    with (
        mounts.scratch() as folder,
        git_source.opened(git, folder, Credentials.mounted(mounts.git)) as commit,
    ):
        found = unpack.pin(commit.entries, _wanted(request).__contains__, dockerfile.MAX_BYTES)
    files = source.checked(found[0], f"the repository {commit.remote}", "spec.source.git.path")
    return Tree(files, lambda item: found[1][item.path], commit=commit.pinned)


class _InFirstFolder:
    """Whether a file is wanted, at the top of an archive or in its first folder, which may be left out."""

    def __init__(self, wanted: frozenset[str]) -> None:
        self._wanted = wanted
        self._folder = ""

    def __call__(self, path: str) -> bool:
        folder, _, below = path.partition("/")
        if not self._folder and below and not layout.is_metadata(path, ()):
            self._folder = folder
        return path in self._wanted or (folder == self._folder and below in self._wanted)


def _wanted(request: ResolveInput) -> frozenset[str]:
    return frozenset({request.dockerfile, *ignore.names(request.dockerfile)})


def _not_ignored(name: str, by_path: dict[str, PinnedFile], tree: Tree) -> frozenset[str]:
    """The paths that the .dockerignore of this Dockerfile, if there is one, leaves in the context."""
    found = next((by_path[path] for path in ignore.names(name) if path in by_path), None)
    return ignore.kept(ignore.parse(tree.read(found), found.path), by_path, found.path) if found else frozenset(by_path)


def _generated(request: ResolveInput, files: tuple[PinnedFile, ...]) -> generated.Layout:
    """The layout for which a Dockerfile is generated.

    Raises StageError (`DockerfileNotFound`) when the spec names one, or none can be generated.
    """
    clause = "this installation has no inference base to generate one (config.sources.inferenceBase)"
    if request.dockerfile != generated.NAME:
        similar = [item.path for item in files if "dockerfile" in item.path.lower()][:5]
        clause = f"there is {', '.join(similar)}" if similar else ""
    else:
        made = generated.layout((item.path for item in files), request.checkpoint_dir)
        if isinstance(made, str):
            clause = made
        elif request.inference_base:
            return made
    raise StageError(
        Reason.DOCKERFILE_NOT_FOUND,
        f"The source has no file {request.dockerfile}" + (f"; {clause}." if clause else "."),
        f"Set spec.source.dockerfile to the path of the Dockerfile within the source, or upload it, {REQUEST_AGAIN}",
    )
