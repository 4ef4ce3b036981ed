"""`build --local`: the cluster's resolve, export and assemble on this machine, and its Kaniko in docker or podman."""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from inference_image_build.registry.auth import secrets
from inference_image_build.registry.client import Registry
from inference_image_build.source.git.remote import Credentials as GitCredentials
from inference_image_build.source.pin import Mounts
from inference_image_build.steps.assemble import assemble
from inference_image_build.steps.report import report
from inference_image_build.steps.resolve import resolve
from inference_image_contract import inputs, results
from inference_image_contract.errors import StageError
from inference_image_contract.redact import redact
from inference_image_operator.api.names import content_tag
from inference_image_operator.api.stages import Stage
from inference_image_operator.config.installation import Config
from inference_image_operator.jobs.pod import repository
from inference_image_operator.jobs.stages.kaniko import kaniko_args
from inference_image_store import Credentials, Store
from kubectl_inferenceimage import export, installation, kaniko, keys, logins, pipeline
from kubectl_inferenceimage.errors import CommandError
from kubectl_inferenceimage.logins import Engine
from kubectl_inferenceimage.manifest import Image
from kubectl_inferenceimage.pipeline import Step

_NOWHERE = Path("/nonexistent")


class Options(NamedTuple):
    """What the command line says beside the manifest and the installation."""

    engine: Engine
    executor: str = ""
    """Kaniko's image, empty for the installation's."""
    push: bool = False
    output: str = ""
    """Where the image goes as an archive, empty for `NAME.tar` in the current folder."""
    keys: str = ""
    authfile: str = ""
    registry_ca: str = ""
    config_map: str = ""
    """A folder with the files of the ConfigMap that the source is."""
    git_secret: str = ""
    """A folder with the keys of the Git Secret as files."""


class _Site(NamedTuple):
    """What the stages of one build share."""

    credentials: Credentials
    store: Store
    registry: Registry
    mounts: Mounts
    home: Path
    folder: Path
    secrets: tuple[str, ...]


def build(image: Image, config: Config, options: Options) -> str:
    """The reference of the pushed image, or the path of the archive. What is said goes to standard error.

    Raises CommandError.
    """
    executor = _executor(config, options)
    output = Path(options.output or f"{image.name}.tar").absolute()
    _check(image, options, output)
    step = pipeline.first(image, config)
    credentials = keys.read(options.keys)
    # Beside the output: it can be large, and engines in a virtual machine see the user's folders, but no /tmp.
    with tempfile.TemporaryDirectory(prefix=".inferenceimage-", dir=output.parent) as folder:
        site = _site(step, config, credentials, options, Path(folder))
        try:
            return _pipeline(step, config, options, executor, site, output)
        except StageError as error:
            text = redact(f"{error.reason}: {error.message} {error.hint}", site.secrets)
            raise CommandError(text) from error


def _pipeline(  # noqa: PLR0917 - private, what `build` found out
    step: Step, config: Config, options: Options, executor: str, site: _Site, output: Path
) -> str:
    """The stages up to the build, one after the other."""
    stage = step.input("resolve", inputs.ResolveInput)
    resolved = resolve(stage, site.store, site.registry, site.mounts)
    if resolved.image and options.push:
        _say("The registry serves this content already; nothing was built.")
        return f"{stage.registry.repository}@{resolved.image.digest}"
    built = _built(_exported(step, resolved, config, site), config, options, executor, site)
    if not options.push:
        built = str(shutil.move(built, output))
    _say(differences(options))
    return built


def differences(options: Options) -> str:
    """What a build here leaves out of what the cluster does, as lines."""
    published = (
        "Pushed was the content tag alone: apply the manifest, and the operator tests that image and moves the tags."
        if options.push
        else "Nothing was pushed, and spec.image.tags were not moved."
    )
    return (
        "What differs from the cluster's build:\n"
        f"- Kaniko ran in {options.engine}, without limits of memory, disk and time, in the root file system that "
        f"{options.engine} gives it.\n"
        "- Kaniko built, whatever spec.build.builder says.\n"
        "- Nothing tested the image.\n"
        f"- {published}"
    )


def _executor(config: Config, options: Options) -> str:
    found = options.executor or config.images.kaniko
    if installation.is_placeholder(found):
        raise CommandError("No image of Kaniko is named: give --executor, or --values with images.kaniko.")
    return found


def _check(image: Image, options: Options, output: Path) -> None:
    """What a Secret or a ConfigMap brings in the cluster has to be a file here, and nothing else."""
    if not output.parent.is_dir():
        raise CommandError(f"The folder {output.parent}, where {output.name} is to be, is missing.")
    git = image.spec.source.git
    wanted = (
        ("spec.image.caSecretRef", bool(image.spec.image.ca_secret_ref), "--registry-ca", options.registry_ca),
        ("spec.source.configMap", bool(image.spec.source.config_map), "--config-map", options.config_map),
        ("spec.source.git.secretRef", bool(git and git.secret_ref), "--git-secret", options.git_secret),
    )
    for field, is_set, flag, value in wanted:
        if is_set and not value:
            raise CommandError(f"{field} is set, and there is no cluster to ask: give {flag}.")
        if value and not is_set:
            raise CommandError(f"{flag} is given, but {field} is not set: the cluster's build would do without.")
        if value and not Path(value).exists():
            raise CommandError(f"{value}, given with {flag}, is missing.")


def _site(step: Step, config: Config, credentials: Credentials, options: Options, folder: Path) -> _Site:
    found = logins.collect(config.registries.hosts, logins.files(options.engine, options.authfile))
    home = folder / "home"
    auth = home / ".docker" / "config.json"
    logins.write(found, auth)
    stage = step.input("resolve", inputs.ResolveInput)
    mounts = Mounts(_path(options.config_map), _path(options.git_secret), folder / "download")
    return _Site(
        credentials=credentials,
        store=Store(stage.ufile, credentials),
        registry=Registry(stage.registry, auth, _path(options.registry_ca)),
        mounts=mounts,
        home=home,
        folder=folder,
        secrets=(
            *credentials.secrets,
            *secrets(found),
            *GitCredentials.mounted(mounts.git).secrets(),
        ),
    )


def _path(text: str) -> Path:
    return Path(text) if text else _NOWHERE


def _exported(step: Step, resolved: results.Resolved, config: Config, site: _Site) -> Step:
    """The Build stage, the export run where its result does not stand in UFile."""
    following = pipeline.following(step, replace(resolved, image=None), config)
    if following and following.stage is Stage.EXPORT:
        _say("The graph of this checkpoint is not in UFile yet: it is exported here.")
        exported = export.export(following.input("export", inputs.ExportInput), keys.environment(site.credentials))
        following = pipeline.following(following, exported, config)
    if following is None or following.stage is not Stage.BUILD:
        raise ValueError("the operator builds nothing after its export")
    return following


def _built(step: Step, config: Config, options: Options, executor: str, site: _Site) -> str:
    """What the Build stage's containers do, one after the other."""
    work, scratch = site.folder / "work", site.folder / "scratch"
    work.mkdir()
    scratch.mkdir(mode=0o700)
    stage = step.input("assemble", inputs.AssembleInput)
    assemble(stage, site.store, work / "context", work / "Dockerfile", site.mounts)
    spec, status = step.observed.spec, step.observed.status
    kaniko.run(
        kaniko.Build(
            work=work,
            scratch=scratch,
            home=site.home,
            ca=Path(options.registry_ca) if options.registry_ca else None,
            arguments=kaniko_args(step.observed, status, config),
            image=f"{repository(spec, status, config)}:{content_tag(status.content_hash)}",
            build_args=spec.build.args,
            engine=options.engine,
            executor=executor,
            push=options.push,
            secrets=site.secrets,
        )
    )
    if not options.push:
        return str(work / kaniko.TAR)
    digest = report(step.input("report", inputs.ReportInput), site.registry, work / "digest").digest
    return f"{spec.image.repository}@{digest}"


def _say(text: str) -> None:
    print(text, file=sys.stderr)
