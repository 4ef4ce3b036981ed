"""Rewrites COPY and ADD for Kaniko."""

import re
from pathlib import Path

from inference_image_build.builders import copies, sources, users
from inference_image_build.builders.features import Dockerfile, Use
from inference_image_build.builders.kaniko import groups, staging
from inference_image_build.builders.kaniko.words import array, literal, source
from inference_image_build.builders.sources import Source
from inference_image_build.dockerfile import heredocs, modes, patterns
from inference_image_build.dockerfile.rules import Instruction
from inference_image_build.dockerfile.stages import State

_ROOT = "--chown=0:0"
"""Kaniko keeps the owners of the context; Docker gives files to root."""
_KEPT = ("--chown=", "--chmod=", "--link")
_PLAIN = re.compile(r"[\w./-]+")
"""Paths that mean themselves in .dockerignore."""
_NAME = re.compile(r"\s*(?:COPY|ADD)(?=\s)", re.IGNORECASE)


class RefusedError(Exception):
    """The files of the context show something that Kaniko does not do right."""

    def __init__(self, use: Use) -> None:
        super().__init__(use.what)
        self.use = use


class Copies:
    """The instructions of a Dockerfile that copy, and what each of them takes from the context."""

    def __init__(self, dockerfile: Dockerfile, context: Path) -> None:
        """Reads the context before anything is written into it. Raises ValueError with what is wrong."""
        self._context = context
        self._built = dockerfile.built
        self.ignored: list[str] = []
        """Lines of .dockerignore: the folders that are sources, but not what is in them.

        Kaniko gives a folder that exists in the image the owner and mode of the source. Docker leaves it alone.
        """
        self._taken: dict[int, tuple[Source, ...]] = {}
        self._staged: set[int] = set()
        for instruction, state in dockerfile.steps:
            if (
                instruction.name in {"COPY", "ADD"}
                and instruction.flag("from") is None
                and dockerfile.built.has(instruction, state)
            ):
                taken = sources.collect(instruction, state, context)
                self._taken[instruction.first_line] = taken
                if _is_staged(instruction, state, taken):
                    self._staged.add(instruction.first_line)
        self._staged |= {line for line, taken in self._taken.items() if self._is_nested(taken)}
        if self._staged or any(_has_script(*step) for step in dockerfile.steps if dockerfile.built.has(*step)):
            self._staged |= {line for line, taken in self._taken.items() if self._has_all(taken)}

    def _is_nested(self, taken: tuple[Source, ...]) -> bool:
        """Whether a folder is part of another source, too: then .dockerignore cannot leave it out here alone."""
        others = (item for sources in self._taken.values() for found in sources for item in found.items)
        nested = {item.source for item in others if item.is_folder and item.path}
        tops = [top.relative_to(self._context).as_posix() for found in taken if (top := _top(found))]
        return any(not _PLAIN.fullmatch(top) or self._context / top in nested for top in tops)

    def _has_all(self, taken: tuple[Source, ...]) -> bool:
        """Whether the sources would include what is staged."""
        top = {self._context, self._context / staging.FOLDER}
        return any(item.source in top for found in taken for item in found.items)

    def line(self, instruction: Instruction, state: State) -> str | None:
        """The line for the instruction; None if it stays as it is. Raises RefusedError.

        Kaniko gives files of an owner without a group to the group with the number of the UID.
        """
        owner = _owner(instruction, state)
        if not owner:
            return self._line(instruction, state)
        written, whole = f"--chown={instruction.flag('chown')}", f"--chown={literal(owner)}:{literal(owner)}"
        instruction = instruction._replace(
            flags=tuple(whole if flag == written else flag for flag in instruction.flags),
            original=instruction.original.replace(written, whole, 1),
        )
        made = self._line(instruction, state)
        made = _text(instruction) if made is None else made
        return f"{groups.owner(self._context, owner)}\n{made}" if made else ""

    def _line(self, instruction: Instruction, state: State) -> str | None:
        if (origin := instruction.flag("from")) is not None:
            number = self._built.number(origin)
            return None if number == origin else _text(instruction).replace(f"--from={origin}", f"--from={number}", 1)
        taken = self._taken[instruction.first_line]
        archives = _archives(instruction, taken)
        remote = [word for word in instruction.arguments[:-1] if copies.is_remote(state.expand(word))]
        if not taken and not remote:
            return ""
        if instruction.first_line in self._staged:
            return self._staged_line(instruction, state, archives, remote)
        for found in taken:
            if top := _top(found):
                self._ignore(top.relative_to(self._context).as_posix())
        name = "ADD" if archives or remote else "COPY"
        owner = "" if instruction.flag("chown") else f" {_ROOT}"
        return _NAME.sub(f"{name}{owner}", _text(instruction), count=1)

    def _staged_line(
        self, instruction: Instruction, state: State, archives: tuple[Source, ...], remote: list[str]
    ) -> str:
        line = instruction.first_line
        mode = state.expand(instruction.flag("chmod") or "")
        is_baked = bool(mode) and not _is_plain(mode)
        others = tuple(found for found in self._taken[line] if found not in archives)
        copied = staging.copies(self._context, line, others, mode if is_baked else "")
        for path, found in zip(copied, others, strict=True):
            if found.is_folder and any(item.path for item in found.items):
                self._ignore(path.rstrip("/"))
        words = [
            *remote,
            *(source(path) for path in copied),
            *(source(self._archive(line, found)) for found in archives),
        ]
        flags = [flag for flag in instruction.flags if flag.startswith(_KEPT)]
        flags = [flag for flag in flags if not (is_baked and flag.startswith("--chmod="))]
        flags += [] if instruction.flag("chown") else [_ROOT]
        target = instruction.arguments[-1]
        target += "/" if instruction.switch("parents") and not target.endswith("/") else ""
        return " ".join(("ADD" if archives or remote else "COPY", *flags, array([*words, target])))

    def _ignore(self, folder: str) -> None:
        self.ignored += [folder] if folder == "." else [folder, f"!{folder}/**"]

    def _archive(self, line: int, found: Source) -> str:
        path = found.items[0].source
        if sources.is_xz(path):
            return staging.unpacked(self._context, line, found)
        return path.relative_to(self._context).as_posix()


def _top(found: Source) -> Path | None:
    """The folder that is the source, if anything is in it."""
    return found.items[0].source if found.is_folder and not found.items[0].path and len(found.items) > 1 else None


def _text(instruction: Instruction) -> str:
    """The instruction on one line."""
    return instruction.original.partition("\n")[0] if instruction.heredocs else instruction.original.strip()


def _owner(instruction: Instruction, state: State) -> str:
    """The user's name that --chown has without a group; else empty."""
    owner = state.expand(instruction.flag("chown") or "")
    return owner.removesuffix(":") if users.is_name_alone(owner) else ""


def _has_script(instruction: Instruction, state: State) -> bool:
    """Whether something is written into the context for the instruction, besides the files of a COPY or ADD."""
    if instruction.name == "RUN":
        found = heredocs.script(instruction)
        return bool(found and found.name) or users.has_open_group(state.user)
    return instruction.name in {"COPY", "ADD"} and bool(_owner(instruction, state))


def _is_plain(mode: str) -> bool:
    number = modes.octal(mode)
    return number is not None and not number & modes.SPECIAL


def _is_staged(instruction: Instruction, state: State, taken: tuple[Source, ...]) -> bool:
    """Whether the files have to be written apart for Kaniko to copy them right."""
    if instruction.heredocs or any(instruction.flag(name) is not None for name in ("exclude", "parents", "unpack")):
        return True
    mode = state.expand(instruction.flag("chmod") or "")
    if mode and not _is_plain(mode):
        return True
    words = [state.expand(word) for word in instruction.arguments[:-1]]
    if any(patterns.is_pattern(word) for word in words) and len(taken) < len(words):
        return True  # a pattern that matches nothing among others
    return instruction.name == "ADD" and any(
        sources.is_xz(found.items[0].source) for found in _archives(instruction, taken)
    )


def _archives(instruction: Instruction, taken: tuple[Source, ...]) -> tuple[Source, ...]:
    """The sources that ADD unpacks. Raises RefusedError for what Kaniko unpacks wrongly."""
    if instruction.name != "ADD" or (instruction.flag("unpack") is not None and not instruction.switch("unpack")):
        return ()
    found = []
    for taken_one in taken:
        if taken_one.is_folder or taken_one.items[0].text is not None:
            continue
        kind = sources.archive(taken_one.items[0].source)
        if kind.is_zstd:
            raise RefusedError(_use("ADD of an archive (zstd)", instruction, taken_one))
        if kind.is_tar and instruction.flag("chown"):
            raise RefusedError(_use("ADD of an archive with --chown", instruction, taken_one))
        if kind.is_tar:
            found.append(taken_one)
    return tuple(found)


def _use(feature: str, instruction: Instruction, found: Source) -> Use:
    return Use(feature, instruction.first_line, f"{feature}: {found.name}")
