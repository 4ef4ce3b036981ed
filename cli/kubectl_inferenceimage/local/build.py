"""`build --local`: runs the cluster's resolve, export and assemble here, and its Kaniko in docker or podman."""

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
from inference_image_contract.hints import explanation
from inference_image_contract.redact import redact
from inference_image_contract.tags import content_tag
from inference_image_operator.api.stages import Stage
from inference_image_operator.config.installation import Config
from inference_image_operator.jobs.pod import repository
from inference_image_operator.jobs.stages.kaniko import local_args
from inference_image_store import Credentials, Store, found_graph
from kubectl_inferenceimage import installation, pipeline
from kubectl_inferenceimage.errors import CommandError
from kubectl_inferenceimage.local import export, kaniko, keys, logins
from kubectl_inferenceimage.local.logins import Engine
from kubectl_inferenceimage.manifest import Image
from kubectl_inferenceimage.pipeline import PlannedJob, step_input

_NOWHERE = Path("/nonexistent")
_BUILDER = "Kaniko"
"""The builder that runs here, whatever spec.build.builder says."""


class Options(NamedTuple):
    """The options of the command line besides the manifest and the installation."""

    engine: Engine
    executor: str = ""
    """Kaniko's image; empty for the installation's."""
    push: bool = False
    output: str = ""
    """The archive to write; empty for `NAME.tar` in the current folder."""
    keys: str = ""
    authfile: str = ""
    registry_ca: str = ""
    config_map: str = ""
    """A folder with the files of the source ConfigMap."""
    git_secret: str = ""
    """A folder with the keys of the Git Secret as files."""


class _Site(NamedTuple):
    """The data that all stages of one build share."""

    credentials: Credentials
    store: Store
    registry: Registry
    mounts: Mounts
    home: Path
    folder: Path
    secrets: tuple[str, ...]


def build(image: Image, config: Config, options: Options) -> str:
    """Returns the reference of the pushed image, or the path of the archive. Messages go to standard error.

    Raises CommandError.
    """
    executor = _executor(config, options)
    output = Path(options.output or f"{image.name}.tar").absolute()
    _check(image, options, output)
    run = pipeline.first(image, config)
    credentials = keys.read(options.keys)
    # Next to the output: it can be large, and an engine in a virtual machine sees the user's folders, but not /tmp.
    with tempfile.TemporaryDirectory(prefix=".inferenceimage-", dir=output.parent) as folder:
        site = _site(run, config, credentials, options, Path(folder))
        try:
            return _pipeline(run, config, options, executor, site, output)
        except StageError as error:
            text = redact(f"{error.reason}: {explanation(error.message, error.hint)}", site.secrets)
            raise CommandError(text) from error


def _pipeline(  # noqa: PLR0917 - private; `build` has checked them all
    run: PlannedJob, config: Config, options: Options, executor: str, site: _Site, output: Path
) -> str:
    """Runs the stages up to Build, one after the other."""
    request = replace(step_input(run, "resolve", inputs.ResolveInput), builder=_BUILDER, allowed_builders=(_BUILDER,))
    resolved = resolve(request, site.store, site.registry, site.mounts)
    built = _built(_exported(run, resolved, config, site), config, options, executor, site)
    if not options.push:
        built = str(shutil.move(built, output))
    _say(differences(options))
    return built


def differences(options: Options) -> str:
    """How a build here differs from the cluster's, as lines of text."""
    published = (
        "Only the content tag was pushed. When you apply the manifest, the operator builds its own image."
        if options.push
        else "Nothing was pushed, and spec.image.tags were not moved."
    )
    return (
        "Differences from the build in a cluster:\n"
        f"- Kaniko ran in {options.engine}, without limits on memory, disk and time, in the root file system that "
        f"{options.engine} provides.\n"
        "- Kaniko was the builder, regardless of spec.build.builder.\n"
        "- The image was not tested.\n"
        f"- {published}"
    )


def _executor(config: Config, options: Options) -> str:
    found = options.executor or config.images.kaniko
    if installation.is_placeholder(found):
        raise CommandError("No Kaniko image is set: give --executor, or --values with images.kaniko.")
    return found


def _check(image: Image, options: Options, output: Path) -> None:
    """Checks that exactly those Secrets and ConfigMaps that the spec names are given as files."""
    if not output.parent.is_dir():
        raise CommandError(f"The folder {output.parent} for {output.name} does not exist.")
    git = image.spec.source.git
    wanted = (
        ("spec.image.caSecretRef", bool(image.spec.image.ca_secret_ref), "--registry-ca", options.registry_ca),
        ("spec.source.configMap", bool(image.spec.source.config_map), "--config-map", options.config_map),
        ("spec.source.git.secretRef", bool(git and git.secret_ref), "--git-secret", options.git_secret),
    )
    for field, is_set, flag, value in wanted:
        if is_set and not value:
            raise CommandError(f"{field} is set, but there is no cluster to read it from: give {flag}.")
        if value and not is_set:
            raise CommandError(f"{flag} is given, but {field} is not set: the build in a cluster would not use it.")
        if value and not Path(value).exists():
            raise CommandError(f"{value}, given with {flag}, does not exist.")


def _site(run: PlannedJob, config: Config, credentials: Credentials, options: Options, folder: Path) -> _Site:
    found = logins.collect(config.registries.hosts, logins.files(options.engine, options.authfile))
    home = folder / "home"
    auth = home / ".docker" / "config.json"
    logins.write(found, auth)
    request = step_input(run, "resolve", inputs.ResolveInput)
    mounts = Mounts(_path(options.config_map), _path(options.git_secret), folder / "download")
    return _Site(
        credentials=credentials,
        store=Store(request.ufile, credentials),
        registry=Registry(request.registry, auth, _path(options.registry_ca)),
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


def _exported(run: PlannedJob, resolved: results.Resolved, config: Config, site: _Site) -> PlannedJob:
    """The Build stage. Runs the export first if its result is not in UFile yet."""
    prefix = run.observed.spec.export.output_prefix
    graph = found_graph(site.store, prefix, resolved.fingerprint)
    if graph:
        _say(f"Using {graph.key} from US3. Whoever may write there may have put it there: only the cluster can tell.")
    following = pipeline.following(run, replace(resolved, image=None, graph=graph), config)
    if following and following.stage is Stage.EXPORT:
        _say("The graph of this checkpoint is not in UFile yet. Exporting it here.")
        request = step_input(following, "export", inputs.ExportInput)
        exported = export.export(request, keys.environment(site.credentials))
        following = pipeline.following(following, exported, config)
    if following is None or following.stage is not Stage.BUILD:
        raise ValueError("no Build stage follows the export")
    return following


def _built(run: PlannedJob, config: Config, options: Options, executor: str, site: _Site) -> str:
    """Runs the steps of the Build stage, one after the other."""
    work, scratch = site.folder / "work", site.folder / "scratch"
    work.mkdir()
    scratch.mkdir(mode=0o700)
    request = replace(step_input(run, "assemble", inputs.AssembleInput), builder=_BUILDER)
    assemble(request, site.store, work / "context", work / "Dockerfile", site.mounts)
    spec, status = run.observed.spec, run.observed.status
    kaniko.run(
        kaniko.Build(
            work=work,
            scratch=scratch,
            home=site.home,
            ca=Path(options.registry_ca) if options.registry_ca else None,
            arguments=local_args(run.observed, status, config),
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
    digest = report(step_input(run, "report", inputs.ReportInput), site.registry, work / "digest").digest
    return f"{spec.image.repository}@{digest}"


def _say(text: str) -> None:
    print(text, file=sys.stderr)
