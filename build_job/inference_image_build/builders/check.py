"""Refuses a Dockerfile that a builder would not build right, before anything runs. Pure."""

from collections.abc import Iterable, Mapping

from inference_image_build.builders import features
from inference_image_build.builders.features import Dockerfile, InvalidLineError, Use
from inference_image_build.builders.sources import MissingError
from inference_image_build.builders.table import BUILDERS, INSTEAD, Verdict, verdict
from inference_image_build.dockerfile import directives, parse
from inference_image_contract.errors import StageError
from inference_image_contract.hints import REQUEST_AGAIN
from inference_image_contract.inputs import BaseSettings
from inference_image_contract.reasons import Reason

_SHOWN = 3
"""Uses that a message names."""


def read(data: bytes, name: str, build_args: Mapping[str, str], bases: Mapping[str, BaseSettings]) -> Dockerfile:
    """The Dockerfile on these base images; one that `bases` lacks is unknown.

    Raises StageError (`DockerfileInvalid`).
    """
    instructions = parse.read(data, name)
    try:
        return features.read(instructions, directives.read(data.decode()), build_args, bases)
    except InvalidLineError as error:
        raise parse.invalid(name, str(error), error.line) from error


def check(dockerfile: Dockerfile, builder: str, name: str, allowed: Iterable[str] = ()) -> None:
    """Refuses what `builder` does not do right. `name` is the Dockerfile's path, for messages.

    `allowed` are the builders that the hint may name; all if it is empty.

    Raises StageError (`BuilderUnsupported`) with the line and the flag.
    """
    if refused := unsupported(dockerfile, builder):
        raise _failure(refused, builder, name, _others(dockerfile, allowed))


def refused_late(dockerfile: Dockerfile, use: Use, builder: str, name: str, allowed: Iterable[str] = ()) -> StageError:
    """The failure for something that only the files of the context show."""
    others = [other for other in _others(dockerfile, allowed) if verdict(use.feature, other) is not Verdict.REFUSED]
    return _failure((use,), builder, name, [other for other in others if other != builder])


def source_missing(error: MissingError) -> StageError:
    """The failure for a COPY or ADD of something that the context does not have."""
    return StageError(
        Reason.COPY_SOURCE_NOT_FOUND,
        f"A COPY or ADD instruction names {error.word}, which is not in the source.",
        f"Add the file to the source, or correct the Dockerfile, {REQUEST_AGAIN}",
    )


def unsupported(dockerfile: Dockerfile, builder: str) -> tuple[Use, ...]:
    """What the builder does not do right: the first of each line."""
    found = [use for use in dockerfile.uses if verdict(use.feature, builder) is Verdict.REFUSED]
    return tuple({use.line: use for use in reversed(found)}[line] for line in sorted({use.line for use in found}))


def able(dockerfile: Dockerfile) -> tuple[str, ...]:
    """The builders that do all of this Dockerfile right."""
    return tuple(builder for builder in BUILDERS if not unsupported(dockerfile, builder))


def _others(dockerfile: Dockerfile, allowed: Iterable[str]) -> list[str]:
    return [builder for builder in able(dockerfile) if builder in (tuple(allowed) or BUILDERS)]


def _failure(refused: tuple[Use, ...], builder: str, name: str, others: Iterable[str]) -> StageError:
    """The failure that says which line the builder does not support, and which builder does."""
    first, *further = refused
    more = "".join(f"; line {use.line}: {use.what}" for use in further[: _SHOWN - 1])
    rest = f"; {len(refused) - _SHOWN} more" if len(refused) > _SHOWN else ""
    remedy = " or ".join(f"Set spec.build.builder to {other}" for other in others)
    instead = INSTEAD.get(first.feature)
    change = f"{instead} in line {first.line}" if instead else f"remove {first.what} from line {first.line}"
    return StageError(
        Reason.BUILDER_UNSUPPORTED,
        f"The Dockerfile {name}, line {first.line}: {builder} does not support {first.what}{more}{rest}.",
        f"{remedy}, or {change} of {name}." if remedy else f"{change[0].upper()}{change[1:]} of {name}.",
    )
