"""The source: where the code of the image comes from."""

from inference_image_operator.api.part import NameRef, Part


class UFileSource(Part, frozen=True, kw_only=True):
    """The build context is everything under a UFile prefix, or what an archive holds. Exactly one is set."""

    prefix: str = ""
    archive: str = ""
    """Full key of a .tar.gz, .tgz or .zip."""


class KeyToPath(Part, frozen=True, kw_only=True):
    """A key of a ConfigMap and the path that it gets in the build context."""

    key: str
    path: str


class ConfigMapSource(Part, frozen=True, kw_only=True):
    """The build context is a ConfigMap: all its keys, or those in `items` under the paths given there."""

    name: str
    items: tuple[KeyToPath, ...] = ()


class GitSource(Part, frozen=True, kw_only=True):
    """The build context is a folder of a Git repository at one commit."""

    url: str
    ref: str = "HEAD"
    path: str = ""
    secret_ref: NameRef | None = None
    """Secret with `username` and `password`, or `ssh-privatekey` and `known_hosts`, and where needed `ca.crt`."""
    poll: str = ""
    """How often it is looked whether `ref` means another commit; empty never does."""


class SourceSpec(Part, frozen=True, kw_only=True):
    """The code of the image. Exactly one of `ufile`, `config_map` and `git` is set."""

    ufile: UFileSource | None = None
    config_map: ConfigMapSource | None = None
    git: GitSource | None = None
    dockerfile: str = "Dockerfile"
    checkpoint_dir: str = "code/checkpoint_dir"
