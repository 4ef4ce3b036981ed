"""The table of builders: what each of them does of what a Dockerfile can ask for.

It is data. `tests/builders` builds a Dockerfile for each row with the real builders and looks into the image;
`make reference` writes the table into docs/reference/builders.md. To add a builder, add its name and its column.
"""

from collections.abc import Mapping
from enum import StrEnum

TRIGGER = "ONBUILD of the base: "
"""Starts a feature that an ONBUILD of a base image uses."""
KANIKO = "1.25.16"
"""The release of Kaniko that the rows were proven with. Prove them again before you change it: `make test-builders`."""
BUILDERS = ("Kaniko", "Append")


class Verdict(StrEnum):
    """What a builder makes of a feature."""

    DONE = "yes"
    """The image is the one that `docker build` makes."""
    REWRITTEN = "rewritten"
    """The builder alone gets it wrong; `assemble` writes a Dockerfile for it that makes the same image."""
    NEARLY = "nearly"
    """The builder differs in what `NOTES` names, which nothing can tell before the build."""
    CHECKED = "checked"
    """The builder is right for most images; the Dockerfile that `assemble` writes ends the build for the others."""
    REFUSED = "no"
    """Resolve refuses it with `BuilderUnsupported`."""


_YES, _REWRITTEN, _CHECKED = Verdict.DONE, Verdict.REWRITTEN, Verdict.CHECKED
_NEARLY, _NO = Verdict.NEARLY, Verdict.REFUSED

TABLE: Mapping[str, tuple[Verdict, ...]] = {
    "FROM": (_YES, _YES),
    "FROM, several": (_YES, _NO),
    "FROM, a stage that nothing needs": (_REWRITTEN, _YES),
    "FROM --platform": (_YES, _YES),
    "FROM --platform=OTHER": (_NO, _NO),
    "# syntax=OTHER": (_NO, _NO),
    "# escape=`, escapes in words": (_NO, _YES),
    "ARG": (_YES, _YES),
    "ARG TARGETARCH in FROM": (_REWRITTEN, _YES),
    "ARG TARGETARCH": (_REWRITTEN, _YES),
    "ARG of an earlier stage": (_NO, _NO),
    "ARG after ENV of the same name": (_NO, _YES),
    "ENV": (_YES, _YES),
    "LABEL": (_YES, _YES),
    "MAINTAINER": (_REWRITTEN, _YES),
    "EXPOSE": (_YES, _YES),
    "EXPOSE of a range": (_REWRITTEN, _YES),
    "EXPOSE of sctp": (_NO, _YES),
    "WORKDIR": (_YES, _YES),
    "WORKDIR, USER is not root": (_NEARLY, _NEARLY),
    "USER": (_YES, _YES),
    "USER ${NAME:-DEFAULT}": (_REWRITTEN, _YES),
    "VOLUME": (_REWRITTEN, _YES),
    "STOPSIGNAL": (_YES, _YES),
    "SHELL": (_YES, _YES),
    "CMD": (_YES, _YES),
    "ENTRYPOINT": (_YES, _YES),
    "HEALTHCHECK": (_YES, _YES),
    "HEALTHCHECK --interval": (_YES, _YES),
    "HEALTHCHECK --timeout": (_YES, _YES),
    "HEALTHCHECK --start-period": (_YES, _YES),
    "HEALTHCHECK --start-interval": (_NO, _YES),
    "HEALTHCHECK --retries": (_YES, _YES),
    "ONBUILD": (_YES, _YES),
    "ONBUILD with a heredoc": (_YES, _NO),
    "ONBUILD of the base": (_YES, _NO),
    "RUN": (_YES, _NO),
    "RUN with a JSON array": (_YES, _NO),
    "RUN with a heredoc": (_REWRITTEN, _NO),
    "RUN as USER with a group": (_CHECKED, _NO),
    "RUN as USER with a number alone": (_CHECKED, _NO),
    "RUN --mount=type=bind": (_REWRITTEN, _NO),
    "RUN --mount=type=bind of the whole context": (_NO, _NO),
    "RUN --mount=type=bind,from=STAGE": (_NO, _NO),
    "RUN --mount=type=cache": (_REWRITTEN, _NO),
    "RUN --mount=type=cache,from=STAGE": (_NO, _NO),
    "RUN --mount=type=tmpfs": (_REWRITTEN, _NO),
    "RUN --mount, USER is not root": (_NO, _NO),
    "RUN --mount=type=secret": (_NO, _NO),
    "RUN --mount=type=ssh": (_NO, _NO),
    "RUN --network=default": (_YES, _NO),
    "RUN --network=none": (_NO, _NO),
    "RUN --network=host": (_NO, _NO),
    "RUN --security=sandbox": (_YES, _NO),
    "RUN --security=insecure": (_NO, _NO),
    "RUN --device": (_NO, _NO),
    "COPY": (_REWRITTEN, _YES),
    "COPY of a folder into an existing one": (_REWRITTEN, _YES),
    "COPY of a pattern": (_REWRITTEN, _YES),
    "COPY with a heredoc": (_REWRITTEN, _YES),
    "COPY to a folder that may be a link": (_YES, _NO),
    "COPY --from": (_YES, _NO),
    "COPY --from of a folder into an existing one": (_NEARLY, _NO),
    "COPY --from of a link": (_NEARLY, _NO),
    "COPY --chown=UID:GID": (_YES, _YES),
    "COPY --chown=NAME:GROUP": (_YES, _NO),
    "COPY --chown=NAME": (_CHECKED, _NO),
    "COPY --chown=NAME, no RUN": (_NO, _NO),
    "COPY --chmod=755": (_YES, _YES),
    "COPY --chmod=4755": (_REWRITTEN, _YES),
    "COPY --chmod=4755 --from": (_NO, _NO),
    "COPY --chmod=LETTERS": (_REWRITTEN, _YES),
    "COPY --chmod=LETTERS --from": (_NO, _NO),
    "COPY --link": (_YES, _YES),
    "COPY --parents": (_REWRITTEN, _YES),
    "COPY --parents --from": (_NO, _NO),
    "COPY --exclude": (_REWRITTEN, _YES),
    "COPY --exclude --from": (_NO, _NO),
    "ADD": (_REWRITTEN, _YES),
    "ADD of a pattern": (_REWRITTEN, _YES),
    "ADD with a heredoc": (_REWRITTEN, _YES),
    "ADD to a folder that may be a link": (_YES, _NO),
    "ADD of an archive": (_YES, _NO),
    "ADD of an archive (xz)": (_REWRITTEN, _NO),
    "ADD of an archive (zstd)": (_NO, _NO),
    "ADD of an archive with --chown": (_NO, _NO),
    "ADD of a URL": (_YES, _NO),
    "ADD of a URL, unpacked": (_NO, _NO),
    "ADD of a Git repository": (_NO, _NO),
    "ADD --chown=UID:GID": (_YES, _YES),
    "ADD --chown=NAME:GROUP": (_YES, _NO),
    "ADD --chown=NAME": (_CHECKED, _NO),
    "ADD --chown=NAME, no RUN": (_NO, _NO),
    "ADD --chmod=755": (_YES, _YES),
    "ADD --chmod=4755": (_REWRITTEN, _YES),
    "ADD --chmod=LETTERS": (_REWRITTEN, _YES),
    "ADD --link": (_YES, _YES),
    "ADD --exclude": (_REWRITTEN, _YES),
    "ADD --checksum": (_NO, _NO),
    "ADD --keep-git-dir": (_NO, _NO),
    "ADD --unpack=true": (_YES, _YES),
    "ADD --unpack=false": (_REWRITTEN, _YES),
}


NOTES: Mapping[str, str] = {
    "FROM, a stage that nothing needs": "not built",
    "FROM --platform": "of linux/amd64, also as `$BUILDPLATFORM` or `$TARGETPLATFORM`",
    "FROM --platform=OTHER": "images are for linux/amd64",
    "# syntax=OTHER": "any but `docker/dockerfile`, of every release",
    "# escape=`, escapes in words": "with that directive, a word with a backslash or a backtick that is no line's end",
    "ARG TARGETARCH": "and the other platform arguments, of linux/amd64",
    "ARG TARGETARCH in FROM": "and in an ARG before the first FROM",
    "ARG of an earlier stage": "a variable that an ARG of another stage sets; Docker has it empty or otherwise",
    "ARG after ENV of the same name": "of the base image, too; use another name",
    "MAINTAINER": "for Kaniko, the label `org.opencontainers.image.authors`",
    "EXPOSE of a range": "and PORT:PORT and protocols in capital letters",
    "WORKDIR, USER is not root": (
        "Docker gives a new folder and those above it to USER. Kaniko gives it the folder itself, with its uid as the "
        "group unless USER names one. With Append, the runtime creates it for root"
    ),
    "VOLUME": "Kaniko loses what a later RUN writes there, so it moves to the end",
    "ONBUILD of the base": "with Kaniko, only triggers that need no rewriting",
    "RUN with a heredoc": "for a shell, for a program, and with `#!`",
    "RUN as USER with a group": "the user's own group in /etc/passwd; for a UID that is not there, the same number",
    "RUN as USER with a number alone": "of a user in /etc/passwd; Docker gives another UID group 0, Kaniko its number",
    "RUN --mount=type=bind": "of a file or folder of the context; Kaniko does not keep RUN from writing to it",
    "RUN --mount=type=cache": "empty in every build",
    "COPY": "Kaniko keeps the owners of the context; files belong to root",
    "COPY of a pattern": "one that matches nothing copies nothing",
    "COPY to a folder that may be a link": "/bin, /sbin, /lib*, /var/run and /var/lock; write /usr/bin, /run",
    "COPY of a folder into an existing one": "Kaniko alone changes the owner and the mode of the folder that is there",
    "COPY --from of a folder into an existing one": "Kaniko gives that folder the owner and the mode of the source",
    "COPY --from of a link": "Docker copies the file that the link names, Kaniko the link; name the file",
    "COPY --chown=NAME": "the user's own group has the user's name; write NAME:GROUP for another",
    "COPY --chown=NAME, no RUN": "in a build stage that runs nothing, so that nothing can be checked; write NAME:GROUP",
    "COPY --chown=UID:GID": "a folder that is made for the file, too; with Append, the runtime makes it for root",
    "COPY --chmod=755": "a folder that is made for the file has the mode 0755; BuildKit gives it that of the file",
    "COPY --chmod=4755": "setuid, setgid and sticky bits",
    "COPY --chmod=LETTERS": "such as `u=rwX,go=rX`",
    "ADD of an archive": "tar, also with gzip or bzip2",
    "ADD of a URL": "not pinned: the content hash does not cover it",
}
"""What a row of the table says further."""

_WITH_GROUP = "write --chown=NAME:GROUP"
INSTEAD: Mapping[str, str] = {
    "ARG of an earlier stage": "use a name that no other build stage has",
    "COPY --chown=NAME, no RUN": _WITH_GROUP,
    "ADD --chown=NAME, no RUN": _WITH_GROUP,
}
"""What the hint says in place of removing the line."""


def verdict(feature: str, builder: str) -> Verdict:
    """What the builder makes of the feature.

    An ONBUILD of the base image cannot be rewritten: only what the builder does by itself is done right.
    """
    if feature.startswith(TRIGGER):
        alone = verdict(feature.removeprefix(TRIGGER), builder)
        return Verdict.DONE if alone is Verdict.DONE else Verdict.REFUSED
    return TABLE[feature][BUILDERS.index(builder)]
