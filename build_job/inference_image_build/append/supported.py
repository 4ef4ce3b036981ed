"""Which Dockerfiles the append builder supports. Pure."""

from inference_image_build.dockerfile.rules import Instruction
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason

_COPY_FLAGS = frozenset({"chown", "chmod", "link"})
_INSTRUCTIONS = frozenset(
    {
        "ADD",
        "ARG",
        "CMD",
        "COPY",
        "ENTRYPOINT",
        "ENV",
        "EXPOSE",
        "FROM",
        "HEALTHCHECK",
        "LABEL",
        "SHELL",
        "STOPSIGNAL",
        "USER",
        "VOLUME",
        "WORKDIR",
    }
)
_REMOTE = ("http://", "https://", "git://", "git@", "ssh://")


def check(instructions: tuple[Instruction, ...], name: str) -> None:
    """Refuses what needs a command to run, the base's file system, or a second image.

    `name` is the Dockerfile's path, for messages. Raises StageError (`BuilderUnsupported`) with the line.
    """
    stages = 0
    for instruction in instructions:
        stages += instruction.name == "FROM"
        if stages > 1:
            raise unsupported(name, instruction, "a second FROM")
        if instruction.name not in _INSTRUCTIONS:
            raise unsupported(name, instruction, instruction.name)
        if instruction.name == "FROM" and any(flag.startswith("--platform") for flag in instruction.flags):
            raise unsupported(name, instruction, "FROM --platform")
        if instruction.name in {"ADD", "COPY"}:
            _check_copy(instruction, name)


def _check_copy(instruction: Instruction, name: str) -> None:
    for flag in instruction.flags:
        option = flag.removeprefix("--").partition("=")[0]
        if option not in _COPY_FLAGS:
            raise unsupported(name, instruction, f"{instruction.name} --{option}")
    for word in instruction.arguments[:-1]:
        if word.startswith("<<"):
            raise unsupported(name, instruction, f"{instruction.name} with a heredoc")
        if instruction.name == "ADD" and word.startswith(_REMOTE):
            raise unsupported(name, instruction, "ADD of a URL")


def unsupported(name: str, instruction: Instruction, what: str) -> StageError:
    """The failure that says which line needs another builder."""
    return StageError(
        Reason.BUILDER_UNSUPPORTED,
        f"The Dockerfile {name}, line {instruction.first_line}: the append builder does not support {what}.",
        f"Set spec.build.builder to Kaniko, or remove {what} from line {instruction.first_line} of {name}.",
    )
