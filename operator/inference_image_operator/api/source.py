"""The source: the files of the build context."""

from inference_image_operator.api.part import NameRef, Part


class UFileSource(Part, frozen=True, kw_only=True):
    """The build context is all objects under a prefix of US3 (formerly UFile), or an archive. Exactly one is set."""

    prefix: str = ""
    archive: str = ""
    """Full key of a .tar.gz, .tgz or .zip file."""


class KeyToPath(Part, frozen=True, kw_only=True):
    """A key of a ConfigMap, and its path in the build context."""

    key: str
    path: str


class ConfigMapSource(Part, frozen=True, kw_only=True):
    """The build context is a ConfigMap: all its keys, or those in `items` at the paths given there."""

    name: str
    items: tuple[KeyToPath, ...] = ()


class GitSource(Part, frozen=True, kw_only=True):
    """The build context is a folder of a Git repository at one commit."""

    url: str
    ref: str = "HEAD"
    path: str = ""
    secret_ref: NameRef | None = None
    """Secret with `username` and `password`, or `ssh-privatekey` and `known_hosts`, and `ca.crt` for a custom CA."""
    poll: str = ""
    """Polling interval for a new commit of `ref`; empty disables polling."""


class SourceSpec(Part, frozen=True, kw_only=True):
    """The files of the build context. Exactly one of `ufile`, `config_map` and `git` is set."""

    ufile: UFileSource | None = None
    config_map: ConfigMapSource | None = None
    git: GitSource | None = None
    dockerfile: str = "Dockerfile"
    checkpoint_dir: str = "code/checkpoint_dir"
