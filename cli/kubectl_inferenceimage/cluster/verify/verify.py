"""`verify`: asks the registry and US3, with the person's own logins and keys, and prints what differs."""

import tempfile
from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from inference_image_build.registry import references
from inference_image_build.registry.auth import secrets
from inference_image_build.registry.client import Registry
from inference_image_contract.errors import StageError
from inference_image_contract.redact import redact
from inference_image_operator.api import Spec, Status
from inference_image_operator.config.installation import Config
from inference_image_store import Store
from kubectl_inferenceimage.cluster.connection import Cluster
from kubectl_inferenceimage.cluster.objects import spec_and_status
from kubectl_inferenceimage.cluster.text import table
from kubectl_inferenceimage.cluster.us3 import NotAskedError, bucket
from kubectl_inferenceimage.cluster.verify import expected
from kubectl_inferenceimage.cluster.verify.expected import ExpectedImage, ExpectedObject
from kubectl_inferenceimage.errors import CommandError
from kubectl_inferenceimage.local import keys, logins


class Options(NamedTuple):
    """Where the logins and keys are."""

    engine: logins.Engine
    authfile: str = ""
    registry_ca: str = ""
    keys: str = ""


class Verdict(StrEnum):
    """What came of a question."""

    EQUAL = "equal"
    DIFFERENT = "DIFFERENT"
    MISSING = "MISSING"
    FAILED = "NOT ANSWERED"
    NOT_ASKED = "not asked"


class Row(NamedTuple):
    """One thing that the status says."""

    what: str
    where: str
    verdict: Verdict
    found: str


def verify(cluster: Cluster, name: str, config: Config, options: Options) -> int:
    """Prints the table. Returns 1 if something is not as the status says, or has no answer. Raises CommandError."""
    image = cluster.image(name)
    spec, status = spec_and_status(image)
    images = list(expected.images(spec, status, image["metadata"].get("generation", 0)))
    if not images:
        raise CommandError(f"{name} has published nothing.")
    rows = [*_images(images, config, options), *_objects(spec, status, config, options)]
    print(table(("WHAT", "WHERE", "VERDICT", "FOUND"), rows))
    return int(any(row.verdict not in {Verdict.EQUAL, Verdict.NOT_ASKED} for row in rows))


def _images(images: list[ExpectedImage], config: Config, options: Options) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="inferenceimage-") as folder:
        hosts = {references.parse_repository(image.repository).host for image in images}
        asked = {name for host in hosts for name in (host, *config.registries.names.of(host))}
        found = logins.collect(asked, logins.files(options.engine, options.authfile))
        auth = Path(folder) / "config.json"
        logins.write(found, auth)
        ca = Path(options.registry_ca) if options.registry_ca else Path(folder) / "none"
        clients = {
            name: _client(name, config, auth, ca) for name in dict.fromkeys(image.repository for image in images)
        }
        for image in images:
            separator = "@" if image.selector == image.digest else ":"
            where = f"{image.repository}{separator}{image.selector}"
            yield _row(image.what, where, partial(_image, clients[image.repository], image), secrets(found))


def _client(repository: str, config: Config, auth: Path, ca: Path) -> Registry:
    """A client for one repository, on any host: the person asks, and a login goes to its own host alone."""
    settings = config.registries.for_jobs(repository, ())
    return Registry(msgspec.structs.replace(settings, allowed_hosts=()), auth, ca)


def _image(registry: Registry, image: ExpectedImage) -> tuple[Verdict, str]:
    repository = references.parse_repository(image.repository)
    manifest = registry.manifest(repository, image.selector)
    if manifest is None:
        return Verdict.MISSING, ""
    if manifest.digest != image.digest:
        return Verdict.DIFFERENT, f"{manifest.digest}; the status says {image.digest}"
    size = registry.size(repository, manifest) if image.size else 0
    if size != image.size:
        return Verdict.DIFFERENT, f"{size} bytes; the status says {image.size}"
    return Verdict.EQUAL, manifest.digest


def _objects(spec: Spec, status: Status, config: Config, options: Options) -> Iterator[Row]:
    wanted = list(expected.objects(status))
    try:
        store = bucket(spec, config, options.keys)
    except NotAskedError as error:
        yield from (Row(item.what, item.key, Verdict.NOT_ASKED, str(error)) for item in wanted)
        return
    hidden = keys.read(options.keys).secrets
    for item in wanted:
        yield _row(item.what, item.key, partial(_object, store, item), hidden)


def _object(store: Store, item: ExpectedObject) -> tuple[Verdict, str]:
    found = store.find(item.key)
    if found is None:
        return Verdict.MISSING, ""
    facts = (
        ("bytes", found.size, item.size),
        ("SHA-256", found.sha256, item.sha256 or None),
        ("ETag", found.etag, item.etag or None),
    )
    for what, there, said in facts:
        if said is not None and there != said:
            return Verdict.DIFFERENT, f"{what} {there or 'unknown'}; the status says {said}"
    return Verdict.EQUAL, f"{found.size} bytes"


def _row(what: str, where: str, ask: Callable[[], tuple[Verdict, str]], hidden: tuple[str, ...]) -> Row:
    try:
        return Row(what, where, *ask())
    except StageError as error:
        return Row(what, where, Verdict.FAILED, redact(f"{error.reason}: {error.message}", hidden))
