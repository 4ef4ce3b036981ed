"""Which images of which repositories an InferenceImage refers to, read from its JSON without the rest of it."""

import msgspec

from inference_image_contract.content import DIGEST
from inference_image_operator.kube.slim import Slim


class References(msgspec.Struct, frozen=True):
    """Of one object. Without repositories they are unknown: then every digest counts for each repository."""

    repositories: tuple[str, ...] = ()
    """Those in the spec, and that of the published image, which may differ."""
    current: tuple[str, ...] = ()
    history: tuple[str, ...] = ()


class _Image(Slim):
    repository: str = ""
    additional_repositories: tuple[str, ...] = ()
    pin: str = ""
    reference: str = ""
    digest: str = ""


class _Spec(Slim):
    image: _Image


class _Status(Slim):
    image: _Image | None = None
    built: _Image | None = None
    content_hash: str = ""
    history: tuple[_Image, ...] = ()


class _Object(Slim):
    spec: _Spec
    status: _Status = msgspec.field(default_factory=_Status)


_OBJECT = msgspec.json.Decoder(_Object)


def references(data: msgspec.Raw | bytes) -> References:
    """The references of one object. What is no digest is left out: anybody may have written it."""
    try:
        found = _OBJECT.decode(data)
    except (msgspec.ValidationError, RecursionError):
        return References(current=tuple(dict.fromkeys(DIGEST.findall(bytes(data).decode()))))
    spec, status = found.spec.image, found.status
    published, built = status.image or _Image(), status.built or _Image()
    repositories = (spec.repository, *spec.additional_repositories, published.reference.partition("@")[0])
    return References(
        repositories=tuple(filter(None, repositories)),
        current=_digests(published.digest, built.digest, status.content_hash, spec.pin),
        history=_digests(*(entry.digest for entry in status.history)),
    )


def _digests(*found: str) -> tuple[str, ...]:
    return tuple(text for text in found if DIGEST.fullmatch(text))
